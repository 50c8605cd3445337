"""Opening files of hostile folders: no link at any component, no way out, no other file system, no waiting.

A path is walked component by component, each opened in the folder before it and never through a link, so that
nobody can put something else in between. (openat2(2) does the same at once, but systemd's RestrictSUIDSGID= takes
it away.)
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from postwarden.errors import ConnectorError

#: A mail host's folder of scripts has tens of names.
MAX_ENTRIES = 10_000

#: A folder on the way: not read, not followed.
_PASSING = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_WHY = {
    errno.ELOOP: "a part of its path is a link, and links are not followed",
    errno.EXDEV: "it lies on another file system than the folder above it",
    errno.EWOULDBLOCK: "it is held by a lease",
}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link, and links are not followed",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Content(Struct, frozen=True, kw_only=True):
    """A file that was read whole; times in nanoseconds."""

    raw: bytes
    owner: int
    mode: int
    modified: int


def open_folder(path: str) -> int:
    """A descriptor of the folder at an absolute path; raises OSError."""
    with held(os.open("/", _PASSING)) as root:
        return _walk(root, path, os.O_RDONLY, device=None)


def open_below(folder: int, path: str) -> int:
    """A descriptor of the folder at a relative path below another, on its file system; raises OSError."""
    return _walk(folder, path, os.O_RDONLY, device=os.fstat(folder).st_dev)


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
    with _found(folder, path) as found:
        return os.readlink("", dir_fd=found) if stat.S_ISLNK(os.fstat(found).st_mode) else None


def read(folder: int, path: str, *, most: int, owners: frozenset[int] | None) -> Content:
    """The regular file at a relative path below `folder`, of at most `most` bytes, that one of `owners` has.

    It is opened without effect on it first, looked at, and only then read, so that no device or pipe is ever
    opened. A second hard link is refused: it may be somebody else's file under this name. Raises ConnectorError
    for what should not be read, OSError for what cannot be, FileNotFoundError among them.
    """
    with _found(folder, path) as found:
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


def _read(descriptor: int, most: int) -> bytes:
    parts = []
    left = most + 1
    while left and (part := os.read(descriptor, min(left, 65_536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


@contextmanager
def _found(folder: int, path: str) -> Iterator[int]:
    """What stands at a relative path, link or not, opened without any effect on it; raises OSError."""
    above, _, last = path.rpartition("/")
    device = os.fstat(folder).st_dev
    with (
        held(_walk(folder, above, _PASSING, device=device)) as parent,
        held(os.open(last, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)) as found,
    ):
        if os.fstat(found).st_dev != device:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
        yield found


def _walk(folder: int, path: str, flags: int, *, device: int | None) -> int:
    """A descriptor of the folder at a path below another, opened with `flags`; on `device` where one is given."""
    parts = [part for part in path.split("/") if part]
    # The last one again, by the name that a folder has for itself, with the flags that are asked for.
    current = os.open(".", _PASSING, dir_fd=folder)
    try:
        for part in parts:
            if part == "..":
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
            current, before = _step(current, part), current
            os.close(before)
            if device is not None and os.fstat(current).st_dev != device:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
        return os.open(".", flags | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=current)
    finally:
        os.close(current)


def _step(folder: int, name: str) -> int:
    try:
        # O_DIRECTORY makes an automounter mount what belongs there.
        return os.open(name, _PASSING, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise
