"""When and by whom something was let in: what audits tell, and what they do not."""

from typing import Any, cast

import pytest

from postwarden.connectors.graph import everybody
from postwarden.formats.graph_json.applications import EXCHANGE, GRAPH, RESOURCES
from postwarden.formats.graph_json.audits import CONSENT, ROLE
from postwarden.model.evidence import Grant
from tests.unit.connectors.graph.test_large_tenant import PRINCIPALS, Service, asked, grants, observed, opened


def audit(activity: str, when: str, author: str | None, user: str = "u2") -> dict[str, Any]:
    return {
        "id": f"{activity} {when}",
        "activityDateTime": when,
        "activityDisplayName": activity,
        "initiatedBy": {"user": {"userPrincipalName": author}},
        "targetResources": [
            {
                "id": "sp1",
                "type": "ServicePrincipal",
                "modifiedProperties": [
                    {"displayName": "ConsentAction.Permissions", "newValue": f'"[[PrincipalId: {user}]]"'}
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("author", "consent"), [("u2@example.org", "user"), ("admin@example.org", "administrator"), (None, None)]
)
def test_who_consented_is_told_by_an_audit_alone(author: str | None, consent: str | None) -> None:
    """An administrator's consent for one person is told as that, and without an audit nobody's is made up."""
    audits = [audit(CONSENT, "2026-11-22T08:00:00Z", author)] if author else []
    (found,) = grants(Service(**{"auditLogs/directoryAudits": audits}), "u2")
    assert cast("Grant", found.evidence).consent == consent


def test_who_added_one_role_did_not_let_in_the_other() -> None:
    """Each resource's roles have the date of their own assignment, and an author only where an audit is of that time."""
    resources = {"graph": GRAPH, "exchange": EXCHANGE}
    listings: dict[str, Any] = {
        "servicePrincipals": [*PRINCIPALS, *({"id": one, "appId": app} for one, app in resources.items())],
        "auditLogs/directoryAudits": [audit(ROLE, "2026-11-18T08:00:07Z", "bob@example.org")],
    }
    for resource, when in (("graph", "2023-02-01T00:00:00Z"), ("exchange", "2026-11-18T08:00:02Z")):
        listings[f"servicePrincipals/{resource}/appRoleAssignedTo"] = [
            {"id": resource, "principalId": "sp1", "appRoleId": "r", "createdDateTime": when, "resourceId": resource}
        ]  # fmt: skip
    found = observed(everybody.tenant_grants(opened(Service(**listings)), asked("tenant_grants"), None))
    told = {
        one.resource: (one.granted.time.year if one.granted else None, one.granted_by)
        for one in (cast("Grant", item.evidence) for item in found)
    }
    assert told == {
        RESOURCES[GRAPH]: (2023, None),
        RESOURCES[EXCHANGE]: (2026, "bob@example.org"),
    }
