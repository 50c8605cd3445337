"""Whose offline sessions are whose, by what a provider tells of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from postwarden.connectors.keycloak.source import KeycloakSource, Options
from postwarden.connectors.rest.once import Once
from postwarden.formats.keycloak_json import Client, Consent, OfflineSession, Person
from postwarden.model.account import Account
from postwarden.model.application import Application
from postwarden.model.evidence import Grant
from postwarden.model.reading import Observed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OPTIONS = {"url": "https://sso.example", "realm": "r", "login": {"client_id": "c", "secret": {"env": "X"}}}


class Realm:
    """Two people and two clients: one client's session has the person's id, the other's only the login."""

    def people(self) -> Iterator[Person]:
        for number in (1, 2):
            yield Person(id=f"i{number}", login=f"U{number}", address="", name="", enabled=True)

    def clients(self) -> Iterator[Client]:
        for name in ("by-id", "by-login"):
            yield Client(
                id=name,
                application=Application(id=name),
                scopes=("mail",),
                consent_required=True,
                can_ask=True,
                raw=b"{}",
            )

    def consents(self, _: Person) -> Iterator[Consent]:
        return iter(())

    def offline_sessions(self, client: Client) -> Iterator[OfflineSession]:
        told = [("i1", "u1")] if client.id == "by-id" else [("", "u1"), ("i1", "u1"), ("", "gone")]
        for number, (person, login) in enumerate(told):
            yield OfflineSession(
                id=f"{client.id}-{number}", person=person, login=login, began=None, used=None, raw=b"{}"
            )

    def roles(self) -> frozenset[str] | None:
        return frozenset()


def grants(login: str) -> dict[str, Grant]:
    source = KeycloakSource(
        "sso", msgspec.convert(OPTIONS, Options), folder=Path("/nowhere"), clock=lambda: NOW
    )
    source._provider = Once(Realm)
    items = source.read_account(Account(key=f"login:{login}", login=login))
    found = [item.evidence for item in items if isinstance(item, Observed)]
    return {one.application.id: one for one in found if isinstance(one, Grant)}


def test_sessions_by_id_and_by_login_are_one_persons() -> None:
    """Whichever way each is told, all of a person's are there, and nobody else's."""
    assert set(grants("u1")) == {"by-id", "by-login"}
    assert grants("u2") == {}


def test_holders_are_counted_once() -> None:
    """Who is told once by id and once by login is one; who is not in the realm any more counts too."""
    assert grants("u1")["by-login"].holders == 2
