"""Opening a long ledger reads its last segment only, if a hint says what lies before it; a hint is not trusted."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from postwarden.errors import LedgerUnsound
from postwarden.ledger import segments
from postwarden.ledger.scan import Scan, Wanted, scan_segment
from postwarden.ledger.segments import Edge
from postwarden.ledger.store import Ledger, open_ledger
from tests.unit.ledger.conftest import Place, put, record


@pytest.fixture
def long(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A ledger of four records a segment and twenty-six in all."""
    for module in ("segments", "writer"):
        monkeypatch.setattr(f"postwarden.ledger.{module}.LENGTH", 4)
    ledger = place.make()
    for number in range(25):
        put(ledger, record(number=number))
    return place


def opened(place: Place, hint: Edge | None, told: list[int] | None = None) -> Ledger:
    progress = None if told is None else told.append
    return open_ledger(place.folder, place.private, hint=lambda: hint, progress=progress)


def edge(place: Place) -> Edge:
    ledger = place.open()
    put(ledger)
    return ledger.boundary


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first indices of the segments that were scanned."""
    scanned: list[int] = []

    def noted(
        ledger: int, wanted: Wanted, *, owner: int | None, progress: Callable[[int], None] | None
    ) -> Scan:
        scanned.append(wanted.first)
        return scan_segment(ledger, wanted, owner=owner, progress=progress)

    monkeypatch.setattr("postwarden.ledger.advance.scan_segment", noted)
    return scanned


def test_the_hint_spares_what_lies_before_it(long: Place, read: list[int]) -> None:
    """With the hint of an earlier opening only the last segment is read, and the next commit goes on from there."""
    hint = edge(long)
    assert (hint.size, hint.offset) == (24, 0)
    read.clear()
    ledger = opened(long, hint)
    assert put(ledger, record()).size == 27
    assert read == [24]
    assert ledger.boundary == hint


def test_without_a_hint_everything_is_read_with_progress(long: Place, read: list[int]) -> None:
    """Without a hint every segment is read, and progress rises to the number of records."""
    told: list[int] = []
    put(opened(long, None, told))
    assert read == [0, 4, 8, 12, 16, 20, 24]
    assert told == sorted(told)
    assert told[-1] == 26


def test_each_commit_offers_the_hint_of_its_segment(long: Place) -> None:
    """The hint of a ledger is what reading it from the beginning comes to, at every size."""
    ledger = long.open()
    for number in range(12):
        put(ledger, record(number=number))
        lines = long.lines()
        whole = len(lines) - len(lines) % 4
        assert ledger.boundary == segments.follow(Edge(), lines[:whole])


@pytest.mark.parametrize(
    "change",
    [
        lambda hint: replace(hint, peaks=(bytes(32), *hint.peaks[1:])),
        lambda hint: replace(hint, peaks=hint.peaks[:-1]),
        lambda hint: replace(hint, peaks=(*hint.peaks, bytes(32))),
        lambda hint: replace(hint, peaks=tuple(peak[:-1] for peak in hint.peaks)),
        lambda hint: replace(hint, size=hint.size - 4),
        lambda hint: replace(hint, size=hint.size + 4),
        lambda hint: replace(hint, size=hint.size + 400),
        lambda hint: replace(hint, size=hint.size + 1),
        lambda hint: replace(hint, offset=7),
        lambda hint: Edge(-4, 0, hint.peaks),
        lambda _hint: Edge(),
    ],
)
def test_a_wrong_hint_costs_time_only(long: Place, read: list[int], change: object) -> None:
    """Whatever a wrong hint says, everything is read, and the commit is as it would be without it."""
    assert callable(change)
    hint = change(edge(long))
    read.clear()
    assert put(opened(long, hint), record()).size == 27
    assert read[-7:] == [0, 4, 8, 12, 16, 20, 24]


def test_a_hint_does_not_hide_a_changed_end(long: Place) -> None:
    """A record behind the hint that was changed is found, as it is without one."""
    hint = edge(long)
    last = Path(long.folder / "records" / "00000024.jsonl")
    last.write_bytes(re.sub(rb'"number":\d+', b'"number":99', last.read_bytes(), count=1))
    for each in (hint, None):
        with pytest.raises(LedgerUnsound, match="do not give the checkpoint's root"):
            put(opened(long, each), record())


def test_a_missing_segment_before_the_hint_is_verifys_business(long: Place) -> None:
    """Opening does not look at what lies before the hint; without a hint the missing segment is named."""
    hint = edge(long)
    (long.folder / "records" / "00000008.jsonl").unlink()
    put(opened(long, hint))
    with pytest.raises(LedgerUnsound, match=r"00000008\.jsonl is missing"):
        put(opened(long, None))


def test_an_old_hint_with_too_few_peaks_costs_time_only(long: Place, read: list[int]) -> None:
    """A hint that lacks a peak, and behind which whole segments come, is not begun with."""
    hint = segments.follow(Edge(), long.lines()[:12])
    assert put(opened(long, hint)).size == 26
    assert read == [12, 16, 20, 24]
    read.clear()
    assert put(opened(long, replace(hint, peaks=hint.peaks[1:]))).size == 26
    assert read == [0, 4, 8, 12, 16, 20, 24]


def test_a_hint_within_a_segment_is_not_begun_with(long: Place, read: list[int]) -> None:
    """A hint that is not at the beginning of a segment is not used, even with a file that would fit it."""
    lines = long.lines()
    (long.folder / "records" / "00000025.jsonl").write_bytes(lines[25] + b"\n")
    within = replace(segments.follow(Edge(), lines[:25]), offset=0)
    assert put(opened(long, within), record()).size == 27
    assert read == [0, 4, 8, 12, 16, 20, 24]
    assert long.lines()[:26] == lines
