"""One log file as bytes: which content it has, and its lines from a place on, also where it is compressed."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from msgspec import Struct

from postwarden.connectors.log_files.birth import born
from postwarden.errors import ConnectorError

#: Bytes that tell contents apart, and that are compared before one is read on.
HEAD, TAIL = 1024, 256
#: Bytes that are decoded and stored together.
PORTION = 1024 * 1024
#: Bytes of an overlong line that are kept as its sample.
SAMPLE = 1024

_GZIP = b"\x1f\x8b"


class Status(Struct, frozen=True, kw_only=True):
    """Which file it is and how it looks from outside; `born` is when it was made, 0 where nobody tells."""

    device: int
    inode: int
    born: int
    size: int
    modified: int


class LogFile:
    """An open log file. `compressed` where it is gzip's."""

    def __init__(self, path: str, raw: IO[bytes], status: Status) -> None:
        self.path, self.status = path, status
        self.compressed = raw.read(2) == _GZIP
        raw.seek(0)
        self._raw = raw
        self._lines: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if self.compressed else raw

    def head(self) -> bytes:
        """The first bytes of the content; raises ConnectorError where they cannot be read."""
        return self.read(0, HEAD)

    def length(self) -> int:
        """How many bytes the content has now."""
        if not self.compressed:
            return os.fstat(self._raw.fileno()).st_size
        length = 0
        while piece := self.read(length, PORTION):
            length += len(piece)
        return length

    def read(self, offset: int, most: int) -> bytes:
        """At most so many bytes from there; fewer only at the end of the content."""
        try:
            self._lines.seek(offset)
            found = io.BytesIO()
            while piece := self._lines.read(most - found.tell()):
                found.write(piece)
            return found.getvalue()
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise ConnectorError(
                f"the log {self.path} is damaged: {exc}",
                "restore it from where it was made",
                reason="malformed",
            ) from exc
        except OSError as exc:
            raise unreadable(self.path, exc) from exc


def unreadable(path: str, exc: OSError) -> ConnectorError:
    """What a disk or a mount that fails comes to."""
    return ConnectorError(
        f"the log {path} cannot be read: {exc.strerror}", "look at its disk", reason="unreachable"
    )


@contextmanager
def opened(path: str) -> Iterator[LogFile]:
    """The file, open; raises ConnectorError where it is none or may not be read, FileNotFoundError where it is gone."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise ConnectorError(
            f"the log {path} cannot be opened: {exc.strerror}",
            "let the service's user read it, for example by the group adm",
            reason="forbidden" if isinstance(exc, PermissionError) else "unreachable",
        ) from exc
    with os.fdopen(number, "rb") as raw:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise ConnectorError(
                f"the log {path} is no regular file", "name files, not pipes or devices", reason="malformed"
            )
        try:
            log = LogFile(path, raw, status_of(status, born(number)))
        except OSError as exc:
            raise unreadable(path, exc) from exc
        yield log


def status_of(found: os.stat_result, made: int) -> Status:
    return Status(
        device=found.st_dev, inode=found.st_ino, born=made, size=found.st_size, modified=found.st_mtime_ns
    )


class Piece(Struct, frozen=True, kw_only=True):
    """Whole lines from `start` to before `end`, what was left out between them, and whether `end` is inside a line.

    `tail` are the last bytes before `end`, as they stand.
    """

    start: int
    end: int
    data: bytes
    tail: bytes
    unread: tuple[tuple[int, bytes], ...] = ()
    torn: bool = False


def pieces(log: LogFile, offset: int, *, torn: bool, finished: bool, longest: int) -> Iterator[Piece]:
    """The lines from `offset` on, in portions. Where the content is `finished`, a last line without its line feed counts.

    Lines longer than `longest` are left out whole. `torn` says that `offset` is inside one of them.
    """
    while chunk := log.read(offset, PORTION):
        if not torn and len(chunk) == PORTION < longest and b"\n" not in chunk:
            chunk = log.read(offset, longest + 1)
        if torn:
            end = chunk.find(b"\n") + 1 or len(chunk)
            torn = chunk[end - 1 : end] != b"\n"
            yield Piece(start=offset, end=offset + end, data=b"", tail=chunk[:end][-TAIL:], torn=torn)
            offset += end
            continue
        end = chunk.rfind(b"\n") + 1
        if end:
            yield _without_long(chunk[:end], offset, longest)
            offset += end
        elif len(chunk) > longest:
            yield Piece(
                start=offset,
                end=offset + len(chunk),
                data=b"",
                tail=chunk[-TAIL:],
                unread=((offset, chunk[:SAMPLE]),),
                torn=True,
            )
            offset, torn = offset + len(chunk), True
        elif finished:
            # Whatever still comes behind it belongs to a line that was taken as it was.
            yield Piece(
                start=offset, end=offset + len(chunk), data=chunk + b"\n", tail=chunk[-TAIL:], torn=True
            )
            return
        else:
            return


def _without_long(data: bytes, start: int, longest: int) -> Piece:
    """The lines in `data`; overlong ones become empty, so that every other keeps its place."""
    end = start + len(data)
    if len(data) <= longest or max(map(len, data.split(b"\n"))) <= longest:
        return Piece(start=start, end=end, data=data, tail=data[-TAIL:])
    unread, kept, at = [], [], start
    for line in data.split(b"\n"):
        if len(line) > longest:
            unread.append((at, line[:SAMPLE]))
            kept.append(b" " * len(line))
        else:
            kept.append(line)
        at += len(line) + 1
    return Piece(start=start, end=end, data=b"\n".join(kept), tail=data[-TAIL:], unread=tuple(unread))
