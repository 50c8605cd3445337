"""Days of arrival, closed with a digest that any change afterwards breaks."""

import sqlite3

import pytest

from postwarden.history import days
from postwarden.history.history import History, open_copy
from postwarden.history.reading import Wanted
from postwarden.history.storing import DAY
from postwarden.model.arrival import Note
from postwarden.model.event import Act, Transfer
from tests.unit.history.conftest import Store, log_in


@pytest.fixture
def base(history: History) -> sqlite3.Connection:
    return sqlite3.connect(history.path, isolation_level=None)


def fill(store: Store) -> None:
    """Two days of arrival, with old events on the second."""
    store(log_in(DAY + 1, session="s", client="c"), now=DAY)
    store(
        log_in(5, stage="ended", session="s"),
        log_in(3, name="late"),
        Act(at=1, time=11, deed="opened", protocol="imap", name="alice", session="s", folder="INBOX", uid=7),
        Transfer(at=9, time=13, sender="a@x.example", recipients=("b@y.example",), size=4),
        now=2 * DAY,
        notes=(Note(mishap="gone", path="/x", words="it is gone", lost=True, time=1),),
    )


def test_a_day_covers_what_arrived_on_it_and_the_span_of_its_times(
    base: sqlite3.Connection, store: Store
) -> None:
    """Late events belong to the day on which they came; today is not closed."""
    fill(store)
    assert list(days.to_close(base, DAY + 5)) == []
    (first,) = days.to_close(base, 2 * DAY)
    assert (first.day, first.counts["access"], first.first, first.latest) == (1, 1, DAY + 1, DAY + 1)
    days.close(base, first)
    (second,) = days.to_close(base, 9 * DAY)
    assert (second.day, second.first, second.latest) == (2, 3, 13)
    assert second.counts == {"access": 1, "ending": 1, "act": 1, "transfer": 1, "late": 0, "mishap": 1}
    assert days.closed(base) == [first]


def test_backfill_never_reopens_a_closed_day(base: sqlite3.Connection, store: Store) -> None:
    """What comes later has no part in the digest, whatever time it tells of."""
    fill(store)
    before = days.recompute(base, 1)
    store(log_in(DAY + 2), log_in(DAY + 3, stage="ended", session="s"), now=3 * DAY)
    assert days.recompute(base, 1) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access SET time = time + 1 WHERE day = 1",
        "UPDATE access SET address = NULL WHERE day = 1",
        "UPDATE text SET text = 'mallory' WHERE text = 'alice'",
        "UPDATE address SET text = '192.0.2.2'",
        "DELETE FROM access WHERE day = 1",
        "UPDATE access SET day = 2 WHERE day = 1",
        "UPDATE access SET session = 'other'",
    ],
)
def test_any_change_of_a_closed_day_breaks_its_digest(
    base: sqlite3.Connection, store: Store, change: str
) -> None:
    """A row that was changed, moved or taken away shows, also through its texts and addresses."""
    fill(store)
    (first, _) = days.to_close(base, 9 * DAY)
    base.execute(change)
    assert days.recompute(base, 1) != first


@pytest.mark.parametrize("table", ["ending", "act", "transfer", "mishap"])
def test_every_table_is_in_the_digest(base: sqlite3.Connection, store: Store, table: str) -> None:
    """There is no kind of row that could be taken away unseen."""
    fill(store)
    before = days.recompute(base, 2)
    base.execute(f"DELETE FROM {table} WHERE day = 2")
    assert days.recompute(base, 2) != before


def test_rows_that_were_slipped_in_are_found(base: sqlite3.Connection, store: Store) -> None:
    """A row with a number outside its day's, which no digest covers, is told."""
    fill(store)
    assert days.strays(base) == []
    base.execute("INSERT INTO access (id, day, time) VALUES (900, 1, 5)")
    base.execute("INSERT INTO access (id, day, time) VALUES (-3, 1, 5)")
    assert days.strays(base) == [("access", 900), ("access", -3)]


def test_old_days_are_removed_whole_and_their_digests_stay(
    history: History, base: sqlite3.Connection, store: Store
) -> None:
    """Only closed days go, and numbers are not given again after that."""
    fill(store)
    for day in days.to_close(base, 2 * DAY):
        days.close(base, day)
    assert days.prune(base, 99)["access"] == 1
    assert [one.name for one in history.read.sessions(Wanted())] == ["late"]
    assert [day.day for day in days.closed(base)] == [1]
    base.execute("DELETE FROM access")
    store(log_in(9, name="next"), now=2 * DAY)
    ((number,),) = base.execute("SELECT id FROM access").fetchall()
    assert number == 3


def test_a_clock_that_goes_back_does_not_reopen_a_day(base: sqlite3.Connection, store: Store) -> None:
    """Days of arrival only go forward."""
    fill(store)
    store(log_in(DAY), now=DAY)
    assert base.execute("SELECT day FROM access ORDER BY id").fetchall() == [(1,), (2,), (2,)]
    assert days.strays(base) == []


def test_old_rows_are_removed_also_where_nothing_came_since(base: sqlite3.Connection, store: Store) -> None:
    """A log that stopped long ago is not kept for ever."""
    fill(store)
    for day in list(days.to_close(base, 500 * DAY)):
        days.close(base, day)
    assert days.prune(base, 400)["access"] == 2
    assert base.execute("SELECT count(*) FROM access").fetchone() == (0,)
    store(log_in(501 * DAY), now=501 * DAY)
    assert days.strays(base) == []


def test_what_waits_for_removed_rows_and_samples_of_old_lines_go_with_them(
    history: History, base: sqlite3.Connection, store: Store
) -> None:
    """An end that comes after all is a session without a beginning, and not an ending that nobody sees."""
    store(log_in(DAY, session="s"), log_in(DAY, stage="request"), now=DAY, unread=(b"secret line",))
    # Late lines, so that the time in the log ends nothing.
    store(log_in(DAY + 1, "carol", stage="request"), log_in(DAY + 2, session="new"), now=3 * DAY)
    for day in list(days.to_close(base, 3 * DAY)):
        days.close(base, day)
    with history.writing(), history.transaction():
        history.prune(2)
    ((key,),) = base.execute("SELECT key FROM open_group").fetchall()
    assert "carol" in key
    assert history.read.unread("imap-log") == []
    store(log_in(3 * DAY + 5, stage="ended", session="s"), now=3 * DAY)
    assert [(one.session, one.end) for one in history.read.sessions(Wanted())] == [
        (None, "ended"),
        ("new", "open"),
        ("s", "ended"),
    ]


@pytest.mark.parametrize("change", ["session = x'00ff'", "time = 'soon'", "session = CAST(x'ff' AS TEXT)"])
def test_values_that_we_never_store_break_the_digest_and_nothing_else(
    history: History, base: sqlite3.Connection, store: Store, change: str
) -> None:
    """Whoever changes a row does not choose whether it can be checked."""
    fill(store)
    before = days.recompute(base, 2)
    base.execute(f"UPDATE access SET {change} WHERE day = 2")
    with open_copy(history.path) as copy:
        after = days.recompute(copy.base, 2)
    assert before is not None
    assert after is not None
    assert before.digest != after.digest


def test_rows_before_the_first_day_that_is_known_are_found(base: sqlite3.Connection, store: Store) -> None:
    """Whoever removes a day leaves its rows outside all others."""
    fill(store)
    assert days.strays(base) == []
    base.execute("DELETE FROM day WHERE day = 1")
    assert days.strays(base) == [("access", 1)]
