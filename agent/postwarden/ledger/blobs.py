"""Attachments of records: files of 16 random bytes and the content, named by the SHA-256 of the whole.

The salt keeps the name, which records carry and nobody can take back, from telling what the content was.
"""

import re
import secrets
from hashlib import sha256

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files

FOLDER = "blobs"
_SALT = 16
_NAME = re.compile(r"[0-9a-f]{64}")
#: No blob of ours comes near it; it bounds what a planted file can cost.
_MAX_BLOB = 1 << 30


def put_blob(folder: int, content: bytes) -> str:
    """Keep content and give its name; when this returns it is on the disk."""
    whole = secrets.token_bytes(_SALT) + content
    if len(whole) > _MAX_BLOB:
        raise LedgerError(f"a blob is longer than {_MAX_BLOB} bytes")
    name = sha256(whole).hexdigest()
    try:
        files.store(folder, name, [whole])
    except OSError as exc:
        raise files.failure("a blob was not written", exc) from exc
    return name


def read_blob(folder: int, name: str, *, owner: int) -> bytes:
    """The content of a blob, without its salt; LedgerUnsound where it is not what its name says."""
    if not _NAME.fullmatch(name):
        raise LedgerError(f"{name!r} is not a blob's name", "a blob's name is 64 hexadecimal digits")
    whole = files.read(folder, name, owner=owner, limit=_MAX_BLOB)
    if whole is None:
        raise LedgerError(f"there is no blob {name}", "it may have been erased when its retention ended")
    if len(whole) < _SALT or sha256(whole).hexdigest() != name:
        raise LedgerUnsound(f"the blob {name} is not what its name says", "restore it from a backup")
    return whole[_SALT:]


def list_blobs(folder: int) -> list[str]:
    """The names of all blobs, sorted; what a crash left half-written is not among them."""
    return [name for name in files.list_names(folder, "the blobs folder") if _NAME.fullmatch(name)]
