"""Answers decoded for one account, one source and one fixed time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.model.account import Account
from postwarden.model.evidence import Evidence
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))


class Told(list[Item]):
    """What came out of an answer."""

    @property
    def evidence(self) -> list[Any]:
        return [item.evidence for item in self if isinstance(item, Observed)]

    @property
    def raws(self) -> list[bytes]:
        return [item.raw for item in self if isinstance(item, Observed)]

    def of(self, kind: type[Evidence]) -> list[Any]:
        return [found for found in self.evidence if isinstance(found, kind)]

    @property
    def gaps(self) -> list[Gap]:
        return [item for item in self if isinstance(item, Gap)]


@pytest.fixture
def told() -> Callable[..., Told]:
    """Runs a decoder as an audit does."""

    def run(decode: Callable[..., Iterator[Item]], raw: bytes, *arguments: object, **more: object) -> Told:
        return Told(
            decode(
                raw,
                *arguments,
                scope=account_scope("login:alice"),
                source="exchange",
                check="the_check",
                observed=datetime(2026, 11, 23, tzinfo=UTC),
                **more,
            )
        )

    return run
