"""Folders, rules, and keywords of the shipped list."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden.mailflow.keywords import Keywords, keywords_from
from postwarden.model.evidence import Folder, FolderUse, MailFlow
from postwarden.model.scope import account_scope

MakeFolder = Callable[..., Folder]


@pytest.fixture
def folder() -> MakeFolder:
    """Makes folders of one account."""

    def make(name: str, *uses: FolderUse, subscribed: bool = True, selectable: bool = True) -> Folder:
        return Folder(
            scope=account_scope("login:alice"),
            source="imap",
            check="folders",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
            name=name,
            uses=uses,
            subscribed=subscribed,
            selectable=selectable,
        )

    return make


@pytest.fixture
def rule() -> Callable[..., MailFlow]:
    """Makes inbox rules of one account."""

    def make(**fields: Any) -> MailFlow:
        return MailFlow(
            scope=account_scope("login:alice"),
            source="exchange",
            check="inbox_rules",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
            **{"origin": "inbox_rule", "key": "1", "name": "Tidy", "enabled": True, **fields},
        )

    return make


@pytest.fixture(scope="session")
def shipped() -> Keywords:
    """The word list that ships with the rules."""
    path = Path(__file__).parents[3] / "rules" / "keywords.toml"
    return keywords_from(tomllib.loads(path.read_text("utf-8")))
