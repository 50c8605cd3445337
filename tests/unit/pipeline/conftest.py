"""Sources without servers, and a ledger in a new folder."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden.config.settings import Config, Organisation, SourceEntry
from postwarden.errors import Reason
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Effect
from postwarden.model.mailflow import Path as Way
from postwarden.model.reading import SAME_GRADE, CheckDone, Gap, Grade, Item, Observed, OwnSession
from postwarden.model.scope import account_scope, source_scope
from postwarden.pipeline.judge import RuleBook, load_rules
from postwarden.pipeline.record import Recorder, create_ledger

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
BOB = Account(key="login:bob", login="bob", addresses=("bob@example.org",))
SCOPE = account_scope(ALICE.key)
CONFIG = Config(path=Path("agent.toml"), organisation=Organisation(internal_domains=("example.org",)))


def flow(name: str = "main", target: str = "eve@evil.example", **fields: Any) -> MailFlow:
    return MailFlow(
        scope=SCOPE, source="sieve", check="sieve_scripts", observed=NOW,
        **{"origin": "sieve_script", "key": name, "name": name, "enabled": True,
           "paths": (Way(effects=(Effect(what="redirect", target=target),)),), **fields},
    )  # fmt: skip


def gap(
    check: str = "sieve_scripts", source: str = "sieve", *, reason: Reason = "forbidden", **fields: Any
) -> Gap:
    return Gap(
        scope=SCOPE,
        source=source,
        check=check,
        reason=reason,
        **{"message": "no", "hint": "mend it", **fields},
    )


def done(check: str = "sieve_scripts", source: str = "sieve") -> CheckDone:
    return CheckDone(scope=SCOPE, source=source, check=check)


def session(number: int = 1) -> OwnSession:
    return OwnSession(
        source="sieve", protocol="managesieve", identity="auditor", account=ALICE.key, server="h:4190",
        local_address="127.0.0.1", local_port=number, opened=NOW,
    )  # fmt: skip


class Told:
    """A source that says what it is told to say."""

    checks: tuple[str, ...] = ("sieve_scripts",)
    source_checks: tuple[str, ...] = ("transport",)
    grade: Grade = "observed live"
    grades: Mapping[str, Grade] = SAME_GRADE
    connections = 1

    def __init__(
        self, items: Sequence[Item] = (), name: str = "sieve", checks: tuple[str, ...] = ("sieve_scripts",)
    ) -> None:
        self.name = name
        self.checks = checks
        self.items = items
        self.prepared: list[Account] = []
        self.read: list[str] = []

    def prepare(self, accounts: Sequence[Account]) -> None:
        self.prepared += accounts

    def read_source(self) -> Iterator[Item]:
        yield CheckDone(scope=source_scope(self.name), source=self.name, check="transport")

    def read_account(self, account: Account) -> Iterator[Item]:
        self.read.append(account.login)
        yield from self.items


def found(script: MailFlow | None = None, raw: bytes = b"redirect") -> Observed:
    return Observed(evidence=script or flow(), raw=raw)


@pytest.fixture(scope="session")
def book() -> RuleBook:
    """The shipped rules."""
    return load_rules(CONFIG)


@pytest.fixture
def config() -> Config:
    """A configuration with one source, so that errors can name it."""
    entry = SourceEntry(name="sieve", kind="managesieve", options={})
    return Config(path=Path("agent.toml"), organisation=CONFIG.organisation, sources=(entry,))


Record = Callable[[], Recorder]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Record]:
    """Opens a recorder on a new ledger; every time is the same."""
    state = tmp_path / "state"
    create_ledger(state, origin="postwarden/test", run="run-0", actor="a", agent="p", now=NOW)
    opened: list[Recorder] = []

    def made() -> Recorder:
        opened.append(
            Recorder(state, run="run-1", actor="uid 0 (root)", agent="postwarden/0", clock=lambda: NOW)
        )
        return opened[-1]

    yield made
    for one in opened:
        one.close()
