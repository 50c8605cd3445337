"""Sessions and their ends for whoever judges them: each once, as it was told, in the order that was asked for."""

from postwarden.history import replay
from postwarden.history.history import History
from postwarden.history.replay import Began, Ended, Marks
from postwarden.history.storing import DAY
from postwarden.model.arrival import Cursor
from tests.unit.history.conftest import Store, log_in


def began(history: History, after: int = 0, *, by_time: bool = False) -> list[Began]:
    return list(replay.began(history.base, after, replay.last(history.base).access, by_time=by_time))


def ended(history: History, after: int = 0, *, by_time: bool = False) -> list[Ended]:
    return list(replay.ended(history.base, after, replay.last(history.base).ending, by_time=by_time))


def test_an_empty_history_has_nothing_to_judge(history: History) -> None:
    """Nothing came, and nothing was read."""
    assert replay.last(history.base) == Marks(0, 0)
    assert began(history) == []
    assert ended(history) == []


def test_a_session_comes_back_as_it_was_told(history: History, store: Store) -> None:
    """Every field that is judged."""
    store(
        log_in(
            10, address="192.0.2.7", client="Thunderbird 128", application="app", session="s", identity="auditor",
            method="PLAIN", attempts=3,
        )
    )  # fmt: skip
    assert began(history) == [
        Began(
            row=1, time=10, source="imap-log", refused=False, protocol="imap", name="alice", address="192.0.2.7",
            client="Thunderbird 128", application="app", session="s", identity="auditor", method="PLAIN", attempts=3,
        )
    ]  # fmt: skip


def test_what_is_not_told_stays_so(history: History, store: Store) -> None:
    """No address and no client is None, never a word."""
    store(log_in(10, address=None))
    (one,) = began(history)
    assert (one.address, one.client, one.session, one.identity) == (None, None, None, None)


def test_refused_log_ins_are_told_as_such(history: History, store: Store) -> None:
    """They are judged too, for what they say about later ones."""
    store(log_in(10), log_in(20, stage="refused", attempts=4))
    assert [(one.refused, one.attempts) for one in began(history)] == [(False, 1), (True, 4)]


def test_the_forwarded_address_is_where_a_session_is_from(history: History, store: Store) -> None:
    """A proxy in front is nobody's place."""
    store(log_in(10, session="s", address="192.0.2.1", forwarded="203.0.113.9"))
    store(log_in(20, stage="ended", session="s"), cursor=Cursor(head=b"other"))
    assert [one.address for one in began(history)] == ["203.0.113.9"]
    assert [one.address for one in ended(history)] == ["203.0.113.9"]


def test_sessions_come_as_they_came_or_by_time(history: History, store: Store) -> None:
    """Lines of an older log that come later have higher numbers, and earlier places by time."""
    store(log_in(50), log_in(60))
    store(log_in(20), log_in(60, name="bob"))
    assert [one.time for one in began(history)] == [50, 60, 20, 60]
    assert [(one.time, one.name) for one in began(history, by_time=True)] == [
        (20, "alice"), (50, "alice"), (60, "alice"), (60, "bob"),
    ]  # fmt: skip


def test_only_what_is_new_is_read(history: History, store: Store) -> None:
    """From a mark on, until the next; what comes meanwhile is for the next time."""
    store(log_in(10, session="a"), log_in(11, stage="ended", session="a"))
    mark = replay.last(history.base)
    store(log_in(30), log_in(20, session="b"), log_in(40, stage="ended", session="b"))
    assert [one.time for one in began(history, mark.access)] == [30, 20]
    assert [one.time for one in began(history, mark.access, by_time=True)] == [20, 30]
    assert [one.time for one in ended(history, mark.ending)] == [40]
    assert [one.time for one in replay.began(history.base, 0, mark.access, by_time=False)] == [10]


def test_an_end_has_its_own_time_and_the_sessions_names(history: History, store: Store) -> None:
    """It may come in another batch; account, address and client are those of its beginning."""
    store(log_in(10, name="bob", session="s", client="mutt"))
    assert ended(history) == []
    store(log_in(99, stage="ended", name="bob", session="s", bytes_out=5), cursor=Cursor(head=b"other"))
    (one,) = ended(history)
    assert (one.row, one.time, one.protocol, one.name) == (1, 99, "imap", "bob")
    assert (one.address, one.client, one.bytes_out) == ("192.0.2.1", "mutt", 5)


def test_an_end_alone_is_no_session(history: History, store: Store) -> None:
    """What began before the log is not a log-in that could be judged."""
    store(log_in(20, stage="ended", session="x"))
    assert began(history) == []


def test_an_end_whose_beginning_comes_later_is_that_beginnings(history: History, store: Store) -> None:
    """Two files are read in any order."""
    store(log_in(20, stage="ended", session="x", bytes_out=7))
    store(log_in(10, session="x", client="mutt"), cursor=Cursor(head=b"other"))
    (one,) = began(history)
    (end,) = ended(history)
    assert (one.time, one.client) == (10, "mutt")
    assert (end.row, end.client, end.bytes_out, end.time) == (one.row, "mutt", 7, 20)


def test_sessions_that_are_given_up_have_no_end(history: History, store: Store) -> None:
    """Nobody knows when they ended, so nothing is told at any time."""
    store(log_in(30, session="y"))
    store(log_in(9 * DAY, session="z"), now=9 * DAY)
    assert ended(history) == []


def test_marks_stay_where_days_are_removed(history: History, store: Store) -> None:
    """Numbers are never given twice: what is new is told apart from what is gone."""
    store(log_in(10), log_in(20), now=DAY)
    mark = replay.last(history.base)
    store(log_in(30), now=6 * DAY)
    with history.writing(), history.transaction():
        history.base.execute("UPDATE day SET closed = 'digest' WHERE day < 6")
        history.prune(5)
    assert [one.row for one in began(history)] == [3]
    assert [one.row for one in began(history, mark.access)] == [3]
    assert replay.last(history.base) == Marks(3, 0)
