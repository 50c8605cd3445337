"""The identity for a case, once the case is over."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from postwarden.connectors.google.source import GoogleSource, Options
from postwarden.model.account import Account
from postwarden.model.reading import CheckDone, Gap

OPTIONS = {
    "login": {"key": {"file": "key.json"}, "admin": "admin@lab.example"},
    "identity": "incident",
    "until": "2026-11-22",
}


def test_after_its_day_no_token_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for the domain nor for an account, nor to see which scopes there are."""
    asked: list[object] = []
    monkeypatch.setattr(
        "postwarden.connectors.google.source.fetcher", lambda *given: lambda: asked.append(given)
    )
    options = msgspec.convert(OPTIONS, Options)
    source = GoogleSource(
        "g", options, folder=Path("/nowhere"), clock=lambda: datetime(2026, 11, 23, tzinfo=UTC)
    )
    account = Account(key="login:a", login="a@lab.example", addresses=("a@lab.example",))
    items = [*source.read_source(), *source.read_account(account)]
    assert asked == []
    done = {item.check for item in items if isinstance(item, CheckDone)}
    gaps = {item.check for item in items if isinstance(item, Gap)}
    assert done == {"transport"}
    assert gaps == {*source.checks, *source.source_checks} - done
