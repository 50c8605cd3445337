"""Making a ledger: its first key, that key's certificate, its first record and its first checkpoint.

Everything is made in a folder beside the ledger's place and brought to the disk, then the private key gets
its place, and last the folder gets the ledger's name: so there is a whole ledger, or none and something that
says so. The folder is made exclusively, and so keeps a second maker out.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger import blobs, checkpoint, files, keys, lock, note, presence, quarantine, segments
from postwarden.ledger.record import record_form
from postwarden.ledger.store import Ledger, open_ledger

_FOLDERS = (blobs.FOLDER, keys.FOLDER, quarantine.FOLDER, segments.FOLDER)


def create(ledger: Path, private: Path, *, origin: str, time: str, first: Callable[[str], bytes]) -> Ledger:
    """Make a ledger in the folder `ledger`, with its private key in the folder `private`, and open it.

    `origin` is its name for good: no white space, no plus sign. `time` (UTC, microseconds, `Z`) goes into the
    first key's certificate; `first` is called with the verifier key and gives the first record. LedgerError
    where there is a ledger already, or half of one, and where anything cannot be made; what was made so far
    is then taken away again.
    """
    note.check_name(origin)
    if presence.is_there(ledger):
        raise _is_there(ledger)
    if half := presence.explain_half(ledger, private):
        raise half
    began = presence.unfinished(ledger)
    key = keys.make_private()
    try:
        _claim(ledger, private)
        try:
            _fill(began, key, origin, time, first)
            keys.store_private(private, keys.FIRST, key)
            files.rename(began, ledger)
        except BaseException:
            if os.path.lexists(began):  # else the ledger has its name, and the key is needed
                shutil.rmtree(began, ignore_errors=True)
                (private / keys.FIRST).unlink(missing_ok=True)
            raise
        with files.folder(ledger.parent) as parent:
            files.sync(parent, "the state folder")
    except OSError as exc:
        raise files.failure(f"the ledger {ledger} cannot be made", exc) from exc
    return open_ledger(ledger, private)


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
    if presence.is_there(ledger) or os.path.lexists(private / keys.FIRST):
        began.rmdir()
        raise _is_there(ledger)


def _fill(began: Path, key: Ed25519PrivateKey, origin: str, time: str, first: Callable[[str], bytes]) -> None:
    """Everything inside the ledger's folder, on the disk when this returns."""
    certificate = keys.sign_first_epoch(origin, time, key)
    line = first(keys.open_first_epoch(certificate).key.text)
    record_form(line)
    edge = segments.follow(segments.Edge(), [line])
    signed = checkpoint.sign_checkpoint(edge.position, origin, key)
    with files.folder(began) as root:
        for name in _FOLDERS:
            files.mkdir(name, 0o700, dir_fd=root)
        with files.folder(keys.FOLDER, within=root) as folder:
            files.store(folder, keys.FIRST, [certificate])
        with files.folder(segments.FOLDER, within=root) as folder:
            files.store(folder, segments.segment_name(0), [line, b"\n"])
        files.store(root, lock.NAME, [])
        files.store(root, checkpoint.NAME, [signed])


def _is_there(ledger: Path) -> LedgerError:
    return LedgerError(
        f"there is something at {ledger} already",
        "a ledger is made once and never replaced; use it, or choose another state folder",
    )
