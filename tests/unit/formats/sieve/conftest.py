"""Scripts decoded for one account, one source and one fixed time."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postwarden.formats.sieve import decode
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Path
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope


def _items(script: str | bytes) -> list[Item]:
    raw = script if isinstance(script, bytes) else script.encode()
    return list(
        decode(
            raw,
            name="main",
            active=True,
            scope=account_scope("login:alice"),
            source="sieve",
            check="sieve_scripts",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )


@pytest.fixture
def items() -> Callable[[str | bytes], list[Item]]:
    """Everything that comes out of a script."""
    return _items


@pytest.fixture
def paths() -> Callable[[str], tuple[Path, ...]]:
    """The paths of a script that decodes."""

    def read(script: str) -> tuple[Path, ...]:
        (flow,) = (item.evidence for item in _items(script) if isinstance(item, Observed))
        assert isinstance(flow, MailFlow)
        return flow.paths

    return read


@pytest.fixture
def effects(paths: Callable[[str], tuple[Path, ...]]) -> Callable[[str], list[list[str]]]:
    """The effects of each reachable path of a script, as words."""

    def read(script: str) -> list[list[str]]:
        return [
            [effect.what + (f" {effect.target}" if effect.target else "") for effect in path.effects]
            for path in paths(script)
            if path.reachable
        ]

    return read


@pytest.fixture
def gaps() -> Callable[[str | bytes], list[Gap]]:
    """The gaps of a script."""

    def read(script: str | bytes) -> list[Gap]:
        return [item for item in _items(script) if isinstance(item, Gap)]

    return read
