"""One segment in one go: its tree, its faults, and the records of some kinds; the heart of `verify`.

The file is read in chunks and split at 0x0A alone, and the hashes of all its leaves are joined level by level:
two list comprehensions over `sha256`, which is as fast as Python gets. It imports little, for each process
among which `spread` divides a ledger imports it.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files, hashes
from postwarden.ledger.problems import MAX_LISTED, Problem, Problems
from postwarden.ledger.record import MAX_LINE, record_form

RECORDS = "records"

_RESTORE = "restore the ledger from a backup, and keep what is there as evidence"
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read of one segment.

    `first` is the index of its first record, `stop` the index to stop before, `length` how many records a
    full segment has. `marks` are sizes of the ledger, beyond `first` and up to `stop`, whose peaks are asked
    for. `kinds` are those of the records to hand out; where it is `None`, lines are hashed and not looked at.
    """

    first: int
    stop: int
    length: int
    marks: tuple[int, ...] = ()
    kinds: frozenset[str] | None = None

    @property
    def name(self) -> str:
        return f"{self.first:08d}.jsonl"

    @property
    def is_full(self) -> bool:
        return self.stop == self.first + self.length


@dataclass(frozen=True, slots=True)
class Scan:
    """What one segment holds.

    `size` is the index behind its last sound line, `offset` the byte behind that line, and `peaks` those of
    the segment's own tree, the largest first, for each mark that was reached and for `size`. `broken` says why
    it was not read to the end, `problems` which records do not have a record's form (`unlisted` counts those
    beyond the first hundred); `found` are index and line of the records of the kinds that were asked for. A
    `pruned` segment has hashes in place of its records.
    """

    first: int
    size: int
    offset: int
    peaks: dict[int, tuple[bytes, ...]]
    broken: LedgerUnsound | None = None
    problems: tuple[Problem, ...] = ()
    unlisted: int = 0
    found: tuple[tuple[int, bytes], ...] = ()
    pruned: bool = False


def scan_segment(
    ledger: int, wanted: Wanted, *, owner: int | None, progress: Callable[[int], None] | None = None
) -> Scan:
    """Scan one segment of the ledger whose folder's descriptor is given.

    `owner` is the user id that its file must belong to, `None` for any. `progress` is called with the number
    of records read so far, those of earlier segments included. What is not sound is in the result; LedgerError
    where the disk does not let us read.
    """
    try:
        with files.folder(RECORDS, within=ledger) as folder:
            descriptor = files.open_regular(folder, wanted.name, os.O_RDONLY, owner=owner)
    except FileNotFoundError:
        return _scan_pruned(ledger, wanted, owner)
    except LedgerUnsound as exc:
        return _broken(wanted, exc)
    except OSError as exc:
        raise files.failure(f"{wanted.name} cannot be read", exc) from exc
    reading = _Reading(wanted, progress)
    with os.fdopen(descriptor, "rb", 0) as file:
        reading.read(file)
    size = wanted.first + len(reading.leaves)
    problems = reading.problems.listed()[:MAX_LISTED]
    return Scan(
        wanted.first,
        size,
        reading.offset,
        _peaks(wanted.first, reading.leaves, wanted.marks),
        reading.broken,
        problems,
        reading.problems.count - len(problems),
        tuple(reading.found),
    )


class _Reading:
    """A segment while it is read."""

    def __init__(self, wanted: Wanted, progress: Callable[[int], None] | None) -> None:
        self._wanted = wanted
        self._progress = progress
        self.leaves: list[bytes] = []
        self.offset = 0
        self.problems = Problems()
        self.found: list[tuple[int, bytes]] = []
        self.broken: LedgerUnsound | None = None

    def read(self, file: BinaryIO) -> None:
        rest = b""
        while (room := self._wanted.stop - self._next) and not self.broken:
            chunk = self._read(file, _CHUNK)
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            beyond = lines[room:]
            del lines[room:]
            self._take(lines)
            if self.broken:
                return
            if not chunk:
                self._break("is cut off" if rest else "is missing")
            elif len(rest) > MAX_LINE and len(lines) < room:
                self._break("is longer than a record can be")
            elif self._wanted.is_full and len(lines) == room and (beyond or rest or self._read(file, 1)):
                what = f"{self._wanted.name} holds more than {self._wanted.length} records"
                self.broken = LedgerUnsound(what, _RESTORE, record=self._wanted.stop)

    def _read(self, file: BinaryIO, length: int) -> bytes:
        try:
            return file.read(length)
        except OSError as exc:
            raise files.failure(f"{self._wanted.name} cannot be read", exc) from exc

    def _take(self, lines: list[bytes]) -> None:
        if not lines:
            return
        too_long = max(map(len, lines)) > MAX_LINE
        if too_long:
            del lines[next(number for number, line in enumerate(lines) if len(line) > MAX_LINE) :]
        if self._wanted.kinds is not None:
            self._look_at(lines, self._wanted.kinds)
        self.leaves += [sha256(b"\x00" + line).digest() for line in lines]
        self.offset += sum(map(len, lines)) + len(lines)
        if too_long:
            self._break("is longer than a record can be")
        if self._progress:
            self._progress(self._next)

    def _look_at(self, lines: list[bytes], kinds: frozenset[str]) -> None:
        for index, line in enumerate(lines, self._next):
            try:
                kind = record_form(line)
            except LedgerError as exc:
                self.problems.add(f"record {index} does not have a record's form: {exc}", index, index)
            else:
                if kind in kinds:
                    self.found.append((index, line))

    @property
    def _next(self) -> int:
        return self._wanted.first + len(self.leaves)

    def _break(self, how: str) -> None:
        self.broken = LedgerUnsound(f"record {self._next} {how}", _RESTORE, record=self._next)


def _scan_pruned(ledger: int, wanted: Wanted, owner: int | None) -> Scan:
    try:
        content = hashes.read(ledger, wanted.first, wanted.length, owner=owner)
    except LedgerUnsound as exc:
        return _broken(wanted, exc)
    if content is None:
        missing = LedgerUnsound(f"{wanted.name} is missing", _RESTORE, record=wanted.first)
        return _broken(wanted, missing)
    count = wanted.stop - wanted.first
    leaves = [content[at : at + hashes.HASH] for at in range(0, hashes.HASH * count, hashes.HASH)]
    return Scan(wanted.first, wanted.stop, 0, _peaks(wanted.first, leaves, wanted.marks), pruned=True)


def _broken(wanted: Wanted, why: LedgerUnsound) -> Scan:
    return Scan(wanted.first, wanted.first, 0, {}, why)


def _peaks(first: int, leaves: list[bytes], marks: Sequence[int]) -> dict[int, tuple[bytes, ...]]:
    """The peaks at each mark and at the end: those nodes that the binary digits of the count name."""
    counts = {mark: mark - first for mark in (*marks, first + len(leaves)) if mark - first <= len(leaves)}
    peaks: dict[int, tuple[bytes, ...]] = dict.fromkeys(counts, ())
    level, height = leaves, 0
    while level:
        for mark, count in counts.items():
            number = count >> height
            if number & 1:
                peaks[mark] = (level[number - 1], *peaks[mark])
        nodes = iter(level)
        pairs = zip(nodes, nodes, strict=False)  # the last of an odd number has no partner
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        height += 1
    return peaks
