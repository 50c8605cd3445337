"""Keycloak's representations into people, clients, consents and sessions."""

import json
from typing import Any

import pytest

from postwarden.formats import keycloak_json
from postwarden.formats.json_text import JsonError


def raw(**told: Any) -> bytes:
    return json.dumps(told).encode()


def client(**told: Any) -> keycloak_json.Client:
    return keycloak_json.read_client(raw(id="u", clientId="c", **told))


def test_a_clients_secret_is_nowhere_kept() -> None:
    """The entry may have a secret: it is in nothing that is kept."""
    found = client(
        secret="swordfish", registrationAccessToken="tuna", attributes={"client.secret.x": "eel"}, name="n"
    )
    for word in ("swordfish", "tuna", "eel"):
        assert word not in repr(found)
    assert b'"name":"n"' in found.raw


@pytest.mark.parametrize(
    ("told", "asks"),
    [
        ({}, True),
        ({"bearerOnly": True}, False),
        ({"standardFlowEnabled": False}, True),
        (
            {
                "standardFlowEnabled": False, "implicitFlowEnabled": False, "directAccessGrantsEnabled": False,
                "serviceAccountsEnabled": False,
            },
            False,
        ),
        ({"standardFlowEnabled": True}, True),
    ],
)  # fmt: skip
def test_what_a_client_does_not_say_counts_as_possible(told: dict[str, Any], asks: bool) -> None:
    """Only one that says that it can ask for no token is left out."""
    assert client(**told).can_ask is asks


def test_consent_is_required_only_where_it_is_said() -> None:
    """Without a word nobody is asked."""
    assert not client().consent_required
    assert client(consentRequired=True).consent_required
    assert client(defaultClientScopes=["a"], optionalClientScopes=["b", "a"]).scopes == ("a", "b")


def test_times_are_milliseconds() -> None:
    """The last change counts for a consent; what cannot be a time is none."""
    found = keycloak_json.read_consent(
        raw(clientId="c", grantedClientScopes=["a"], createdDate=1763640000000, lastUpdatedDate=1763726400000)
    )
    assert found.granted is not None
    assert found.granted.time.isoformat() == "2025-11-21T12:00:00+00:00"
    assert keycloak_json.read_consent(raw(clientId="c", createdDate=10**30)).granted is None
    assert keycloak_json.read_consent(raw(clientId="c")).granted is None


def test_a_session_that_is_used_is_the_same_session() -> None:
    """When it was last used is told, and changes nothing that is kept of it."""
    first, later = (
        keycloak_json.read_session(raw(id="s", userId="u", username="A", start=1763640000000, lastAccess=one))
        for one in (1763640000000, 1763726400000)
    )
    assert first.raw == later.raw
    assert first.used != later.used
    assert (first.person, first.login) == ("u", "a")


@pytest.mark.parametrize("body", [b"", b"{}", b"5", b'[{"id":"a","id":"b"}]'])
def test_what_is_no_list_is_none(body: bytes) -> None:
    """No other answer is taken for an empty listing."""
    with pytest.raises(JsonError):
        keycloak_json.read_entries(body)


@pytest.mark.parametrize(
    "read", [keycloak_json.read_person, keycloak_json.read_client, keycloak_json.read_session]
)
def test_an_entry_without_its_id_is_an_error(read: Any) -> None:
    """Half an entry is none."""
    with pytest.raises(JsonError):
        read(raw(name="x"))
