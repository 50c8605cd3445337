"""A realm whose admin interface answers from a list."""

import base64
import json
from collections.abc import Callable
from typing import cast

import pytest

from postwarden.connectors.keycloak.realm import Realm
from postwarden.connectors.rest.patience import Patience, Pause
from postwarden.connectors.rest.session import Session
from postwarden.connectors.rest.tokens import Token, Tokens
from postwarden.errors import ConnectorError
from postwarden.secrets import Secret

PEOPLE = [{"id": f"i{number}", "username": f"u{number}"} for number in range(300)]


class Admin:
    """Answers each listing by `page(first, most)`."""

    def __init__(self, page: Callable[[int, int], list[dict[str, str]]]) -> None:
        self.pause, self._page = Pause(sleep=lambda _: None), page

    def get(self, path: str, query: dict[str, str], *, patience: Patience) -> bytes:
        return json.dumps(self._page(int(query["first"]), int(query["max"]))).encode()


def realm(page: Callable[[int, int], list[dict[str, str]]], claims: str = "{}") -> Realm:
    token = f"x.{base64.urlsafe_b64encode(claims.encode()).decode().rstrip('=')}.y"
    tokens = Tokens(lambda: Token(Secret(token), 300.0), lambda: 0.0)
    return Realm(cast("Session", Admin(page)), tokens)


@pytest.mark.parametrize("most", [2, 100, 299, 300, 500, 1_000])
def test_a_page_that_is_shorter_than_asked_for_is_not_the_end(most: int) -> None:
    """However few entries the server gives at once, everybody is listed, once."""
    found = list(realm(lambda first, wanted: PEOPLE[first : first + min(most, wanted)]).people())
    assert [one.login for one in found] == [one["username"] for one in PEOPLE]


def test_nobody_is_a_listing_too() -> None:
    """An empty realm is read."""
    assert list(realm(lambda *_: []).people()) == []


@pytest.mark.parametrize(
    "page",
    [
        lambda _, __: PEOPLE[:100],
        lambda first, _: PEOPLE[:100] if first == 0 else [PEOPLE[99], *PEOPLE[:50]],
        lambda first, _: PEOPLE[:100] if first == 0 else [],
    ],
)
def test_a_listing_that_does_not_go_on_where_it_was_is_an_error(
    page: Callable[[int, int], list[dict[str, str]]],
) -> None:
    """A server that begins anew, goes back, or forgets what it listed is not taken to be at its end."""
    with pytest.raises(ConnectorError):
        list(realm(page).people())


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ('{"sub":"1"}', None),
        ('{"resource_access":null}', None),
        ('{"resource_access":{}}', frozenset()),
        ('{"resource_access":{"realm-management":{"roles":["view-users"]}}}', frozenset({"view-users"})),
        ("[]", None),
    ],
)
def test_a_token_without_roles_does_not_say_that_there_are_none(
    claims: str, roles: frozenset[str] | None
) -> None:
    """Where the claim is missing, nobody knows; where it is there, what it lacks is missing."""
    assert realm(lambda *_: [], claims).roles() == roles
