"""The files of `records/`: segments of 65,536 records, each named by the index of its first.

The right edge is where the next record goes. Bytes beyond it are what a writer left that did not come to its
checkpoint; it writes one segment to its end before it makes the next one, so left-overs are in an unbroken
row from the edge on. Any other segment beyond the edge was put there by somebody else.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import BinaryIO

from postwarden.errors import LedgerUnsound
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.record import MAX_LINE
from postwarden.ledger.scan import RECORDS, Scan
from postwarden.ledger.tree import extend, node_hash, root_of

FOLDER = RECORDS
LENGTH = 65_536

_RESTORE = "restore the ledger from a backup, and keep what is there as evidence"
_NAME = re.compile(r"([0-9]{8,18})\.jsonl")


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge: records so far, the byte in its segment where the next goes, the tree's peaks."""

    size: int = 0
    offset: int = 0
    peaks: tuple[bytes, ...] = ()

    @property
    def segment(self) -> int:
        """The first index of the segment that the next record goes into."""
        return first_of(self.size)

    @property
    def position(self) -> Position:
        return Position(self.size, root_of(self.peaks))


@dataclass(frozen=True, slots=True)
class Remains:
    """Bytes of one segment beyond the edge: from `offset` (in bytes) to the segment's end."""

    segment: int
    offset: int
    length: int


def first_of(index: int) -> int:
    """The first index of the segment that holds the record `index`."""
    return index - index % LENGTH


def segment_name(first: int) -> str:
    return f"{first:08d}.jsonl"


def segment_first(name: str) -> int | None:
    """The first index that a segment's name says, `None` where it is no segment's name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    first = int(match[1])
    return first if first % LENGTH == 0 and segment_name(first) == name else None


def list_segments(folder: int) -> list[int]:
    """The first indices of the segments that are there, in order."""
    names = files.list_names(folder, "the records folder")
    return sorted(first for name in names if (first := segment_first(name)) is not None)


@contextmanager
def open_segment(folder: int, index: int, *, owner: int | None) -> Iterator[BinaryIO]:
    """The segment that holds the record `index`, opened for reading.

    LedgerUnsound, with that index, where it is missing; LedgerError where the disk fails while it is open.
    """
    name = segment_name(first_of(index))
    try:
        descriptor = files.open_regular(folder, name, os.O_RDONLY, owner=owner)
    except FileNotFoundError as exc:
        raise LedgerUnsound(f"{name} is missing", _RESTORE, record=index) from exc
    except OSError as exc:
        raise files.failure(f"{name} cannot be read", exc) from exc
    try:
        with os.fdopen(descriptor, "rb", files.CHUNK) as file:
            yield file
    except OSError as exc:
        raise files.failure(f"{name} cannot be read", exc) from exc


def read_lines(
    folder: int, start: int, stop: int, *, owner: int | None, offset: int | None = None
) -> Iterator[bytes]:
    """The lines of the records from `start` to before `stop`, without line feeds.

    `offset` is the byte of `start` in its segment where it is known; else the segment is read from its
    beginning. LedgerUnsound names the first record that is missing, torn or too long.
    """
    index = start
    while index < stop:
        first = first_of(index)
        end = min(stop, first + LENGTH)
        with open_segment(folder, index, owner=owner) as file:
            if offset is None:
                for skipped in range(first, index):
                    _read_line(file, skipped)
            else:
                file.seek(offset)
            for number in range(index, end):
                yield _read_line(file, number)
            if end == first + LENGTH and file.read(1):
                raise LedgerUnsound(
                    f"{segment_name(first)} holds more than {LENGTH} records", _RESTORE, record=end
                )
        index, offset = end, 0


def follow(edge: Edge, lines: Iterable[bytes]) -> Edge:
    """The edge after more lines."""
    pending = iter(lines)
    while part := list(islice(pending, LENGTH - edge.size % LENGTH)):
        size = edge.size + len(part)
        offset = 0 if size % LENGTH == 0 else edge.offset + sum(map(len, part)) + len(part)
        edge = Edge(
            size, offset, extend(edge.size, edge.peaks, [sha256(b"\x00" + line).digest() for line in part])
        )
    return edge


def follow_scan(edge: Edge, scan: Scan, size: int) -> Edge:
    """The edge at one of a scan's sizes, where `edge` is at the beginning of its segment.

    Its offset is right at the scan's own size only.
    """
    peaks = scan.peaks[size]
    if size - edge.size < LENGTH:
        return Edge(size, scan.offset, edge.peaks + peaks)
    joined = [*edge.peaks, *peaks]
    before = edge.size // LENGTH
    while before & 1:
        right = joined.pop()
        joined[-1] = node_hash(joined[-1], right)
        before >>= 1
    return Edge(size, 0, tuple(joined))


def find_remains(folder: int, edge: Edge, *, owner: int | None) -> tuple[list[Remains], list[int]]:
    """What lies beyond the edge: a writer's left-overs in an unbroken row, and the segments that are none.

    A left-over of length 0 is a segment that was made and not written to. LedgerUnsound where the edge's own
    segment is shorter than the edge.
    """
    beyond = [first for first in list_segments(folder) if first >= edge.segment]
    remains: list[Remains] = []
    expected, offset, room = edge.segment, edge.offset, LENGTH - edge.size % LENGTH
    if edge.offset and beyond[:1] != [expected]:
        raise LedgerUnsound(f"{segment_name(expected)} is missing", _RESTORE, record=expected)
    while beyond[:1] == [expected]:
        del beyond[0]
        with open_segment(folder, expected, owner=owner) as file:
            length = os.fstat(file.fileno()).st_size - offset
            if length < 0:
                raise LedgerUnsound(f"{segment_name(expected)} is cut off", _RESTORE, record=expected)
            if length or expected != edge.segment:
                remains.append(Remains(expected, offset, length))
            if not beyond or not _is_filled(file, offset, room):
                break
        expected, offset, room = expected + LENGTH, 0, LENGTH
    return remains, beyond


def read_remains(folder: int, remains: Remains, *, owner: int | None) -> Iterator[bytes]:
    """The bytes beyond the edge, in chunks; as many as were found, or fewer where they were taken away."""
    with open_segment(folder, remains.segment, owner=owner) as file:
        file.seek(remains.offset)
        left = remains.length
        while left > 0 and (chunk := file.read(min(files.CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _read_line(file: BinaryIO, index: int) -> bytes:
    line = file.readline(MAX_LINE + 1)
    if not line:
        raise LedgerUnsound(f"record {index} is missing", _RESTORE, record=index)
    if not line.endswith(b"\n"):
        how = "is longer than a record can be" if len(line) > MAX_LINE else "is cut off"
        raise LedgerUnsound(f"record {index} {how}", _RESTORE, record=index)
    return line[:-1]


def _is_filled(file: BinaryIO, offset: int, room: int) -> bool:
    """Whether exactly `room` whole lines follow `offset`."""
    file.seek(offset)
    lines, last = 0, b"\n"
    while chunk := file.read(files.CHUNK):
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    return lines == room and last == b"\n"
