"""A segment is scanned in one go: the same tree, the same faults as line by line."""

import random
import sys
from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files, segments
from postwarden.ledger.problems import Problem
from postwarden.ledger.scan import Scan, Wanted, scan_segment
from postwarden.ledger.segments import Edge, follow, follow_scan
from postwarden.ledger.tree import leaf_hash
from tests.unit.ledger.conftest import record

KINDS = frozenset({"key_epoch"})


@pytest.fixture
def records(tmp_path: Path) -> Path:
    folder = tmp_path / "records"
    folder.mkdir()
    return folder


def scan(folder: Path, wanted: Wanted) -> Scan:
    with files.folder(folder.parent) as root:
        return scan_segment(root, wanted, owner=None)


def write(folder: Path, first: int, lines: list[bytes]) -> None:
    (folder / f"{first:08d}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))


def test_every_mark_is_as_if_read_line_by_line(records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each size of a ledger of four segments the edge is the one that line by line comes to."""
    monkeypatch.setattr(segments, "LENGTH", 8)
    lines = [b"x" * (number * 37 % 90) for number in range(29)]
    edge = Edge()
    for first in range(0, len(lines), 8):
        part = lines[first : first + 8]
        write(records, first, part)
        end = first + len(part)
        got = scan(records, Wanted(first, end, 8, marks=tuple(range(first + 1, end + 1))))
        assert (got.size, got.broken, set(got.peaks)) == (end, None, set(range(first + 1, end + 1)))
        for size in range(first + 1, end + 1):
            assert follow_scan(edge, got, size).position == follow(Edge(), lines[:size]).position
        edge = follow_scan(edge, got, end)
        assert edge == follow(Edge(), lines[:end])
    assert edge.size == 29


def line_by_line(folder: Path, stop: int) -> tuple[list[bytes], LedgerUnsound | None]:
    """The lines before the first fault, and the fault."""
    taken: list[bytes] = []
    with files.folder(folder) as descriptor:
        lines = segments.read_lines(descriptor, 0, stop, owner=None)
        try:
            taken.extend(lines)
        except LedgerUnsound as exc:
            return taken, exc
    return taken, None


@pytest.mark.parametrize("chunk", [1, 7, 100, 1 << 18])
def test_faults_are_those_of_reading_line_by_line(
    records: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """Whatever bytes a segment is made of, lines, size and fault are those of reading line by line."""
    monkeypatch.setattr(segments, "LENGTH", 8)
    monkeypatch.setattr("postwarden.ledger.scan.MAX_LINE", 20)
    monkeypatch.setattr("postwarden.ledger.segments.MAX_LINE", 20)
    monkeypatch.setattr("postwarden.ledger.scan._CHUNK", chunk)
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    choose = random.Random(seed)
    seen = set()
    for _ in range(400):
        lines = [b"x" * choose.choice((0, 1, 5, 20, 20, 21)) for _ in range(choose.randrange(11))]
        if choose.random() < 0.6:
            lines = [line[:20] for line in lines]
        content = b"".join(line + b"\n" for line in lines) + b"x" * choose.choice((0, 0, 1, 19, 22, 40))
        (records / "00000000.jsonl").write_bytes(content)
        stop = choose.randrange(1, 9)
        taken, fault = line_by_line(records, stop)
        got = scan(records, Wanted(0, stop, 8))
        assert (got.broken and (got.broken.message, got.broken.record)) == (
            fault and (fault.message, fault.record)
        )
        seen.add(fault and fault.message.split(" ", 2)[-1])
        assert follow_scan(Edge(), got, got.size).position == follow(Edge(), taken).position
    assert {None, "is missing", "is cut off", "is longer than a record can be"} <= seen


def test_forms_and_kinds(records: Path) -> None:
    """With kinds given, records of another form are named, and those of a kind are handed out; else neither."""
    lines = [record(), record("key_epoch", number=1), b"{}", record(), record("key_epoch", number=2)]
    write(records, 16, lines)
    got = scan(records, Wanted(16, 21, 8, kinds=KINDS))
    assert got.found == ((17, lines[1]), (20, lines[4]))
    assert got.problems == (
        Problem("record 18 does not have a record's form: a record's v is not 1", 18, 18),
    )
    got = scan(records, Wanted(16, 21, 8))
    assert (got.found, got.problems, got.size) == ((), (), 21)


def test_a_missing_segment_is_broken(records: Path) -> None:
    """A segment that is not there, or is no regular file, is broken from its first record on."""
    got = scan(records, Wanted(8, 12, 8))
    assert got.broken is not None
    assert (got.broken.message, got.broken.record, got.size) == ("00000008.jsonl is missing", 8, 8)
    (records / "00000008.jsonl").symlink_to("00000000.jsonl")
    got = scan(records, Wanted(8, 12, 8))
    assert got.broken is not None
    assert "not a regular file" in got.broken.message


def test_a_pruned_segment_gives_the_same_tree(records: Path) -> None:
    """Where a segment's records are gone and their hashes are kept, the peaks are the same, and it is said."""
    lines = [record(number=number) for number in range(8)]
    write(records, 8, lines)
    wanted = Wanted(8, 16, 8, marks=(11, 16))
    whole = scan(records, wanted)
    (records / "00000008.jsonl").unlink()
    hashes = records.parent / "hashes"
    hashes.mkdir()
    (hashes / "00000008").write_bytes(b"".join(map(leaf_hash, lines)))
    got = scan(records, wanted)
    assert (got.pruned, got.peaks, got.size, got.broken) == (True, whole.peaks, 16, None)
    (hashes / "00000008").write_bytes(b"x" * 255)
    got = scan(records, wanted)
    assert got.broken is not None
    assert "hashes/00000008 does not hold the hashes of 8 records" in got.broken.message


def test_a_segment_that_cannot_be_read_is_an_error(records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that does not give a segment is our error, not an unsound ledger."""
    write(records, 0, [record()])

    def refuse(*_args: object, **_options: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "open_regular", refuse)
    with pytest.raises(LedgerError, match=r"00000000\.jsonl cannot be read") as caught:
        scan(records, Wanted(0, 1, 8))
    assert not isinstance(caught.value, LedgerUnsound)
