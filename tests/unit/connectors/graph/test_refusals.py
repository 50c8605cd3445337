"""What a refusal says, and what it asks to be done."""

from datetime import UTC, datetime

import pytest

from postwarden.connectors.graph.refusals import judge
from postwarden.connectors.rest.allowed import Row
from postwarden.connectors.rest.session import Answer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMED, BATCH = Row(path="/users", needs="User.Read.All"), Row(method="POST", path="/$batch")


def told(status: int, row: Row, name: str) -> str:
    error = judge(lambda: NOW, name)(Answer(status, {}, b""), row)
    assert error is not None
    return f"{error.message}; {error.hint}"


def test_a_missing_permission_is_named_where_it_is_known() -> None:
    """The hint names the permission that the request takes, or the check that names all of them."""
    assert "permission User.Read.All in Entra" in told(403, NAMED, "Graph")
    assert "  " not in told(403, BATCH, "Graph")
    assert "the check rights" in told(403, BATCH, "Graph")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 501, 503])
@pytest.mark.parametrize(("name", "other"), [("Graph", "Exchange"), ("Exchange", "Graph")])
def test_each_service_is_spoken_of_by_its_name(name: str, other: str, status: int) -> None:
    """A refusal of Exchange's cmdlets does not send anybody to look at Graph, nor the other way round."""
    text = told(status, NAMED, name)
    assert name in text
    assert other not in text
