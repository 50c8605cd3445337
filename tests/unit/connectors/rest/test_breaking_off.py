"""A service that breaks off again and again."""

from collections.abc import Callable
from itertools import repeat

import pytest

from postwarden.connectors.https import BrokeOff
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.patience import MAX_BREAKS
from tests.unit.connectors.rest.conftest import ORIGIN, Rig


def test_a_service_that_always_breaks_off_is_left_sooner_than_a_busy_one(rig: Callable[..., Rig]) -> None:
    """So many breaks, and then it is a gap."""
    made = rig(Allowed(ORIGIN, (Row(path="/things"),)), repeat(BrokeOff("broke off")))
    with pytest.raises(BrokeOff):
        made.session.get("/things", patience=made.patience)
    assert len(made.service.asked) == MAX_BREAKS
