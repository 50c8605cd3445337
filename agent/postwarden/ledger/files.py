"""The system calls of the ledger, and the few durable steps made of them.

Every call that can fail or fall short while something is written goes through a name of this module, so that
a test can put a failing one in its place. Files are opened relative to a folder's descriptor, never through a
symbolic link, and only if they are regular files of the expected owner; a folder is open before the
directory entry in it changes, so that an error of its sync cannot be lost.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from postwarden.errors import LedgerError, LedgerFull, LedgerUnsound, LedgerUnsynced

pwrite = os.pwrite
ftruncate = os.ftruncate
fdatasync = os.fdatasync
fsync = os.fsync
rename = os.rename
unlink = os.unlink
mkdir = os.mkdir
posix_fallocate = os.posix_fallocate

CHUNK = 1 << 20
TEMPORARY = ".tmp"

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_HINT_FULL = "nothing was recorded; free space and run again"
_HINT_UNSYNCED = "check the disk, run verify, and only then start postwarden again"
_HINT_OTHER = "check the disk and the rights of the state folder, then run again"


def no_room(exc: OSError) -> bool:
    """Whether the disk is full, or its owner's quota used up."""
    return exc.errno in _NO_ROOM


def failure(what: str, exc: OSError) -> LedgerError:
    """Our error for an operating system's one; `what` is a clause like "the checkpoint was not written"."""
    message = f"{what}: {(exc.strerror or str(exc)).lower()}"
    if no_room(exc):
        return LedgerFull(message, _HINT_FULL)
    return LedgerError(message, _HINT_FULL if exc.errno == errno.EFBIG else _HINT_OTHER)


@contextmanager
def folder(path: str | Path, *, within: int | None = None) -> Iterator[int]:
    """Open a folder and give its descriptor.

    Relative to `within` it is a part of the ledger: LedgerUnsound where it is missing or no folder.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if within is None else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags, dir_fd=within)
    except OSError as exc:
        if within is not None and exc.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            raise LedgerUnsound(
                f"the ledger has no folder {path}", "restore the ledger from a backup, as a whole"
            ) from exc
        raise failure(f"the folder {path} cannot be opened", exc) from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for our eyes only, and bring them to the disk.

    OSError as the system gives it; a folder that is there is left as it is.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    mkdir(path, 0o700)
    with folder(path.parent) as parent:
        sync(parent, f"the folder {path.parent}")


def open_regular(folder: int, name: str, flags: int, *, owner: int | None) -> int:
    """Open a regular file without following links or waiting for a FIFO's other end.

    `owner` is the user id that the file must belong to, `None` for any (a copy that somebody verifies).
    Raises OSError as the system gives it where the file is missing or cannot be opened, LedgerUnsound where
    it is no regular file, and LedgerError where it belongs to another user.
    """
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as exc:
        if exc.errno in {errno.ELOOP, errno.ENXIO, errno.EISDIR}:
            raise _not_regular(name) from exc
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _not_regular(name)
    if owner is not None and status.st_uid != owner:
        os.close(descriptor)
        raise LedgerError(
            f"{name} belongs to user id {status.st_uid}, not to {owner}",
            "find out who put it there before giving it back to the ledger's owner",
        )
    return descriptor


def _not_regular(name: str) -> LedgerUnsound:
    return LedgerUnsound(
        f"{name} is not a regular file",
        "put the original back; the ledger follows no links and reads no pipes",
    )


def read(folder: int, name: str, *, owner: int | None, limit: int) -> bytes | None:
    """The content of a small file, or `None` where there is none; LedgerUnsound beyond `limit` bytes."""
    try:
        descriptor = open_regular(folder, name, os.O_RDONLY, owner=owner)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise failure(f"{name} cannot be read", exc) from exc
    try:
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(limit + 1)
    except OSError as exc:
        raise failure(f"{name} cannot be read", exc) from exc
    if len(content) > limit:
        raise LedgerUnsound(f"{name} is longer than {limit} bytes", "it is not a file that postwarden wrote")
    return content


def list_names(folder: int, what: str) -> list[str]:
    """The names in a folder, sorted; LedgerError where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError as exc:
        raise failure(f"{what} cannot be listed", exc) from exc


def each_name(folder: int, what: str) -> Iterator[str]:
    """The names in a folder, one by one, in no order; LedgerError where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name
    except OSError as exc:
        raise failure(f"{what} cannot be listed", exc) from exc


def is_there(folder: int, name: str) -> bool:
    """Whether anything has this name in an open folder; LedgerError where that cannot be seen."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise failure(f"{name} cannot be looked up", exc) from exc
    return True


def write_all(descriptor: int, content: bytes, offset: int) -> None:
    """Write all bytes at `offset`, however short each single write is; OSError as the system gives it."""
    view = memoryview(content)
    while view:
        written = pwrite(descriptor, view, offset)
        if written <= 0:
            raise OSError(errno.EIO, "the write made no progress")
        view = view[written:]
        offset += written


def sync(descriptor: int, what: str, *, data_only: bool = False) -> None:
    """Bring a file or folder to the disk.

    A failed sync is never tried again, for the kernel may have forgotten the pages it could not write: it is
    LedgerUnsynced at once, where a failed write is still an OSError that can be undone.
    """
    try:
        (fdatasync if data_only else fsync)(descriptor)
    except OSError as exc:
        why = (exc.strerror or str(exc)).lower()
        raise LedgerUnsynced(f"{what} could not be synced to the disk: {why}", _HINT_UNSYNCED) from exc


def prepare(folder: int, name: str, chunks: Iterable[bytes]) -> None:
    """Write a new file under its temporary name and sync it; a left-over of a crash is replaced."""
    temporary = name + TEMPORARY
    with suppress(FileNotFoundError):
        unlink(temporary, dir_fd=folder)
    descriptor = open_regular(folder, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, owner=None)
    try:
        offset = 0
        for chunk in chunks:
            write_all(descriptor, chunk, offset)
            offset += len(chunk)
        sync(descriptor, name)
    except BaseException:
        with suppress(OSError):  # the error on its way says more; a left-over is replaced next time
            unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(descriptor)


def publish(folder: int, name: str) -> None:
    """Give a prepared file its name; durable only after the folder's sync."""
    rename(name + TEMPORARY, name, src_dir_fd=folder, dst_dir_fd=folder)


def store(folder: int, name: str, chunks: Iterable[bytes]) -> None:
    """Prepare, publish and sync: when this returns, the file is on the disk, whole, under its name."""
    prepare(folder, name, chunks)
    publish(folder, name)
    sync(folder, f"the folder of {name}")
