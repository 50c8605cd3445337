"""Listings that are kept from one sweep to the next."""

import json
from typing import Any

import pytest

from postwarden.connectors.graph import requests
from postwarden.connectors.graph.listing import with_changes
from postwarden.connectors.rest.patience import Patience, Pause
from postwarden.errors import ConnectorError
from tests.unit.connectors.rest.conftest import ORIGIN, Rig

PATH = "/oauth2PermissionGrants/delta"
LIST = requests.allowed(ORIGIN, "v1.0")


def listed(memory: dict[str, Any], *answers: dict[str, Any]) -> dict[str, bytes]:
    made = Rig(LIST, (json.dumps(answer).encode() for answer in answers), "/v1.0")
    return with_changes(
        made.session,
        PATH,
        {},
        patience=Patience(Pause()),
        memory=memory,
        clock=made.time.clock,
    )


def on(kind: str, token: str) -> dict[str, str]:
    return {f"@odata.{kind}Link": f"{ORIGIN}/v1.0{PATH}?${'skip' if kind == 'next' else kind}token={token}"}


def test_a_listing_ends_where_changes_can_be_asked_for() -> None:
    """Pages are read up to the one that has that link."""
    found = listed(
        {}, {"value": [{"id": "a"}], **on("next", "1")}, {"value": [{"id": "b"}], **on("delta", "2")}
    )
    assert set(found) == {"a", "b"}


def test_a_listing_that_breaks_off_is_not_taken_for_all() -> None:
    """A page with neither link is an error, and nothing of it is kept for the next sweep."""
    memory: dict[str, Any] = {}
    with pytest.raises(ConnectorError, match="breaks off") as caught:
        listed(memory, {"value": [{"id": "a"}], **on("next", "1")}, {"value": [{"id": "b"}]})
    assert caught.value.reason == "malformed"
    assert memory == {}


def test_changes_that_break_off_are_read_whole() -> None:
    """Where an answer about changes has neither link, all is listed anew."""
    memory: dict[str, Any] = {}
    listed(memory, {"value": [{"id": "a"}], **on("delta", "1")})
    found = listed(memory, {"value": [{"id": "b"}]}, {"value": [{"id": "c"}], **on("delta", "2")})
    assert set(found) == {"c"}
