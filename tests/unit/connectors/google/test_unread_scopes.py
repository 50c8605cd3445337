"""Clients that are at work, and were let in before Google's log begins."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from postwarden.connectors.google import domain as domains
from postwarden.connectors.google import reading
from postwarden.connectors.google.domain import Domain
from postwarden.connectors.google.people import People
from postwarden.connectors.rest.session import Session
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.activities import ACTIVITY, AUTHORIZE, Event
from postwarden.formats.google_json.people import Person
from postwarden.model.evidence import Grant
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LENA = Person("1", "lena@example.org", ("lena@example.org",), "Lena", enabled=True, has_mail=True)


def event(name: str, client: str, *scopes: str) -> Event:
    return Event(
        happened=NOW - timedelta(hours=1), name=name, person="1", author="lena@example.org",
        client=client, client_name=f"Program {client}", scopes=scopes,
    )  # fmt: skip


class Logged(Domain):
    """A domain with one person, whose log has these events."""

    def __init__(self, *events: Event) -> None:
        session = cast("Session", type("Nobody", (), {"pause": None})())
        super().__init__(session, session, customer="c", clock=lambda: NOW)
        self._told = events

    def _people(self) -> People:
        return People(by_id={"1": LENA}, by_address={"lena@example.org": LENA})

    def _events(self, name: str, back: timedelta) -> Iterator[tuple[Event, bytes]]:
        assert back in {domains.LOGGED, domains.USED}
        yield from ((one, one.client.encode()) for one in self._told if one.name == name)


def read(*events: Event, security: Any = None) -> list[Item]:
    asked = Asked(scope=account_scope("google:1"), source="workspace", check="grants", observed=NOW)
    return list(reading.grants(Logged(*events), security, LENA, asked))


def test_scopes_that_nobody_tells_are_a_gap_and_no_grant() -> None:
    """Only what the log has the scopes of is a grant; the others are named in a gap, never told as harmless."""
    found = read(
        event(AUTHORIZE, "a", "https://mail.google.com/"), event(ACTIVITY, "a"), event(ACTIVITY, "b")
    )
    (grant,) = [cast("Grant", one.evidence) for one in found if isinstance(one, Observed)]
    assert (grant.application.id, grant.scopes) == ("a", ("https://mail.google.com/",))
    assert grant.last_used is not None
    (gap,) = [one for one in found if isinstance(one, Gap) and one.part != "older grants"]
    assert gap.part == "scopes of Program b (b)"
    assert gap.reason == "unsupported"


def test_many_of_them_are_one_gap() -> None:
    """However many they are and however they are called, one gap of a bounded length names some and counts the rest."""
    found = read(*(event(ACTIVITY, f"{number:02}" + "x" * 500) for number in range(30)))
    gaps = [one for one in found if isinstance(one, Gap)]
    assert len(gaps) == 2
    assert (gaps[1].part or "").endswith(" and 25 more")
    assert len(gaps[1].part or "") < 1000
    assert not [one for one in found if isinstance(one, Observed)]
