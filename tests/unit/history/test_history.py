"""What is stored comes back as it was, joined, once, whatever happens in between."""

import ipaddress
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from postwarden.errors import HistoryBusy, HistoryError
from postwarden.history.history import History, open_history
from postwarden.history.reading import Wanted
from postwarden.history.storing import DAY
from postwarden.model.arrival import Batch, Cursor, Note
from postwarden.model.event import Act, Transfer
from postwarden.model.session import Session
from tests.unit.history.conftest import Store, log_in


def all_of(history: History, **wanted: object) -> list[Session]:
    return list(history.read.sessions(Wanted(**wanted)))  # type: ignore[arg-type]  # fields of it


def networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def test_a_session_is_open_until_its_end_comes_in_another_batch(history: History, store: Store) -> None:
    """The end may stand in another file and come after a restart; until then nothing is zero."""
    store(log_in(10, session="s", port=4711, client="Thunderbird", identity="auditor", encrypted=True))
    (one,) = all_of(history)
    assert (one.begun, one.ended, one.end, one.bytes_out) == (10, None, "open", None)
    assert (one.port, one.client, one.identity, one.encrypted) == (4711, "Thunderbird", "auditor", True)
    store(
        log_in(99, stage="ended", session="s", bytes_out=5, reason="Logged out"), cursor=Cursor(head=b"other")
    )
    (one,) = all_of(history)
    assert (one.begun, one.ended, one.end, one.bytes_out, one.reason) == (10, 99, "ended", 5, "Logged out")


def test_ends_that_nobody_knows_are_unknown(history: History, store: Store) -> None:
    """A log-in without a session id, one that began before the log, and one that is waited for too long."""
    store(
        log_in(10),
        log_in(20, stage="ended", session="x"),
        log_in(30, session="y"),
        log_in(40, stage="refused"),
    )
    assert [(one.begun, one.ended, one.end) for one in all_of(history)] == [
        (10, None, "unknown"), (None, 20, "ended"), (30, None, "open"), (40, None, "refused"),
    ]  # fmt: skip
    store(log_in(8 * DAY, session="z"), now=8 * DAY)
    store(log_in(8 * DAY, session="z2"), now=9 * DAY)
    assert [one.end for one in all_of(history)][2:] == ["unknown", "refused", "open", "open"]


def test_the_same_session_id_at_two_sources_is_two_sessions(history: History, store: Store) -> None:
    """An end is joined to a beginning of its own source only."""
    store(log_in(10, session="s"))
    store(log_in(20, stage="ended", session="s"), source="other")
    assert [(one.source, one.end) for one in all_of(history)] == [("imap-log", "open"), ("other", "ended")]


@pytest.mark.parametrize(
    ("wanted", "times"),
    [
        ({"networks": networks("192.0.2.7/32")}, [1]),
        ({"networks": networks("192.0.2.0/24")}, [1, 4]),
        ({"networks": networks("2001:db8::/32")}, [2, 3]),
        ({"networks": networks("203.0.113.9/32")}, [3]),
        ({"networks": networks("::ffff:192.0.2.0/120")}, [1, 4]),
        ({"client": "thunder"}, [1]),
        ({"application": "1fec8e78"}, [4]),
        ({"names": ("bob", "carol")}, [2, 3]),
        ({"identities": ("auditor",)}, [4]),
        ({"since": 2, "until": 4}, [2, 3]),
        ({"refused": False}, [1, 2, 4, 5]),
        ({"networks": networks("192.0.2.0/24"), "names": ("dave",)}, [4]),
        ({"most": 2}, [1, 2]),
        ({"names": ()}, []),
    ],
)
def test_sessions_are_found_by_what_was_asked(
    history: History, store: Store, wanted: dict[str, object], times: list[int]
) -> None:
    """By address, network, client, application, name, identity and time, in any case and any form of address."""
    store(
        log_in(1, address="192.0.2.7", client="Thunderbird 128"),
        log_in(2, name="bob", address="2001:db8::1"),
        log_in(3, name="carol", address="2001:db8:0::2", forwarded="203.0.113.9", stage="refused"),
        log_in(4, name="dave", address="192.0.2.8", application="1fec8e78-aaaa", identity="auditor"),
        log_in(5, name="erin", address="unknown"),
    )
    assert [one.time for one in all_of(history, **wanted)] == times


def test_where_nobody_was_refused_all_are_those_that_were_let_in(history: History, store: Store) -> None:
    """A word that the history has never seen hides nothing."""
    store(log_in(1))
    assert [one.time for one in all_of(history, refused=False)] == [1]


