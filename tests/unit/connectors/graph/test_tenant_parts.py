"""What a tenant tells piece by piece: changes, audits that failed, owners, roles of people."""

import json
from typing import Any, cast

import pytest

from postwarden.connectors.graph import everybody
from postwarden.errors import ConnectorError
from postwarden.formats.graph_json.applications import GRAPH
from postwarden.model.evidence import Grant
from tests.unit.connectors.graph.test_large_tenant import (
    GRANTS,
    PRINCIPALS,
    USERS,
    Service,
    asked,
    audit,
    observed,
    opened,
)


@pytest.mark.parametrize(("result", "dated"), [("success", True), ("failure", False), ("timeout", True)])
def test_an_audit_that_failed_dates_nothing(result: str, dated: bool) -> None:
    """An owner whom somebody tried to add and could not has not been added then."""
    log = [{**audit(1, "Add owner to service principal"), "result": result}]
    service = Service(**{"auditLogs/directoryAudits": log, "servicePrincipals/sp1/owners": [USERS[1]]})
    (owner,) = opened(service).owners.get()["sp1"]
    assert (owner.added is not None) is dated


def test_a_change_leaves_what_it_does_not_name() -> None:
    """Graph tells of a changed grant only what changed: whose it is, and what it reaches, stay known."""
    service, memory = Service(), dict[str, Any]()
    opened(service, memory).delegations.get()
    service.listings["oauth2PermissionGrants/delta"] = [{"id": "g1", "scope": "Mail.Send"}]
    found = opened(service, memory).delegations.get()
    assert json.loads(found.raw["g1"]) == {**GRANTS[0], "scope": "Mail.Send"}
    assert found.of_person["u1"] == ["g1", "g2"]


class Crowded(Service):
    """One whose answers about owners go on."""

    def _answer(self, path: str) -> dict[str, Any]:
        more = {"@odata.nextLink": f"{self.url('/' + path)}?$skiptoken=1"} if path.endswith("/owners") else {}
        return {**super()._answer(path), **more}


def test_owners_beyond_one_answer_are_not_passed_over() -> None:
    """So many owners that one answer does not have them are an error, not the first of them."""
    with pytest.raises(ConnectorError, match="more than one answer"):
        opened(Crowded()).owners.get()


def test_roles_of_people_are_not_the_applications() -> None:
    """Who may use an application is not what it reaches; a holder that is not told apart is one that reaches."""
    kinds = {"sp1": "ServicePrincipal", "person": "User", "group": "Group", "sp2": None}
    roles = [
        {"id": who, "appRoleId": "role", "principalId": who, "resourceId": "spR", "principalType": kind}
        for who, kind in kinds.items()
    ]
    service = Service(
        servicePrincipals=[*PRINCIPALS, {"id": "spR", "appId": GRAPH}],
        **{"servicePrincipals/spR/appRoleAssignedTo": roles, "oauth2PermissionGrants/delta": []},
    )
    found = observed(everybody.tenant_grants(opened(service), asked("tenant_grants"), None))
    told = [(one.application.id, one.scopes) for one in (cast("Grant", item.evidence) for item in found)]
    assert told == [("app1", ("role",)), ("app2", ("role",))]
