"""Assertions of clients, sound and otherwise (RFC 7523)."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postwarden.lab import assertions
from postwarden.lab.assertions import BadAssertion, Replays
from postwarden.lab.entra import rsa_key

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = rsa_key("application")


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_a_signed_assertion_holds(algorithm: str) -> None:
    """What was signed is read again, with the key that signed it."""
    made = assertions.signed({"kid": "1"}, {"iss": "me"}, KEY, algorithm)
    header, claims = assertions.verified(made, KEY.public_key(), ("RS256", "PS256"))
    assert (header["kid"], claims) == ("1", {"iss": "me"})


@pytest.mark.parametrize(
    ("assertion", "why"),
    [
        ("", "no JSON Web Token"),
        ("a.b", "no JSON Web Token"),
        ("a.b.c", "no JSON Web Token"),
        (f"{part([])}.{part({})}.x", "no JSON Web Token"),
        (f"{part({'alg': 'none'})}.{part({})}.", "its algorithm"),
        (f"{part({'alg': 'HS256'})}.{part({})}.AAAA", "its algorithm"),
        (f"{part({'alg': 'RS256'})}.{part({})}.AAAA", "its signature"),
        (f"{part({'alg': 'RS256'})}.{part({})}.=~", "no JSON Web Token"),
    ],
)
def test_what_is_no_assertion(assertion: str, why: str) -> None:
    """Text that is none, algorithms that prove nothing and wrong signatures are told apart."""
    with pytest.raises(BadAssertion, match=why):
        assertions.verified(assertion, KEY.public_key(), ("RS256",))


def test_another_keys_signature_is_wrong() -> None:
    """Only the registered key counts."""
    made = assertions.signed({}, {}, rsa_key("platform"))
    with pytest.raises(BadAssertion, match="signature"):
        assertions.verified(made, KEY.public_key(), ("RS256",))


@pytest.mark.parametrize(
    ("claims", "why", "expired"),
    [
        ({}, "exp is no time", False),
        ({"exp": "soon"}, "exp is no time", False),
        ({"exp": True}, "exp is no time", False),
        ({"exp": 0}, "it has expired", True),
        ({"exp": 2**40}, "exp is no time", False),
        ({"exp": 1}, "it would live too long", False),
        ({"exp": 2, "nbf": 1}, "nbf lies ahead", True),
        ({"exp": 2, "iat": 1}, "iat lies ahead", True),
    ],
)
def test_times_that_do_not_hold(claims: dict[str, Any], why: str, expired: bool) -> None:
    """An assertion without an end, with an end too far, past or not yet begun is refused."""
    at = {0: -1, 1: 86_400, 2: 600}
    moved = {
        name: int(NOW.timestamp()) + at[value] if type(value) is int and value in at else value
        for name, value in claims.items()
    }
    with pytest.raises(BadAssertion, match=why) as caught:
        assertions.check_times(moved, NOW, timedelta(hours=1))
    assert caught.value.expired == expired


def test_times_may_have_fractions() -> None:
    """A NumericDate need not be whole, and some libraries' are not."""
    assertions.check_times({"exp": NOW.timestamp() + 600.5, "iat": NOW.timestamp()}, NOW, timedelta(hours=1))


def test_an_assertion_is_good_for_one_use() -> None:
    """The same id again, or none, is refused."""
    replays = Replays()
    replays.check({"jti": "1"})
    replays.check({"jti": "2"})
    for claims in ({"jti": "1"}, {}, {"jti": ""}, {"jti": 5}):
        with pytest.raises(BadAssertion, match="jti"):
            replays.check(claims)