def test_an_address_that_a_proxy_forwards_is_where_the_session_is_from(
    history: History, store: Store
) -> None:
    """The proxy's own address is kept beside it."""
    store(log_in(3, address="192.0.2.1", forwarded="203.0.113.9"))
    (one,) = all_of(history)
    assert (one.address, one.peer) == ("203.0.113.9", "192.0.2.1")


def test_first_seen_times_go_back_when_older_logs_come_later(history: History, store: Store) -> None:
    """Backfill moves the first time of an address, and a refusal is no sight of anything."""
    store(log_in(50, client="A"), log_in(60, address="192.0.2.9", stage="refused"))
    store(log_in(20))
    assert list(history.read.first_seen(("alice",))) == [
        ("address", "192.0.2.1", 20), ("client", "A", 50), ("protocol", "imap", 20),
    ]  # fmt: skip


def test_acts_and_transfers_are_kept_with_their_session(history: History, store: Store) -> None:
    """What a session did is joined to it, also a line that comes behind its end."""
    act = Act(at=1, time=11, deed="opened", protocol="imap", name="alice", session="s", folder="INBOX", uid=7)
    store(
        log_in(10, session="s"), act, log_in(12, stage="ended", session="s"),
        Transfer(at=9, time=13, sender="a@x.example", recipients=("b@y.example", "c@y.example"), size=4),
    )  # fmt: skip
    store(Act(at=2, time=14, deed="opened", protocol="imap", name="alice", session="gone"))
    base = sqlite3.connect(history.path)
    assert base.execute("SELECT access, uid FROM act ORDER BY id").fetchall() == [(1, 7), (None, None)]
    assert base.execute("SELECT text, size FROM transfer JOIN text ON text.id = recipients").fetchall() == [
        ("b@y.example\nc@y.example", 4)
    ]


def test_nothing_is_stored_of_a_transaction_that_fails(history: History, store: Store) -> None:
    """The cursor and what was made of it go together, and so does what is under way."""
    store(log_in(1, session="a"))
    batch = Batch(
        source="imap-log", cursor=Cursor(head=b"new"), unread=[], doubtful=[], passed=0, lines=1,
        events=[log_in(2, name="bob", session="b"), log_in(3, stage="ended", session="a")],
    )  # fmt: skip

    def killed() -> None:
        with history.transaction():
            storing.store(batch, 0)
            raise KeyboardInterrupt

    with history.writing() as storing, pytest.raises(KeyboardInterrupt):
        killed()
    assert [(one.name, one.end) for one in all_of(history)] == [("alice", "open")]
    assert len(history.read.cursors("imap-log")) == 1
    store(log_in(3, stage="ended", session="a"), log_in(2, name="bob", session="b"))
    assert [(one.name, one.end) for one in all_of(history)] == [("alice", "ended"), ("bob", "open")]


def test_the_delay_of_a_source_is_measured_on_fresh_lines_only(history: History, store: Store) -> None:
    """What lay there for a year before it was first read says nothing about how late lines come."""
    store(*[log_in(time) for time in range(200)], now=400 * DAY)
    assert history.read.sources()["imap-log"].lateness == 3_600_000
    store(*[log_in(400 * DAY - 300_000) for _ in range(1000)], now=400 * DAY, fresh=True)
    standing = history.read.sources()["imap-log"]
    assert standing.delay == 512
    assert standing.lateness == 2 * 512_000
    assert (standing.first, standing.latest, standing.lines) == (0, 400 * DAY - 300_000, 1200)


def test_unread_lines_are_counted_by_shape_with_a_sample(history: History, store: Store) -> None:
    """Lines that differ in numbers and quoted texts are one shape."""
    store(unread=(b"odd 17 <a>", b"odd 18 <b>", b"other \xff"))
    assert [(one.shape, one.count, one.sample) for one in history.read.unread("imap-log")] == [
        ("odd 0 <>", 2, "odd 17 <a>"), ("other \\xff", 1, "other \\xff"),
    ]  # fmt: skip


def test_whoever_writes_shapes_cannot_fill_the_history(history: History, store: Store) -> None:
    """Beyond a hundred shapes a day, the rest is counted together."""
    store(unread=tuple(b"x" * number for number in range(1, 119)))
    found = history.read.unread("imap-log", most=1000)
    assert len(found) == 101
    assert found[0].shape == "other shapes"
    assert found[0].count == 18


