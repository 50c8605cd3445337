"""The keys of a ledger's epochs: a certificate in the ledger for each, and the private key outside of it.

A certificate is a signed note with seven lines: `postwarden.epoch/v1`, the origin, the epoch's number, the
size and root (base64) at which it begins, the verifier key, and the time. The first epoch's begins with
nothing and is signed by its own key. The private key is the 32 bytes of an Ed25519 seed.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position, parse_root, parse_size
from postwarden.ledger.note import (
    VerifierKey,
    encode_base64,
    make_key,
    open_note,
    parse_key,
    parse_note,
    sign_note,
)
from postwarden.ledger.record import check_time
from postwarden.ledger.tree import EMPTY_ROOT

FOLDER = "keys"
FIRST = "00000000"
_FORMAT = "postwarden.epoch/v1"
_SEED = 32


@dataclass(frozen=True, slots=True)
class Epoch:
    """The life of one signing key: its number, where it begins, its key, and when it was made."""

    number: int
    begins: Position
    key: VerifierKey
    time: str


def sign_first_epoch(origin: str, time: str, private: Ed25519PrivateKey) -> bytes:
    """The certificate of epoch 0, signed by its own key."""
    check_time(time)
    key = make_key(origin, private.public_key().public_bytes_raw())
    lines = [_FORMAT, origin, "0", "0", encode_base64(EMPTY_ROOT), key.text, time, ""]
    return sign_note("\n".join(lines).encode(), origin, private)


def open_first_epoch(content: bytes) -> Epoch:
    """Read and verify the certificate of epoch 0; LedgerError where anything is amiss."""
    lines = parse_note(content).text.decode().split("\n")
    if len(lines) != 8 or lines[0] != _FORMAT:
        raise LedgerError(f"the key's certificate is not a {_FORMAT} of seven lines")
    _, origin, number, size, root, key_text, time, _ = lines
    key = parse_key(key_text)
    epoch = Epoch(parse_size(number), Position(parse_size(size), parse_root(root)), key, time)
    if key.name != origin:
        raise LedgerError("the key's certificate names another origin than its key")
    if epoch.number != 0 or epoch.begins != Position(0, EMPTY_ROOT):
        raise LedgerError("the first key's certificate does not begin with an empty ledger")
    check_time(time)
    open_note(content, [key])
    return epoch


def make_private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def load_private(folder: Path, name: str, expected: VerifierKey) -> Ed25519PrivateKey:
    """The private key of an epoch, if it is ours alone to read and belongs to `expected`; else LedgerError."""
    with files.folder(folder) as descriptor:
        _check_private(descriptor, folder)
        try:
            file = files.open_regular(descriptor, name, os.O_RDONLY, owner=os.geteuid())
        except OSError as exc:
            raise files.failure(f"the private key {folder / name} cannot be read", exc) from exc
        try:
            _check_private(file, folder / name)
            seed = os.read(file, _SEED + 1)
        except OSError as exc:
            raise files.failure(f"the private key {folder / name} cannot be read", exc) from exc
        finally:
            os.close(file)
    if len(seed) != _SEED:
        raise LedgerError(
            f"the private key {folder / name} is not {_SEED} bytes long", "restore it from your backup"
        )
    private = Ed25519PrivateKey.from_private_bytes(seed)
    if private.public_key().public_bytes_raw() != expected.public:
        raise LedgerError(
            f"the private key {folder / name} is not the one that this ledger is signed with",
            "restore the state folder as a whole: ledger and private key belong together",
        )
    return private


def store_private(folder: Path, name: str, private: Ed25519PrivateKey) -> None:
    """Bring a private key to the disk, in a folder of its own; OSError as the system gives it."""
    files.make_folder(folder)
    with files.folder(folder) as descriptor:
        _check_private(descriptor, folder)
        files.store(descriptor, name, [private.private_bytes_raw()])


def _check_private(descriptor: int, path: Path) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
        raise LedgerError(f"{path} can be read or changed by others", f"run chmod go= {path}")
