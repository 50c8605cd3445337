"""A ledger is scanned by several processes as by one."""

import multiprocessing
from pathlib import Path

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.scan import Scan, Wanted
from postwarden.ledger.spread import _receive, _work, count_processes, spread
from tests.unit.ledger.conftest import record

LENGTH = 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven segments, one with a record of another form, the last one cut off."""
    (tmp_path / "records").mkdir()
    for first in range(0, 7 * LENGTH, LENGTH):
        lines = [record(number=number) for number in range(first, first + LENGTH)]
        if first == 2 * LENGTH:
            lines[3] = b"{}"
        content = b"".join(line + b"\n" for line in lines)
        (tmp_path / "records" / f"{first:08d}.jsonl").write_bytes(content)
    last = tmp_path / "records" / f"{6 * LENGTH:08d}.jsonl"
    last.write_bytes(last.read_bytes()[:-5])
    return tmp_path


def wanted() -> list[Wanted]:
    return [
        Wanted(first, first + LENGTH, LENGTH, kinds=frozenset({"key_epoch"}))
        for first in range(0, 7 * LENGTH, LENGTH)
    ]


def plain(scan: Scan) -> tuple[object, ...]:
    return (scan.first, scan.size, scan.offset, scan.peaks, str(scan.broken), scan.problems, scan.found)


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_find_what_one_finds(folder: Path, processes: int) -> None:
    """Several processes give the same results in the same order, and progress only rises."""
    told: list[int] = []
    alone = list(spread(folder, wanted(), processes=1))
    several = [plain(scan) for scan in spread(folder, wanted(), processes=processes, progress=told.append)]
    assert several == list(map(plain, alone))
    assert [len(scan.problems) for scan in alone] == [0, 0, 1, 0, 0, 0, 0]
    assert str(alone[-1].broken) == f"record {7 * LENGTH - 1} is cut off"
    assert told == sorted(told)
    assert told[-1] == 7 * LENGTH - 1


def test_the_processes_end_with_whoever_wanted_them(folder: Path) -> None:
    """Whoever wants no more results leaves no process behind."""
    scans = spread(folder, wanted(), processes=2)
    next(scans)
    scans.close()
    assert multiprocessing.active_children() == []


def test_an_error_in_a_process_is_told(tmp_path: Path) -> None:
    """What keeps a process from reading is the error of the whole, with its hint."""
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        list(spread(tmp_path / "nowhere", wanted(), processes=2))
    assert caught.value.hint


def test_a_process_that_ends_early_is_an_error() -> None:
    """A process that is gone before its work is done is our error."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    theirs.close()
    with ours, pytest.raises(LedgerError, match="ended early"):
        _receive(ours, None)


def test_a_reader_that_is_gone_ends_the_work(folder: Path) -> None:
    """A process whose results nobody reads any more ends without a word."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    ours.close()
    with theirs:
        _work(folder, wanted(), theirs)


def test_a_small_ledger_gets_one_process() -> None:
    """Processes are started only for more than one full segment of records."""
    assert count_processes([]) == 1
    assert count_processes(wanted()) == 1
    large = [Wanted(first, first + 65_536, 65_536) for first in range(0, 65_536 * 64, 65_536)]
    assert 1 <= count_processes(large) <= 4
