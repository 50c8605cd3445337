"""What a hunt says it could not look at, and the record of it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.msgpack import decode as decode_standing
from msgspec.msgpack import encode as encode_standing
from msgspec.structs import replace

from postwarden.config.settings import decode
from postwarden.history.history import History, open_history
from postwarden.history.standing import Standing, Trouble
from postwarden.history.storing import DAY
from postwarden.model.account import Account
from postwarden.model.arrival import Batch, Cursor, Note
from postwarden.model.event import Event
from postwarden.model.indicator import Indicator
from postwarden.model.record import Envelope
from postwarden.pipeline.committing import line
from postwarden.pipeline.hunting import TOLD, Hit, Hunt, hunt, hunt_made, record_hunt
from postwarden.pipeline.judge import RuleBook
from postwarden.pipeline.record import MAX_LINE
from tests.unit.history.conftest import log_in
from tests.unit.pipeline.conftest import NOW, Record

CONFIG = b"""
[history]
days = 400
[[source]]
name = "imap-log"
kind = "log_files"
files = ["*.log"]
format = "dovecot"
[[source]]
name = "imap"
kind = "imap"
host = "mail.example.org"
login = { user = "{login}*auditor", secret = "env:SECRET" }
"""
IP = Indicator(kind="ip", value="192.0.2.1")
Gaps = Callable[..., tuple[str, ...]]


@pytest.fixture
def gaps(tmp_path: Path) -> Gaps:
    """The gaps of a hunt at `now`, after events were stored at `stored` and the log was looked at then."""

    def found(
        *events: Event, stored: int, now: int, since: int | None = None, until: int | None = None
    ) -> tuple[str, ...]:
        config = decode(CONFIG, tmp_path / "agent.toml")
        with open_history(tmp_path, create=True) as history:
            _store(history, events, stored)
            return hunt(history, [IP], [], config, now=now, since=since, until=until).gaps

    return found


def _store(history: History, events: tuple[Event, ...], stored: int) -> None:
    batch = Batch(
        source="imap-log",
        cursor=Cursor(head=b"h"),
        events=list(events),
        unread=[],
        doubtful=[],
        passed=0,
        lines=len(events),
    )
    with history.writing() as storing:
        history.store(storing, [(batch, 1, True)], stored)
        with history.transaction():
            storing.looked("imap-log", (), stored)


def test_a_log_that_nobody_has_read_since_is_a_gap(gaps: Gaps) -> None:
    """Nothing found in a month that nobody read is not nothing."""
    events = (log_in(DAY),)
    assert gaps(*events, stored=2 * DAY, now=2 * DAY + 60_000, since=DAY) == ()
    (gap,) = gaps(*events, stored=2 * DAY, now=9 * DAY, since=DAY)
    assert gap == "imap-log: nobody has read it since 1970-01-03T00:00:00.000000Z"
    assert gaps(*events, stored=2 * DAY, now=9 * DAY, since=DAY, until=2 * DAY) == ()


def test_what_was_removed_as_configured_is_a_gap(gaps: Gaps) -> None:
    """The first time of a log stays when its rows go, and does not stand for them."""
    told = gaps(log_in(DAY), log_in(430 * DAY), stored=2 * DAY, now=2 * DAY + 1, since=DAY)
    assert told == ()
    told = gaps(log_in(500 * DAY), stored=500 * DAY, now=500 * DAY, since=DAY)
    assert told == ("lines that came before 1970-04-11 were removed, as configured",)
    assert gaps(log_in(500 * DAY), stored=500 * DAY, now=500 * DAY, since=200 * DAY) == ()
    assert "were removed" in gaps(log_in(500 * DAY), stored=500 * DAY, now=500 * DAY)[0]


def test_the_oldest_day_that_is_kept_is_no_gap(gaps: Gaps) -> None:
    """What came on it is there."""
    (told,) = gaps(log_in(100 * DAY), stored=100 * DAY, now=500 * DAY, until=100 * DAY + 1)
    assert "goes back to" in told


def test_the_record_of_a_hunt_fits_into_a_line_whatever_was_looked_for() -> None:
    """Whoever sends us indicators does not decide whether the hunt can be recorded; what has no room is counted."""
    wide = "\N{GRINNING FACE}" * 400
    made = Hunt(
        indicators=tuple(Indicator(kind="client", value=f"{n}{wide}") for n in range(60)),
        since=None,
        until=None,
        hits=(),
        gaps=(wide,) * 60,
    )
    envelope = Envelope(time="2026-11-20T00:00:00.000000Z", run="r", actor="a", agent="x")
    record = hunt_made(made, wide * 5, envelope)
    assert len(line(record)) <= MAX_LINE
    assert len(record.indicators) + record.more_indicators == 60
    few = hunt_made(Hunt(indicators=(IP,), since=None, until=None, hits=(), gaps=()), "why", envelope)
    assert (few.indicators, few.more_indicators, few.reason) == ((("ip", "192.0.2.1"),), 0, "why")


ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",), names={"x": "ORG\\al"})
BOB = Account(key="login:bob", login="bob", addresses=("alice",))


def hits(
    tmp_path: Path, *events: Event, accounts: tuple[Account, ...] = (ALICE,), **more: int
) -> tuple[Hit, ...]:
    config = decode(CONFIG, tmp_path / "agent.toml")
    with open_history(tmp_path, create=True) as history:
        _store(history, events, DAY)
        return hunt(history, [IP], accounts, config, now=DAY, **more).hits


def test_an_account_is_one_hit_under_all_its_names(tmp_path: Path) -> None:
    """The first session that was let in is what counts, whatever was tried before and in which order it came."""
    (hit,) = hits(
        tmp_path,
        log_in(5, "ALICE@example.org", client="b"),
        log_in(3, "org\\al", client="a"),
        log_in(4, "org\\al", client="a"),
        log_in(1, "alice", stage="refused"),
        log_in(2, "alice", stage="refused"),
    )
    assert (hit.account, hit.first.time, hit.last, hit.sessions, hit.refused) == (ALICE, 3, 5, 3, 2)
    assert (hit.addresses, hit.clients, hit.entered) == (("192.0.2.1",), ("b", "a"), True)


def test_a_name_of_nobody_or_of_two_is_a_hit_by_itself(tmp_path: Path) -> None:
    """Nobody is accused by a name that two accounts have; who was entered comes before who was only tried."""
    first, second = hits(
        tmp_path,
        log_in(1, "nobody", stage="refused"),
        log_in(2, "alice"),
        accounts=(ALICE, BOB),
    )
    assert (first.account, first.name, first.entered) == (None, "alice", True)
    assert (second.account, second.name, second.entered, second.refused) == (None, "nobody", False, 1)


def test_many_addresses_of_a_hit_are_not_all_told(tmp_path: Path) -> None:
    """A network that a bot net is in has more than anybody reads."""
    config = decode(CONFIG, tmp_path / "agent.toml")
    with open_history(tmp_path, create=True) as history:
        _store(history, tuple(log_in(n, address=f"192.0.2.{n}") for n in range(9)), DAY)
        wide = Indicator(kind="network", value="192.0.2.0/24")
        (hit,) = hunt(history, [wide], [], config, now=DAY).hits
        apps = hunt(history, [Indicator(kind="app", value="none")], [], config, now=DAY).hits
    assert (len(hit.addresses), hit.sessions, hit.clients) == (TOLD, 9, ())
    assert apps == ()


def test_what_is_known_to_be_missing_is_a_gap(tmp_path: Path) -> None:
    """Logs that were never read, files that could not be, lines that were not understood, and what was lost when."""
    config = decode(CONFIG, tmp_path / "agent.toml")
    with open_history(tmp_path, create=True) as history:
        nothing = ("imap-log: nothing was read from it yet",)
        assert hunt(history, [IP], [], config, now=DAY).gaps == nothing
        with history.writing() as storing, history.transaction():
            storing.looked("imap-log", (), DAY)
        assert hunt(history, [IP], [], config, now=DAY).gaps == nothing
        _store(history, (log_in(DAY // 2),), DAY)
        assert hunt(history, [IP], [], config, now=DAY, since=DAY // 2).gaps == ()
        assert len(hunt(history, [IP], [], config, now=DAY, since=DAY // 2 - 1).gaps) == 1
        assert "goes back to" in hunt(history, [IP], [], config, now=DAY).gaps[0]
        standing = history.base.execute("SELECT standing FROM source").fetchone()[0]
        never = replace(decode_standing(standing, type=Standing), looked=None)
        history.base.execute("UPDATE source SET standing = ?", (encode_standing(never),))
        (gap,) = hunt(history, [IP], [], config, now=DAY, since=DAY // 2).gaps
        assert gap == "imap-log: nobody has read it to its end yet"
        notes = (
            Note(mishap="gone", path="/x", words="it is gone", lost=True, time=DAY - 9),
            Note(mishap="jumped", path="/x", words="it jumps", lost=False, time=DAY - 9),
        )
        batch = Batch(
            source="imap-log", cursor=Cursor(head=b"i"), events=[], unread=[(0, b"x")], doubtful=[], passed=0, lines=3,
            notes=notes,
        )  # fmt: skip
        with history.writing() as storing:
            history.store(storing, [(batch, 1, True)], DAY)
            trouble = Trouble(path="/y", reason="forbidden", message="the log /y cannot be opened")
            with history.transaction():
                storing.looked("imap-log", (trouble,), DAY)
        told = hunt(history, [IP], [], config, now=DAY, since=DAY // 2).gaps
        assert [gap.partition(": ")[2][:24] for gap in told] == [
            "the log /y cannot be ope", "1 of 4 lines were not un", "1970-01-01T23:59:59.9910",
        ]  # fmt: skip
        for bounds, count in (
            ({"since": DAY - 8}, 2),
            ({"since": DAY - 9}, 3),
            ({"since": DAY // 2, "until": DAY - 9}, 3),
        ):
            assert len(hunt(history, [IP], [], config, now=DAY, **bounds).gaps) == count
        assert len(hunt(history, [IP], [], config, now=DAY).gaps) == 4


def test_a_hunt_is_recorded_with_a_finding_for_whom_was_entered(
    tmp_path: Path, recorder: Record, book: RuleBook
) -> None:
    """An account gets its finding, dated at the first access, and is in the ledger; who was only tried gets none."""
    config = decode(CONFIG, tmp_path / "agent.toml")
    with open_history(tmp_path, create=True) as history:
        _store(
            history,
            (log_in(3, "alice"), log_in(4, "unknown"), log_in(5, "bob", stage="refused")),
            DAY,
        )
        made = hunt(history, [IP], (ALICE, Account(key="login:bob", login="bob")), config, now=DAY)
    writer = recorder()
    found = record_hunt(writer, made, "why", book, config, lambda: NOW)
    assert {(one.scope.key, one.name) for one in found} == {
        ("login:alice", "indicator_seen"), ("imap-log", "indicator_seen"),
    }  # fmt: skip
    assert [one.key for one in writer.store.accounts()] == ["login:alice"]
    record_hunt(writer, made, "again", book, config, lambda: NOW)
    kinds = [json.loads(line)["kind"] for _, line in writer.ledger.records()]
    assert [kind for kind in kinds if kind != "ledger_opened"] == [
        "blobs_kept", "hunt_made", "account_seen", "finding_opened", "finding_opened", "hunt_made",
    ]  # fmt: skip
    record = hunt_made(
        made, "why", Envelope(time="2026-11-20T00:00:00.000000Z", run="r", actor="a", agent="x")
    )
    assert (record.accounts, record.sessions, record.since) == (("login:alice",), 2, None)