def test_mishaps_are_kept(history: History, store: Store) -> None:
    """What happened to a log is part of the history."""
    store(notes=(Note(mishap="gone", path="/x", words="it is gone", lost=True, time=7),))
    (one,) = history.read.mishaps("imap-log")
    assert (one.mishap, one.path, one.words, one.lost, one.time) == ("gone", "/x", "it is gone", True, 7)
    assert history.read.mishaps("other") == []


def test_addresses_of_many_accounts_with_mixed_clients_stand_out(history: History, store: Store) -> None:
    """A gateway carries several accounts with different clients; one that everybody uses alike does not stand out."""
    store(*[log_in(n, name=f"u{n}", address="192.0.2.50", client=f"c{n % 3}") for n in range(6)])
    store(*[log_in(n, name=f"u{n}", address="192.0.2.51", client="one") for n in range(6)])
    store(*[log_in(n, name=f"u{n}", address="192.0.2.52") for n in range(5)], log_in(9, name="u1"))
    assert [(one.address, one.names, one.clients) for one in history.read.shared(4, "imap-log")] == [
        ("192.0.2.50", 6, 3), ("192.0.2.52", 5, 0),
    ]  # fmt: skip
    assert list(history.read.shared(4, "other")) == []


def test_an_address_that_went_from_one_customer_to_the_next_is_not_shared(
    history: History, store: Store
) -> None:
    """Ten accounts over ten months are ten customers; ten on one day are behind one gateway."""
    store(*[log_in(n * 30 * DAY, name=f"u{n}", address="192.0.2.60") for n in range(10)])
    assert list(history.read.shared(4, "imap-log")) == []
    store(*[log_in(n * DAY // 5, name=f"v{n}", address="192.0.2.60") for n in range(5)])
    assert [one.names for one in history.read.shared(4, "imap-log")] == [6]


def test_who_logs_in_for_others_is_nobodys_habit(history: History, store: Store) -> None:
    """A master user's sessions make no address shared and are no first sight of anything."""
    store(*[log_in(n, name=f"u{n}", identity="auditor") for n in range(6)])
    assert list(history.read.shared(2, "imap-log")) == []
    assert list(history.read.first_seen(("u1",))) == []
    assert history.read.names() == [f"u{n}" for n in range(6)]


def test_two_processes_do_not_write_at_once(history: History) -> None:
    """The second one is told, and can still read."""
    with history.writing(), open_history(history.path.parent) as other:
        with pytest.raises(HistoryBusy, match="being written by another process"), other.writing():
            pass
        assert list(other.read.sessions(Wanted())) == []


def test_a_missing_and_a_damaged_history_are_told(tmp_path: Path) -> None:
    """There is a clear error, with the next step."""
    with pytest.raises(HistoryError, match="there is no history"):
        open_history(tmp_path)
    (tmp_path / "history.sqlite").write_bytes(b"no database at all, not at all" * 100)
    with pytest.raises(HistoryError, match="cannot be opened"):
        open_history(tmp_path)


def test_an_end_that_came_before_its_beginning_is_told_once(history: History, store: Store) -> None:
    """With the older file read later, the session is whole, and the end is no session of its own any more."""
    store(log_in(99, stage="ended", session="s", bytes_out=5))
    store(log_in(10, session="s", port=1))
    (one,) = all_of(history)
    assert (one.begun, one.ended, one.end, one.bytes_out, one.port) == (10, 99, "ended", 5, 1)


def test_a_commit_that_fails_leaves_a_history_that_can_be_written(history: History, store: Store) -> None:
    """A full disk is told at the commit: nothing of the batch is there, and the next one is stored whole."""
    store(log_in(1, session="a"))
    history.base.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
    history.base.execute("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    history.base.execute("PRAGMA foreign_keys = ON")
    with history.writing(), pytest.raises(HistoryError), history.transaction():
        # A constraint that is checked by the commit stands for a disk that is full then.
        history.base.execute("INSERT INTO child VALUES (7)")
    store(log_in(2, session="b"))
    assert [one.session for one in all_of(history)] == ["a", "b"]


def test_a_damaged_history_is_told_where_it_is_asked(tmp_path: Path, store: Store, history: History) -> None:
    """What SQLite says of a damaged file is an error for people, not a bug of ours."""
    store(log_in(1))
    with pytest.raises(HistoryError, match="no such table"), open_history(tmp_path) as other:
        other.base.execute("SELECT * FROM elsewhere")


def test_sessions_are_given_up_in_their_logs_time_also_when_none_is_open_beside_them(
    history: History, store: Store
) -> None:
    """Eight days on in the log nobody waits any more, although no other session is open."""
    store(log_in(1, session="a"), now=DAY)
    store(log_in(8 * DAY, stage="refused"), now=2 * DAY + 8 * DAY)
    store(log_in(8 * DAY + 1, stage="refused"), now=3 * DAY + 8 * DAY)
    assert all_of(history)[0].end == "unknown"


def test_one_line_from_the_future_does_not_move_the_time_of_its_log(history: History, store: Store) -> None:
    """Whoever can write one line could otherwise keep a stopped log from ever being told."""
    store(log_in(5), log_in(4_000 * DAY), now=DAY)
    assert history.read.sources()["imap-log"].latest == 5


def test_a_batch_of_an_older_log_does_not_end_its_own_sessions(history: History, store: Store) -> None:
    """Where the sessions of a portion end is decided by the time in its log, not by another log's."""
    store(log_in(900_000_000, stage="request"), now=2_000_000_000)
    store(log_in(1_000, stage="request"), now=2_000_000_000)
    store(log_in(2_000, stage="request"), now=2_000_000_000)
    assert [one.requests for one in all_of(history)] == [1, None]


def test_a_copy_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A back-up on a read-only mount can be compared by anybody who may read it."""
    copy = tmp_path / "copy"
    copy.mkdir()
    open_history(copy, create=True).close()
    (copy / "history.sqlite").chmod(0o444)
    copy.chmod(0o555)
    code = (
        "import os, sys; from pathlib import Path; from postwarden.history.history import open_copy\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "with open_copy(Path(sys.argv[1])) as history: print(history.read.sources())"
    )
    if os.getuid() != 0:
        code = code.replace("os.setgid(65534); os.setuid(65534)", "")
    for folder in copy.parents:
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(folder.stat().st_mode | 0o555)
    done = subprocess.run(
        [sys.executable, "-c", code, str(copy / "history.sqlite")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{}\n", "")


def test_who_sends_no_more_requests_has_left(history: History, store: Store) -> None:
    """The time that goes on in the log ends the sessions of others, and lines without events end none."""
    store(log_in(0, stage="request"))
    store(now=1)
    assert [one.end for one in all_of(history)] == ["unknown"]
    store(log_in(1_800_001, "bob", stage="request"), now=1_800_001)
    assert [(one.name, one.end, one.requests) for one in all_of(history)] == [
        ("alice", "ended", 1),
        ("bob", "unknown", None),
    ]


def test_what_is_under_way_is_remembered_over_a_restart(
    history: History, store: Store, tmp_path: Path
) -> None:
    """Another process goes on where the first one was, and of what is over nothing is remembered."""
    store(log_in(1, session="a"), log_in(2, stage="request"), log_in(3, stage="ended", session="z"))
    store(log_in(4, session="late"), log_in(5, stage="ended", session="late"))
    batch = Batch(
        source="imap-log", cursor=Cursor(head=b"head"), unread=[], doubtful=[], passed=0, lines=1,
        events=[
            log_in(9, stage="ended", session="a"), log_in(10, stage="request"), log_in(0, session="z"),
            log_in(1_900_000, "bob", stage="refused", reason="no such password"),
        ],
    )  # fmt: skip
    with open_history(tmp_path) as other, other.writing() as storing:
        other.store(storing, [(batch, 1_800_000, True)], 2_000_000)
        waiting = [
            other.base.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("open_session", "open_group", "open_end")
        ]
    assert waiting == [0, 0, 0]
    assert sorted((one.begun, one.ended, one.requests) for one in all_of(history, refused=False)) == [
        (0, 3, None), (1, 9, None), (2, 10, 2), (4, 5, None),
    ]  # fmt: skip
    assert [one.reason for one in all_of(history, names=("bob",))] == ["no such password"]


def test_a_session_like_many_before_moves_what_is_first_seen_back(history: History, store: Store) -> None:
    """The same account, address and client at an earlier time is an earlier first time of each."""
    store(log_in(5_000, client="mutt"), log_in(6_000, client="mutt"))
    store(log_in(2_000, client="mutt"))
    assert [time for _, _, time in history.read.first_seen(("alice",))] == [2_000] * 3


def test_a_look_without_lines_is_no_arrival(history: History, store: Store) -> None:
    """A log that is looked at every second and says nothing has stopped all the same."""
    store(log_in(1), now=5)
    store(now=9)
    assert history.read.sources()["imap-log"].arrived == 5
