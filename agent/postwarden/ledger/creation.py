"""Making a ledger: its first key, that key's certificate, its first record and its first checkpoint.

Everything is made in a folder beside the ledger's place and brought to the disk, then the private key gets
its place, and last the folder gets the ledger's name: so there is a whole ledger, or none and something that
says so. The folder is made exclusively, and so keeps a second maker out.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from postwarden.errors import LedgerError
from postwarden.ledger import (
    blobs,
    checkpoint,
    epochs,
    files,
    filesystem,
    lock,
    note,
    presence,
    private_keys,
    quarantine,
    reserve,
    segments,
    writer,
)
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Epoch
from postwarden.ledger.private_keys import PrivateKeys, Signer, Unlock
from postwarden.ledger.record import record_form
from postwarden.ledger.store import Ledger, open_ledger
from postwarden.ledger.tree import EMPTY_ROOT

_FOLDERS = (blobs.FOLDER, epochs.FOLDER, quarantine.FOLDER, segments.FOLDER)


def create(
    ledger: Path,
    private: Path,
    *,
    origin: str,
    time: str,
    first: Callable[[str], bytes],
    unlock: Unlock | None = None,
    second: bool = False,
) -> Ledger:
    """Make a ledger in the folder `ledger`, with its private key in the folder `private`, and open it.

    `origin` is its name for good: no white space, no plus sign. `time` (UTC, microseconds, `Z`) goes into the
    first key's certificate; `first` is called with the verifier key and gives the first record; `unlock` gives
    the passphrase that private keys are wrapped with, where they are; with `second`, checkpoints get a second
    signature, by ML-DSA-44. LedgerError
    where there is a ledger already, or half of one, and where anything cannot be made; what was made so far
    is then taken away again.
    """
    note.check_name(origin)
    if presence.is_there(ledger):
        raise _is_there(ledger)
    if half := presence.explain_half(ledger, private):
        raise half
    filesystem.refuse_network(ledger)
    began = presence.unfinished(ledger)
    kept = PrivateKeys(private, unlock, second)
    key = private_keys.make(kept)
    try:
        _claim(ledger, private)
        try:
            _fill(began, key, origin, time, first)
            private_keys.store(kept, 0, origin, key)
            files.rename(began, ledger)
        except BaseException:
            if os.path.lexists(began):  # else the ledger has its name, and the key is needed
                shutil.rmtree(began, ignore_errors=True)
                kept.path(0).unlink(missing_ok=True)
            raise
        with files.folder(ledger.parent) as parent:
            files.sync(parent, "the state folder")
    except OSError as exc:
        raise files.failure(f"the ledger {ledger} cannot be made", exc) from exc
    return open_ledger(ledger, private, unlock=unlock, second=second)


def _claim(ledger: Path, private: Path) -> None:
    """Make the folder that keeps other makers out, and see that none was quicker."""
    began = presence.unfinished(ledger)
    files.make_folder(ledger.parent)
    try:
        files.mkdir(began, 0o700)
    except FileExistsError as exc:
        raise LedgerError(
            f"{began} is there: another postwarden makes a ledger, or did not get to the end of it",
            f"if no other postwarden runs, remove {began} and run init again",
        ) from exc
    if presence.is_there(ledger) or private_keys.numbers(PrivateKeys(private)):
        began.rmdir()
        raise _is_there(ledger)


def _fill(began: Path, key: Signer, origin: str, time: str, first: Callable[[str], bytes]) -> None:
    """Everything inside the ledger's folder, on the disk when this returns."""
    epoch = Epoch(0, Position(0, EMPTY_ROOT), key.key(origin), time, key.cosigner(origin))
    certificate = epochs.sign_certificate(epoch, key.first)
    line = first(epoch.key.text)
    record_form(line)
    edge = segments.follow(segments.Edge(), [line])
    signed = writer.sign(edge.position, origin, key, line)
    with files.folder(began) as root:
        for name in _FOLDERS:
            files.mkdir(name, 0o700, dir_fd=root)
        with files.folder(epochs.FOLDER, within=root) as folder:
            files.store(folder, epochs.file_name(0), [certificate])
        with files.folder(segments.FOLDER, within=root) as folder:
            files.store(folder, segments.segment_name(0), [line, b"\n"])
        files.store(root, lock.NAME, [])
        reserve.make(root)
        files.store(root, checkpoint.NAME, [signed])


def _is_there(ledger: Path) -> LedgerError:
    return LedgerError(
        f"there is something at {ledger} already",
        "a ledger is made once and never replaced; use it, or choose another state folder",
    )
