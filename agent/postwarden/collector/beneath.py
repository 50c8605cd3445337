"""Opening files of hostile folders: no link at any component, no way out, no other file system, no waiting.

openat2(2) does it in the kernel, where nobody can rename a folder in between. Python has no function for it.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from postwarden.errors import ConnectorError, UsageError

#: The number of openat2 on every architecture (Linux 5.6).
_OPENAT2 = 437
_AT_FDCWD = -100
#: linux/openat2.h
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x01, 0x02, 0x04, 0x08
#: Renames beside us make the kernel give up its proof; a few tries are enough for honest ones.
_TRIES = 5

#: A mail host's folder of scripts has tens of names.
MAX_ENTRIES = 10_000

_WHY = {
    errno.ELOOP: "a part of its path is a link, and links are not followed",
    errno.EXDEV: "it lies on another file system than the folder above it",
    errno.EAGAIN: "its folder is being renamed",
    errno.EWOULDBLOCK: "it is held by a lease, or its folder is being renamed",
}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link, and links are not followed",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


class Content(Struct, frozen=True, kw_only=True):
    """A file that was read whole; times in nanoseconds."""

    raw: bytes
    owner: int
    mode: int
    modified: int


def open_folder(path: str) -> int:
    """A descriptor of the folder at an absolute path; raises OSError."""
    return _open(_AT_FDCWD, path, os.O_RDONLY | os.O_DIRECTORY, _NO_SYMLINKS | _NO_MAGICLINKS)


def open_below(folder: int, path: str) -> int:
    """A descriptor of the folder at a relative path below another; raises OSError."""
    return _open(folder, path, os.O_RDONLY | os.O_DIRECTORY, _below())


@contextmanager
def held(descriptor: int) -> Iterator[int]:
    """Closes the descriptor at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def names(folder: int) -> list[str]:
    """The names in a folder, sorted; raises ConnectorError where there are too many, OSError."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            found.append(entry.name)
            if len(found) > MAX_ENTRIES:
                raise ConnectorError(f"its folder has more than {MAX_ENTRIES} names", reason="malformed")
    return sorted(found)


def link_target(folder: int, path: str) -> str | None:
    """Where a link leads, as it is written and without going there; None for what is no link. Raises OSError."""
    with held(_open(folder, path, os.O_PATH | os.O_NOFOLLOW, _below())) as found:
        return os.readlink("", dir_fd=found) if stat.S_ISLNK(os.fstat(found).st_mode) else None


def read(folder: int, path: str, *, most: int, owners: frozenset[int] | None) -> Content:
    """The regular file at a relative path below `folder`, of at most `most` bytes, that one of `owners` has.

    It is opened without effect on it first, looked at, and only then read, so that no device or pipe is ever
    opened. A second hard link is refused: it may be somebody else's file under this name. Raises ConnectorError
    for what should not be read, OSError for what cannot be, FileNotFoundError among them.
    """
    with held(_open(folder, path, os.O_PATH | os.O_NOFOLLOW, _below())) as found:
        status = os.fstat(found)
        if not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
            raise ConnectorError(f"it is {kind}", reason="malformed")
        if status.st_nlink != 1:
            raise ConnectorError(
                f"it has {status.st_nlink} hard links, so it may be another's file", reason="malformed"
            )
        if owners is not None and status.st_uid not in owners:
            raise ConnectorError(f"it belongs to another user (uid {status.st_uid})", reason="malformed")
        if status.st_size > most:
            raise ConnectorError(f"it is larger than {most} bytes ({status.st_size})", reason="malformed")
        # The descriptor's own name leads to the same file, whatever its path has become.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        with held(os.open(f"/proc/self/fd/{found}", flags)) as opened:
            raw = _read(opened, most)
            after = os.fstat(opened)
    if len(raw) > most or (after.st_mtime_ns, after.st_size) != (status.st_mtime_ns, len(raw)):
        raise ConnectorError("it changed while it was read", reason="unreachable")
    return Content(
        raw=raw, owner=status.st_uid, mode=stat.S_IMODE(status.st_mode), modified=status.st_mtime_ns
    )


def why(exc: OSError) -> str:
    """The error in words."""
    return _WHY.get(exc.errno or 0) or exc.strerror or str(exc)


def _below() -> int:
    return _NO_SYMLINKS | _NO_MAGICLINKS | _NO_XDEV | _BENEATH


def _read(descriptor: int, most: int) -> bytes:
    parts = []
    left = most + 1
    while left and (part := os.read(descriptor, min(left, 65_536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _open(folder: int, path: str, flags: int, resolve: int) -> int:
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise OSError(errno.EINVAL, "its path has a NUL")
    how = _How(flags | os.O_CLOEXEC, 0, resolve)
    for _ in range(_TRIES):
        number = int(
            _libc.syscall(_OPENAT2, folder, ctypes.c_char_p(encoded), ctypes.byref(how), ctypes.sizeof(how))
        )
        if number >= 0:
            return number
        failed = ctypes.get_errno()
        if failed == errno.ENOSYS:
            raise UsageError(
                "this kernel has no openat2", "postwarden collect needs Linux 5.6 and a filter that allows it"
            )
        if failed not in {errno.EAGAIN, errno.EINTR}:
            break
    raise OSError(failed, os.strerror(failed), path)
