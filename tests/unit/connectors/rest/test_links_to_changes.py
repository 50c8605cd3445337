"""Links to what changes later, which a service gives at the end of a listing."""

import json
from collections.abc import Callable

import pytest

from postwarden.connectors.graph.listing import read_page
from postwarden.connectors.graph.requests import allowed
from postwarden.connectors.rest.pages import pages
from postwarden.errors import ConnectorError
from tests.unit.connectors.rest.conftest import ORIGIN, Rig

GRANTS = f"{ORIGIN}/v1.0/oauth2PermissionGrants/delta"


@pytest.mark.parametrize(
    "link", ["https://evil.example/v1.0/oauth2PermissionGrants/delta?$deltatoken=1", f"{ORIGIN}/v1.0/users"]
)
def test_a_link_to_changes_that_leads_elsewhere_ends_the_listing(link: str, rig: Callable[..., Rig]) -> None:
    """It would have our token in the next sweep: it is not kept, and the listing is not taken for sound."""
    body = json.dumps({"value": [], "@odata.deltaLink": link}).encode()
    made = rig(allowed(ORIGIN, "v1.0"), iter([body]), "/v1.0")
    with pytest.raises(ConnectorError, match="goes on elsewhere"):
        list(pages(made.session, GRANTS, read_page, patience=made.patience))
