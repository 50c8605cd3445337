"""Days of the history and the ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.history import days
from postwarden.history.history import History, open_history
from postwarden.history.storing import DAY
from postwarden.model.arrival import Batch, Cursor
from postwarden.pipeline.history_days import check_days, close_days, prune
from tests.unit.history.conftest import log_in
from tests.unit.pipeline.conftest import Record


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path, create=True) as opened:
        yield opened


def fill(history: History, *arrived: int) -> None:
    """A session on each of these days."""
    for day in arrived:
        batch = Batch(
            source="log",
            cursor=Cursor(head=b"h"),
            events=[log_in(day * DAY)],
            unread=[],
            doubtful=[],
            passed=0,
            lines=1,
        )
        with history.writing() as storing:
            history.store(storing, [(batch, 1, True)], day * DAY)


def on(day: int) -> datetime:
    return datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)


def states(history: History, tmp_path: Path) -> list[tuple[str, str, str | None]]:
    return [(one.day, one.state, one.problem) for one in check_days(history, tmp_path / "state" / "ledger")]


def test_each_day_is_recorded_once_also_after_a_kill(
    history: History, recorder: Record, tmp_path: Path
) -> None:
    """Killed between the record and the mark, the next turn only marks; today stays open."""
    fill(history, 3, 4, 5)
    writer = recorder()
    assert close_days(history, writer, on(5)) == 2
    assert close_days(history, writer, on(5)) == 0
    history.base.execute("UPDATE day SET closed = NULL WHERE day = 4")
    assert close_days(history, writer, on(5)) == 1
    assert [(one.day, one.first) for one in writer.store.history_days()] == [
        ("1970-01-04", "1970-01-04T00:00:00.000000Z"),
        ("1970-01-05", "1970-01-05T00:00:00.000000Z"),
    ]
    assert states(history, tmp_path) == [("1970-01-04", "sound", None), ("1970-01-05", "sound", None)]


def test_what_does_not_agree_is_told_by_day(history: History, recorder: Record, tmp_path: Path) -> None:
    """Rows that are missing, rows that changed, days that nobody recorded, days that are gone, rows outside."""
    fill(history, 3, 4, 5, 6, 7)
    close_days(history, recorder(), on(7))
    base = history.base
    base.execute("DELETE FROM access WHERE day = 3")
    base.execute("UPDATE access SET time = 1 WHERE day = 4")
    base.execute("UPDATE access SET day = 9 WHERE day = 7")
    closed = base.execute("SELECT closed FROM day WHERE day = 6").fetchone()[0]
    base.execute("UPDATE day SET closed = ? WHERE day = 7", (closed.replace('"day":6', '"day":7'),))
    assert states(history, tmp_path) == [
        ("1970-01-04", "not sound", "1 rows of access were recorded, 0 are there"),
        ("1970-01-05", "not sound", "its rows are not those that were recorded"),
        ("1970-01-06", "sound", None),
        ("1970-01-07", "sound", None),
        ("1970-01-08", "not sound", "the history calls it closed, and no record does"),
        ("", "not sound", "row 5 of access stands outside its day"),
    ]
    base.execute("DELETE FROM day WHERE day = 3")
    assert ("1970-01-04", "not sound", "the history does not know this day") in states(history, tmp_path)


def test_old_days_are_removed_behind_their_record(history: History, recorder: Record, tmp_path: Path) -> None:
    """The ledger says what goes before it goes; a day at the bound stays, and nothing is removed twice."""
    fill(history, 3, 4, 5, 9)
    writer = recorder()
    assert prune(history, writer, on(9), 6) == 0
    close_days(history, writer, on(9))
    assert prune(history, writer, on(9), 6) == 0
    assert writer.store.history_pruned() is None
    assert prune(history, writer, on(9), 5) == 1
    assert prune(history, writer, on(9), 5) == 0
    assert writer.store.history_pruned() == "1970-01-05"
    assert sum(b'"history_pruned"' in line for _, line in writer.ledger.records()) == 1
    assert prune(history, writer, on(10), 5) == 1
    assert states(history, tmp_path) == [
        ("1970-01-04", "pruned", None),
        ("1970-01-05", "pruned", None),
        ("1970-01-06", "sound", None),
    ]
    assert [one.first for one in days.closed(history.base)] == [3 * DAY, 4 * DAY, 5 * DAY]
