"""Whose an event of Google's log is, and events that cannot be read."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from postwarden.connectors.google.domain import Domain
from postwarden.connectors.google.people import People
from postwarden.connectors.rest.session import Session
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.activities import AUTHORIZE, REVOKE
from postwarden.formats.google_json.people import Person
from postwarden.model.reading import Gap
from postwarden.model.scope import account_scope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LENA = Person(
    "1", "lena@example.org", ("lena@example.org", "l.f@example.org"), "Lena", enabled=True, has_mail=True
)
ASKED = Asked(scope=account_scope("google:1"), source="workspace", check="grants", observed=NOW)


class Logged(Domain):
    """A domain with one person, whose log has these activities: by whom, what, when, with which parameters."""

    def __init__(self, *told: tuple[dict[str, str], str, int, dict[str, str]]) -> None:
        session = cast("Session", type("Nobody", (), {"pause": None})())
        super().__init__(session, session, customer="c", clock=lambda: NOW)
        self._told = told

    def _people(self) -> People:
        return People(by_id={"1": LENA}, by_address=dict.fromkeys(LENA.addresses, LENA))

    def _items(self, _session: Session, _path: str, query: Mapping[str, str]) -> Iterator[bytes]:
        for actor, name, hours, parameters in self._told:
            if query["eventName"] == name:
                happened = (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
                listed = [
                    {"name": key, "multiValue": value.split()}
                    if key == "scope"
                    else {"name": key, "value": value}
                    for key, value in parameters.items()
                ]
                event = {"name": name, "parameters": listed}
                told = {"id": {"time": happened}, "actor": actor, "events": [event]}
                yield json.dumps(told).encode()


BY_ID, BY_ADDRESS, BY_ALIAS = {"profileId": "1"}, {"email": "lena@example.org"}, {"email": "L.F@example.org"}


def test_events_under_all_names_of_a_person_are_theirs() -> None:
    """What was given under the id, the address and an alias adds up, and what was taken back under one is gone."""
    made = Logged(
        (BY_ADDRESS, AUTHORIZE, 5, {"client_id": "a", "scope": "https://mail.google.com/"}),
        (BY_ID, AUTHORIZE, 4, {"client_id": "a", "scope": "openid"}),
        (BY_ALIAS, AUTHORIZE, 3, {"client_id": "b", "scope": "openid"}),
        (BY_ADDRESS, AUTHORIZE, 3, {"client_id": "c", "scope": "openid"}),
        (BY_ID, REVOKE, 2, {"client_id": "c"}),
    )
    found = {one.client: set(one.scopes) for one in made.of_person("1", "lena@example.org")}
    assert found == {"a": {"https://mail.google.com/", "openid"}, "b": {"openid"}}
    assert dict(made.holders.get()) == {"a": 1, "b": 1}


def test_an_event_that_names_its_client_in_a_new_way_is_counted() -> None:
    """It is a gap with the number, and the others are read."""
    made = Logged(
        (BY_ID, AUTHORIZE, 5, {"client_id": "a", "scope": "openid"}),
        (BY_ID, AUTHORIZE, 4, {"application_number": "b", "scope": "openid"}),
    )
    assert [one.client for one in made.of_person("1", "lena@example.org")] == ["a"]
    (gap,) = made.unread(ASKED, AUTHORIZE, REVOKE)
    assert isinstance(gap, Gap)
    assert gap.part == AUTHORIZE
    assert gap.message.startswith("1 of these events")
