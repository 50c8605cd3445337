"""Stages of accesses into sessions."""

import pytest

from postwarden.access import joining
from postwarden.access.joining import Changes, Joiner
from postwarden.model.event import Access

MINUTE = 60_000


def access(stage: str, time: int, session: str | None = None, **fields: object) -> Access:
    given = {
        "at": time,
        "time": time,
        "stage": stage,
        "protocol": "imap",
        "name": "alice",
        "session": session,
    }
    return Access(**(given | fields))  # type: ignore[arg-type]  # fields of an access


def test_a_session_is_a_row_at_log_in_and_an_ending_later() -> None:
    """Judging need not wait for the end, and the end finds its beginning by the session's id."""
    joiner = Joiner(7, 30 * MINUTE)
    joined = joiner.take([access("begun", 1, "a"), access("begun", 2, "b")])
    assert [row for row, _ in joined.rows] == [7, 8]
    assert joined.endings == []
    joined = joiner.take([access("ended", 9, "a", bytes_out=5)])
    assert joined.rows == []
    assert [(one.access, one.time, one.bytes_out, one.bytes_in) for one in joined.endings] == [
        (7, 9, 5, None)
    ]
    assert joiner.row_of("b") == 8
    assert joiner.row_of("a") == 7, "lines about it may come behind its end"


def test_an_end_without_a_beginning_is_kept_as_what_it_is() -> None:
    """What began before the log was read has a row that says so, and its counters are not lost."""
    joined = Joiner(1, MINUTE).take([access("ended", 9, "a", bytes_out=5)])
    assert [(row, one.stage) for row, one in joined.rows] == [(1, "ended")]
    assert [(one.access, one.bytes_out) for one in joined.endings] == [(1, 5)]


def test_refusals_and_whole_sessions_wait_for_nothing() -> None:
    """One line tells everything: a refusal has no end, a whole session has the one that the line gives."""
    joined = Joiner(1, MINUTE).take([access("refused", 1, "a"), access("whole", 2, "b", ended=8)])
    assert len(joined.rows) == 2
    assert [(one.access, one.time) for one in joined.endings] == [(2, 8)]


def test_a_sign_in_has_no_end_and_counters_may_be_all_that_is_known_of_one() -> None:
    """What nobody tells is not made up: no end at the beginning, no counters of zero."""
    joined = Joiner(1, MINUTE).take([access("whole", 1), access("whole", 2, bytes_out=7)])
    assert [(one.access, one.time, one.bytes_out) for one in joined.endings] == [(2, None, 7)]


def test_requests_of_one_client_are_one_session_until_it_is_idle() -> None:
    """Without a session id, account, address, client and protocol tell requests apart, and a pause ends a session."""
    joiner = Joiner(1, 30 * MINUTE)
    requests = [
        access("request", 0, bytes_out=10, address="192.0.2.1"),
        access("request", 20 * MINUTE, bytes_out=None, address="192.0.2.1"),
        access("request", 21 * MINUTE, bytes_out=1, address="192.0.2.2"),
        access("request", 40 * MINUTE, bytes_out=5, address="192.0.2.1"),
        access("request", 71 * MINUTE, bytes_out=5, address="192.0.2.1"),
    ]
    joined = joiner.take(requests)
    assert [(row, one.time) for row, one in joined.rows] == [(1, 0), (2, 21 * MINUTE), (3, 71 * MINUTE)]
    assert [(one.access, one.time, one.requests, one.bytes_out, one.bytes_in) for one in joined.endings] == [
        (1, 40 * MINUTE, 3, 15, None)
    ]
    assert [(one.access, one.requests) for one in joiner.expire(80 * MINUTE)] == [(2, 1)]
    assert [one.access for one in joiner.expire(102 * MINUTE)] == [3]


def test_what_began_and_ended_between_two_looks_is_no_change_of_what_is_open() -> None:
    """Only what must be remembered over a restart is told, and what was told before is taken back."""
    joiner = Joiner(1, MINUTE, sessions=[("old", 9)])
    joiner.take(
        [access("begun", 1, "a"), access("ended", 2, "a"), access("begun", 3, "b"), access("ended", 4, "old")]
    )
    assert joiner.changes().sessions == {"b": 2, "old": None}
    assert joiner.changes() == Changes(sessions={}, ends={}, groups={})
    joiner.take([access("ended", 5, "b")])
    assert joiner.changes().sessions == {"b": None}


def test_a_beginning_that_comes_behind_its_end_is_joined_to_it() -> None:
    """Files are not always found in their order: an older one may come later, also after a restart."""
    joiner = Joiner(1, MINUTE)
    joiner.take([access("ended", 9, "a", bytes_out=5)])
    assert joiner.changes().ends == {"a": 1}
    joiner = Joiner(2, MINUTE, ends=[("a", 1, 9)])
    joined = joiner.take([access("begun", 1, "a")])
    assert ([row for row, _ in joined.rows], joined.endings, joined.late) == ([2], [], [(2, 1)])
    assert joiner.changes().ends == {"a": None}
    assert joiner.take([access("ended", 9, "a")]).rows != []


