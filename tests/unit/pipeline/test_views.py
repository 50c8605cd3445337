"""Sessions as they are shown: whose, from where, and who that is known to be."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden.access.hosting import HostingTable
from postwarden.access.networks import Networks
from postwarden.access.prefixes import Prefixes
from postwarden.config.settings import Config, decode
from postwarden.findings.own_sessions import SCHEMA, OwnSessions
from postwarden.history.history import History, open_history
from postwarden.model.account import Account
from postwarden.model.event import Access
from postwarden.model.reading import OwnSession
from postwarden.pipeline.committing import STORE
from postwarden.pipeline.pseudonyms import Pseudonyms
from postwarden.pipeline.views import View, Views
from tests.unit.history.conftest import log_in

GATEWAY = "10.0.0.1"
HOUR = 3_600_000
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
Look = Callable[..., list[View]]

CONFIG = b"""
[history]
shared = 3
[[history.known]]
name = "back-up"
identities = ["backup"]
networks = ["198.51.100.0/24"]
"""


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def look(history: History, tmp_path: Path) -> Look:
    """The views of sessions that are stored first."""

    def views(*events: Access, config: bytes = CONFIG, own: Any = (), conceal: Any = None) -> list[View]:
        from postwarden.history.reading import Wanted
        from postwarden.model.arrival import Batch, Cursor

        batch = Batch(
            source="log",
            cursor=Cursor(head=b"h"),
            events=list(events),
            unread=[],
            doubtful=[],
            passed=0,
            lines=len(events),
        )
        with history.writing() as storing:
            history.store(storing, [(batch, 1_800_000, True)], 0)
        decoded: Config = decode(config, tmp_path / "agent.toml")
        networks = Networks(hosting=HostingTable(systems={}, prefixes=Prefixes(), statement=""), own=own)
        made = Views(history, tmp_path, decoded, networks, [ALICE], conceal)
        return [made.of(one) for one in history.read.sessions(Wanted())]

    return views


def through_gateway() -> list[Access]:
    return [log_in(n, name=f"u{n}", address=GATEWAY, client=f"c{n % 2}") for n in range(5)]


def test_an_address_of_many_accounts_is_no_place(look: Look) -> None:
    """Sessions behind a gateway keep time and client; others have their place."""
    found = look(*through_gateway(), log_in(9, address="192.0.2.7"))
    assert [one.shared for one in found] == [True] * 5 + [False]


def test_the_organisations_own_network_is_a_place_whoever_is_behind_it(look: Look) -> None:
    """An office is where its people are."""
    from ipaddress import ip_network

    assert not any(one.shared for one in look(*through_gateway(), own=(ip_network("10.0.0.0/8"),)))


def test_a_session_through_the_webmail_has_the_browsers_address(look: Look) -> None:
    """Joined by account and time: the latest log-in before it, and none that is half a day old."""
    found = look(
        *through_gateway(),
        log_in(10 * HOUR, name="u1", protocol="webmail", stage="whole", address="203.0.113.1"),
        log_in(11 * HOUR, name="u1", protocol="webmail", stage="whole", address="203.0.113.2"),
        log_in(11 * HOUR + 1000, name="u1", address=GATEWAY, client="c1"),
        log_in(24 * HOUR, name="u1", address=GATEWAY, client="c1"),
        log_in(11 * HOUR + 1000, name="u2", address=GATEWAY, client="c1"),
    )
    assert [one.behind for one in found[-3:]] == ["203.0.113.2", None, None]


@pytest.mark.parametrize(
    ("event", "known"),
    [
        (log_in(1, identity="backup"), "back-up"),
        (log_in(1, address="198.51.100.9"), "back-up"),
        (log_in(1, address="192.0.2.9", forwarded="203.0.113.5"), None),
        (log_in(1, address="198.51.100.9", forwarded="203.0.113.5"), "back-up"),
        (log_in(1), None),
    ],
)
def test_others_who_open_mailboxes_on_purpose_are_shown_as_such(
    look: Look, event: Access, known: str | None
) -> None:
    """By who logged in, or from where."""
    assert [one.known for one in look(event)] == [known]


def test_an_account_is_shown_by_its_address_or_by_a_pseudonym(look: Look, tmp_path: Path) -> None:
    """The same one for the same account, in any case, and another with another key."""
    (tmp_path / "private").mkdir()
    (plain,) = look(log_in(1, name="ALICE"))
    assert plain.account == "alice@example.org"
    names = Pseudonyms(tmp_path)
    found = look(log_in(2, name="alice"), conceal=names.of)
    assert {one.account for one in found} == {names.of("alice@example.org")}
    assert (tmp_path / "private" / "pseudonyms.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "private" / "pseudonyms.key").unlink()
    assert Pseudonyms(tmp_path).of("alice@example.org") not in {one.account for one in found}


OURS = (
    CONFIG
    + b"""
[[source]]
name = "imap"
kind = "imap"
host = "mail.example.org"
login = { user = "{login}*auditor", secret = "env:SECRET" }
[[source]]
name = "log"
kind = "log_files"
files = ["*.log"]
format = "dovecot"
servers = ["imap"]
"""
)


def test_one_record_of_ours_explains_one_session_that_is_shown(look: Look, tmp_path: Path) -> None:
    """Whoever uses our identity in the same seconds is shown as unexplained, and who came before our records as that."""
    opened = datetime(2026, 11, 20, 12, tzinfo=UTC)
    at = int(opened.timestamp() * 1000)
    record = OwnSession(
        source="imap", protocol="imap", identity="alice*auditor", account=ALICE.key, server="h:993", local_address="192.0.2.9",
        local_port=4711, opened=opened,
    )  # fmt: skip
    with closing(sqlite3.connect(tmp_path / STORE)) as base:
        for statement in SCHEMA:
            base.execute(statement)
        OwnSessions(base).add([record])
        base.commit()
    seen = look(
        log_in(at - 60_000, identity="auditor"),
        log_in(at + 1_000, identity="auditor"),
        log_in(at + 2_000, identity="auditor"),
        log_in(at + 3_000),
        log_in(at + 4_000, identity="auditor", stage="refused"),
        config=OURS,
    )
    assert [view.own for view in seen] == ["not compared", "weak", "unexplained", None, None]
