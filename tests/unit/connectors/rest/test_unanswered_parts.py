"""A part of a batch that the service could not answer, by what Graph's statuses mean."""

import json
from collections.abc import Callable

import pytest

from postwarden.connectors.graph.refusals import judge
from postwarden.connectors.graph.requests import allowed
from postwarden.connectors.rest import batch
from postwarden.connectors.rest.batch import Question
from tests.unit.connectors.rest.conftest import NOW, ORIGIN, Rig

SETTINGS = Question("/users/u/mailboxSettings", {})


@pytest.mark.parametrize("status", [500, 501, 504])
def test_a_part_that_is_broken_is_asked_for_alone(
    status: int, rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a service does not manage within several requests it may manage by itself."""
    whole = json.dumps({"responses": [{"id": "0", "status": status, "headers": {}, "body": {}}]}).encode()
    made = rig(allowed(ORIGIN, "v1.0"), iter([whole, b'{"a": 1}']), "/v1.0")
    monkeypatch.setattr(made.session, "_judge", judge(lambda: NOW))
    assert batch.ask(made.session, [SETTINGS], patience=made.patience) == [b'{"a": 1}']
    assert made.service.asked[1:] == [("GET", f"{ORIGIN}/v1.0{SETTINGS.path}")]
