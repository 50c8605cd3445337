"""Sources whose servers are in this process."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import Source, open_source
from postwarden.model.account import Account
from postwarden.pipeline.collect import Reading, collect_account
from tests.unit.connectors.servers import Answering, ImapServer, SieveServer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
BOB = Account(key="login:bob", login="bob", addresses=("bob@example.org",))
PASSWORD = "correct horse battery staple"

Read = Callable[..., Reading]
Open = Callable[..., Source]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    """Opens a source of a kind; its connections go to the servers that `connect` makes."""

    def made(kind: str, connect: Callable[[], Answering], **options: Any) -> Source:
        monkeypatch.setenv("POSTWARDEN_TEST", PASSWORD)
        for session in ("imap_session", "managesieve_session"):
            monkeypatch.setattr(f"postwarden.connectors.{session}.connect", lambda *_, **__: connect())
        login = {"user": "{login}", "secret": {"env": "POSTWARDEN_TEST"}, **options.pop("login", {})}
        entry = SourceEntry(
            name="here",
            kind=kind,
            options={"host": "mail.example.org", "tls": "implicit", "login": login, **options},
        )
        return open_source(entry, 0, decode(b"", tmp_path / "agent.toml"), lambda: NOW)

    return made


@pytest.fixture
def read_imap(opened: Open) -> Read:
    """What an IMAP server with these answers says about Alice."""

    def read(answers: Mapping[str, bytes] = {}, account: Account = ALICE, **options: Any) -> Reading:
        source = opened("imap", lambda: ImapServer(answers), **options)
        return collect_account(account, [source], lambda *_: None, None)

    return read


@pytest.fixture
def read_sieve(opened: Open) -> Read:
    """What a ManageSieve server with these answers says about Alice."""

    def read(answers: Mapping[str, bytes] = {}, account: Account = ALICE, **options: Any) -> Reading:
        source = opened("managesieve", lambda: SieveServer(answers), **options)
        return collect_account(account, [source], lambda *_: None, None)

    return read
