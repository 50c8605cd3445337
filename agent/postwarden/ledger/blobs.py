"""Attachments of records: files of 16 random bytes and the content, named by the SHA-256 of the whole.

The salt keeps the name, which records carry and nobody can take back, from telling what the content was.
"""

import os
import re
import secrets
from collections.abc import Sequence
from hashlib import file_digest, sha256

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files
from postwarden.ledger.problems import Problems

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


def verify_blobs(folder: int, problems: Problems) -> int:
    """Compare every blob in the open folder with its name; gives how many there are.

    What a crash left half-written is no problem, any other file is one.
    """
    count = 0
    for name in files.each_name(folder, "the blobs folder"):
        if not _NAME.fullmatch(name.removesuffix(files.TEMPORARY)):
            problems.add(f"{FOLDER}/{name!a} is not a file of the ledger")
        elif not name.endswith(files.TEMPORARY):
            count += 1
            try:
                sound = _digest(folder, name) == name
            except LedgerUnsound as exc:
                problems.add(exc.message)
            else:
                if not sound:
                    problems.add(f"the blob {name} is not what its name says")
    return count


def erase(folder: int, names: Sequence[str]) -> None:
    """Overwrite and remove blobs, and bring that to the disk; OSError as the system gives it."""
    for name in names:
        try:
            file = files.open_regular(folder, name, os.O_WRONLY, owner=None)
        except FileNotFoundError:
            continue
        try:
            _overwrite(file, name)
        finally:
            os.close(file)
        files.unlink(name, dir_fd=folder)
    files.sync(folder, "the blobs folder")


def _overwrite(file: int, name: str) -> None:
    left, offset = os.fstat(file).st_size, 0
    while left:
        step = min(left, files.CHUNK)
        files.write_all(file, bytes(step), offset)
        left, offset = left - step, offset + step
    files.sync(file, f"the blob {name}")


def _digest(folder: int, name: str) -> str:
    try:
        with os.fdopen(files.open_regular(folder, name, os.O_RDONLY, owner=None), "rb") as file:
            return file_digest(file, sha256).hexdigest()
    except FileNotFoundError:
        return name  # erased since it was listed; whether it should be there is asked of the records
    except OSError as exc:
        raise files.failure(f"the blob {name} cannot be read", exc) from exc


def is_name(text: str) -> bool:
    """Whether a text can be a blob's name."""
    return _NAME.fullmatch(text) is not None


def list_blobs(folder: int) -> list[str]:
    """The names of all blobs, sorted; what a crash left half-written is not among them."""
    return [name for name in files.list_names(folder, "the blobs folder") if _NAME.fullmatch(name)]
