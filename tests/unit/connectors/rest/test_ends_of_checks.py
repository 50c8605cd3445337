"""How checks end whose items break off."""

from collections.abc import Iterator
from datetime import UTC, datetime

from postwarden.connectors.rest.checks import every
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.model.reading import CheckDone, Gap, Item
from postwarden.model.scope import account_scope


def asked(check: str) -> Asked:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    return Asked(scope=account_scope("login:a"), source="cloud", check=check, observed=moment)


def test_a_gap_of_a_part_does_not_end_its_check() -> None:
    """Where the items break off, each check without an end has a gap, also one of which a part was missing before."""

    def items() -> Iterator[Item]:
        yield asked("a").gap("unsupported", "a word is not known", part="some")
        yield asked("done").done()
        yield asked("gone").gap("forbidden", "a right is missing")
        raise ConnectorError("it broke off", "look", reason="unreachable")

    found = list(every(("a", "b", "done", "gone"), items, asked))
    gaps = [(one.check, one.part, one.reason) for one in found if isinstance(one, Gap)]
    assert gaps == [
        ("a", "some", "unsupported"),
        ("gone", None, "forbidden"),
        ("a", None, "unreachable"),
        ("b", None, "unreachable"),
    ]
    assert [one.check for one in found if isinstance(one, CheckDone)] == ["done"]