def test_an_id_that_is_used_again_does_not_get_an_end_from_before_its_beginning() -> None:
    """A log that is found in the middle begins with ends; a later session of the same id is another one."""
    joiner = Joiner(1, MINUTE)
    joiner.take([access("ended", 9, "17")])
    joined = joiner.take([access("begun", 2_000, "17"), access("ended", 3_000, "17")])
    assert joined.late == []
    assert [(one.access, one.time) for one in joined.endings] == [(2, 3_000)]


def test_a_log_in_that_a_busy_server_writes_behind_the_end_is_that_session() -> None:
    """The two lines come from two processes, and between them the second may have changed."""
    joiner = Joiner(1, MINUTE)
    joined = joiner.take([access("ended", 9_000, "a"), access("begun", 10_000, "a")])
    assert joined.late == [(2, 1)]
    assert joiner.changes().sessions == {}


def test_an_id_that_is_used_twice_between_two_looks_is_open_no_more() -> None:
    """A session that was known as open has ended, whatever came of its id in the same portion."""
    joiner = Joiner(1, MINUTE)
    joiner.take([access("begun", 1, "17")])
    joiner.changes()
    joiner.take([access("ended", 2, "17"), access("begun", 3, "17"), access("ended", 4, "17")])
    assert joiner.changes().sessions == {"17": None}


def test_requests_of_an_older_log_are_sessions_of_their_own() -> None:
    """Two servers' logs of one day are read one behind the other: yesterday's requests do not lengthen today's session."""
    joiner = Joiner(1, 30 * MINUTE)
    joiner.take([access("request", 900 * MINUTE)])
    joined = joiner.take([access("request", 10 * MINUTE), access("request", 20 * MINUTE)])
    assert [row for row, _ in joined.rows] == [2]
    assert [(one.access, one.requests, one.time) for one in joined.endings] == [(1, 1, 900 * MINUTE)]


def test_requests_that_are_logged_in_another_order_are_one_session() -> None:
    """A server writes a request when it is answered."""
    joiner = Joiner(1, 30 * MINUTE)
    joined = joiner.take([access("request", 10 * MINUTE), access("request", 9 * MINUTE)])
    assert ([row for row, _ in joined.rows], joined.endings) == ([1], [])


def test_an_id_that_is_used_again_while_it_is_open_is_closed_by_its_end() -> None:
    """Where the first end was lost, the second session's end leaves nothing open over a restart."""
    joiner = Joiner(1, MINUTE)
    joiner.take([access("begun", 1, "17")])
    joiner.changes()
    joiner.take([access("begun", 3, "17"), access("ended", 4, "17")])
    assert joiner.changes().sessions == {"17": None}


def test_a_pause_of_just_the_idle_gap_is_the_same_session() -> None:
    """Two sessions are further apart than the gap, while requests come and while nothing comes."""
    joiner = Joiner(1, 30 * MINUTE)
    joined = joiner.take([access("request", 0), access("request", 30 * MINUTE)])
    assert len(joined.rows) == 1
    assert list(joiner.expire(60 * MINUTE)) == []
    assert [one.requests for one in joiner.expire(60 * MINUTE + 1)] == [2]


def test_a_session_that_ended_in_the_second_in_which_it_began_is_joined_to_its_end() -> None:
    """Logs have whole seconds."""
    joiner = Joiner(1, MINUTE)
    joiner.take([access("ended", 9_000, "a")])
    assert joiner.take([access("begun", 9_000, "a")]).late == [(2, 1)]


def test_of_too_many_sessions_the_oldest_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever logs in without end fills neither memory nor the history with what is open."""
    monkeypatch.setattr("postwarden.access.joining.MAX_OPEN", 2)
    monkeypatch.setattr("postwarden.access.joining.LATELY", 2)
    joiner = Joiner(1, MINUTE)
    joiner.take([access("ended", 1, name) for name in "uvw"])
    assert joiner.changes().ends == {"u": None, "v": 2, "w": 3}
    joiner.take([access("begun", 2, name) for name in "abc"])
    assert joiner.changes().sessions == {"b": 5, "c": 6}
    joiner.take([access("begun", 3, "d")])
    assert joiner.changes().sessions == {"d": 7, "b": None}
    joiner.take(
        [access("ended", 4, "c"), access("ended", 4, "d"), access("begun", 5, "e"), access("ended", 6, "e")]
    )
    assert [joiner.row_of(name) for name in "abde"] == [None, None, 7, 8]


def test_so_many_that_ended_lately_are_still_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that come behind the end of a session find it until as many others have ended."""
    monkeypatch.setattr(joining, "LATELY", 3)
    joiner = Joiner(1, MINUTE)
    for number, name in enumerate("abcde"):
        joiner.take([access("begun", number, name), access("ended", number, name)])
    assert [joiner.row_of(name) for name in "cde"] == [3, 4, 5]
    joiner.take([one for name in "fghi" for one in (access("begun", 9, name), access("ended", 9, name))])
    assert joiner.row_of("a") is None


def test_where_a_log_tells_no_ends_none_is_waited_for() -> None:
    """The end is unknown at once; lines about the session still find it."""
    joiner = Joiner(1, MINUTE)
    joiner.take([access("begun", 1, "a")], ends=False)
    assert joiner.sessions == {}
    assert joiner.changes() == Changes(sessions={}, ends={}, groups={})
    assert joiner.row_of("a") == 1
