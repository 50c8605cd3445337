"""What keeps a large tenant cheap: one raw for an account, owners asked for once, audits within bounds."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from postwarden.connectors.graph import everybody, reading, requests, tenant
from postwarden.connectors.graph.tenant import Tenant
from postwarden.connectors.rest.allowed import Row, url
from postwarden.connectors.rest.patience import Patience, Pause
from postwarden.connectors.rest.session import Answer, Session
from postwarden.formats.asked import Asked
from postwarden.formats.graph_json.people import Person
from postwarden.model.evidence import Change, Grant, Setting
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope, source_scope

ORIGIN = "https://graph.example"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
USERS = [
    {"id": one, "userPrincipalName": f"{one}@example.org", "mail": f"{one}@example.org"}
    for one in ("u1", "u2")
]
PRINCIPALS = [{"id": f"sp{one}", "appId": f"app{one}", "displayName": f"Program {one}"} for one in (1, 2)]
GRANTS = [
    {"id": identifier, "clientId": client, "resourceId": "r", "scope": "Mail.Read", "consentType": "Principal", "principalId": who}
    for identifier, client, who in (("g1", "sp1", "u1"), ("g2", "sp2", "u1"), ("g3", "sp1", "u2"))
]  # fmt: skip


class Service:
    """A tenant that answers each listing, by its path, with one page; it counts what it was asked."""

    prefix = "/v1.0"

    def __init__(self, **listings: list[dict[str, Any]]) -> None:
        self.allowed, self.pause = requests.allowed(ORIGIN, "v1.0"), Pause()
        self.listings = {
            "users": USERS, "servicePrincipals": PRINCIPALS, "applications": [], "oauth2PermissionGrants/delta": GRANTS,
            "auditLogs/directoryAudits": [], **listings,
        }  # fmt: skip
        self.asked: Counter[str] = Counter()

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        return url(ORIGIN, self.prefix + path, query)

    def error(self, _: Answer, __: Row) -> None:
        return None

    def send(
        self, _: str, address: str, *, patience: Patience, body: bytes | None = None, **__: Any
    ) -> bytes:
        path = address.removeprefix(self.url("/")).partition("?")[0]
        if path == "$batch":
            parts = json.loads(body or b"")["requests"]
            return json.dumps({"responses": [self._part(part) for part in parts]}).encode()
        return json.dumps(self._answer(path)).encode()

    def _part(self, part: dict[str, str]) -> dict[str, Any]:
        return {"id": part["id"], "status": 200, "body": self._answer(part["url"][1:].partition("?")[0])}

    def _answer(self, path: str) -> dict[str, Any]:
        self.asked[path] += 1
        delta = f"{self.url('/' + path)}?$deltatoken={self.asked[path]}"
        more = {"@odata.deltaLink": delta} if path.endswith("/delta") else {}
        return {"value": self.listings.get(path, []), **more}

    def owners_asked(self) -> set[str]:
        """The objects whose owners were asked for since the last time."""
        asked = {path.split("/")[1] for path in self.asked if path.endswith("/owners")}
        self.asked.clear()
        return asked


def opened(service: Service, memory: dict[str, Any] | None = None, *, now: datetime = NOW) -> Tenant:
    return Tenant(cast("Session", service), memory=memory if memory is not None else {}, clock=lambda: now)


def asked(check: str, login: str | None = None) -> Asked:
    scope = account_scope(f"graph:{login}") if login else source_scope("m365")
    return Asked(scope=scope, source="m365", check=check, observed=NOW)


def grants(service: Service, login: str) -> list[Observed]:
    person = Person(id=login, login=f"{login}@example.org", addresses=(), name="", enabled=True, guest=False)
    return observed(reading.grants(opened(service), person, asked("grants", login), None))


def observed(items: Any) -> list[Observed]:
    return [item for item in items if isinstance(item, Observed)]


def audit(number: int, activity: str, subject: str = "sp1", user: str = "u2") -> dict[str, Any]:
    return {
        "id": f"audit-{number}",
        "activityDateTime": f"2026-11-22T08:00:{number:02}Z",
        "activityDisplayName": activity,
        "targetResources": [
            {"id": user, "type": "User", "modifiedProperties": []},
            {"id": subject, "type": "ServicePrincipal", "modifiedProperties": []},
        ],
    }


def test_all_grants_of_an_account_are_one_piece_of_raw_evidence() -> None:
    """However many grants somebody has, one blob keeps them: what the listing says of this person, and nobody else."""
    found = grants(Service(), "u1")
    assert {cast("Grant", one.evidence).application.id for one in found} == {"app1", "app2"}
    (raw,) = {one.raw for one in found}
    assert [json.loads(line) for line in raw.splitlines()] == GRANTS[:2]
    (other,) = grants(Service(), "u2")
    assert json.loads(other.raw) == GRANTS[2]


def test_an_unchanged_account_is_the_same_raw_evidence_again() -> None:
    """Neither the order of the listing nor what happens to an application or to others makes a new blob."""
    before = {one.raw for one in grants(Service(), "u1")}
    renamed = [{**one, "displayName": "Another name"} for one in PRINCIPALS]
    changed = Service(**{"oauth2PermissionGrants/delta": GRANTS[1::-1], "servicePrincipals": renamed})
    assert {one.raw for one in grants(changed, "u1")} == before


def test_a_sweep_under_way_keeps_what_it_has() -> None:
    """A grant that is withdrawn while an older sweep still reads accounts is there for that one, and gone for the next."""
    service, memory = Service(), dict[str, Any]()
    older = opened(service, memory).delegations.get()
    service.listings["oauth2PermissionGrants/delta"] = [{"id": "g1", "@removed": {"reason": "deleted"}}]
    newer = opened(service, memory).delegations.get()
    assert set(older.raw) == {"g1", "g2", "g3"}
    assert set(newer.raw) == {"g2", "g3"}


def test_what_is_known_of_an_application_is_kept_once_for_all() -> None:
    """The answer about an application that people let in is evidence of the tenant, each its own."""
    found = observed(everybody.applications(opened(Service()), asked("applications"), None))
    assert [cast("Setting", one.evidence).value for one in found] == ["app1", "app2"]
    assert [json.loads(one.raw) for one in found] == PRINCIPALS


def test_owners_are_asked_for_once_a_day_and_where_one_was_added() -> None:
    """A sweep repeats no look-up of owners, but for applications whose log has a new owner; a day later it does."""
    service, memory = Service(), dict[str, Any]()
    opened(service, memory).owners.get()
    assert service.owners_asked() == {"sp1", "sp2"}
    opened(service, memory).owners.get()
    assert service.owners_asked() == set()
    service.listings["auditLogs/directoryAudits"] = [audit(1, "Add owner to service principal")]
    service.listings["servicePrincipals/sp1/owners"] = [USERS[1]]
    (owner,) = opened(service, memory).owners.get()["sp1"]
    assert (owner.name, owner.added is not None) == ("u2@example.org", True)
    assert service.owners_asked() == {"sp1"}
    opened(service, memory, now=NOW + timedelta(hours=1)).owners.get()
    assert service.owners_asked() == set()
    opened(service, memory, now=NOW + timedelta(hours=24, minutes=30)).owners.get()
    assert service.owners_asked() == {"sp1", "sp2"}


def test_a_new_application_is_asked_for_its_owners() -> None:
    """What somebody let in since the last sweep is looked up at once, and nothing else."""
    service, memory = Service(), dict[str, Any]()
    opened(service, memory).owners.get()
    service.owners_asked()
    service.listings["servicePrincipals"] = [*PRINCIPALS, {"id": "sp3", "appId": "app3"}]
    service.listings["oauth2PermissionGrants/delta"] = [*GRANTS, {**GRANTS[0], "id": "g4", "clientId": "sp3"}]
    opened(service, memory).owners.get()
    assert service.owners_asked() == {"sp3"}


def test_more_audits_than_memory_is_meant_for_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log beyond the bound is read up to it, and what lies beyond is told."""
    for module in (tenant, everybody):
        monkeypatch.setattr(module, "MAX_AUDITS", 3)
    log = [audit(number, "Consent to application") for number in range(5)]
    found = audits(Service(**{"auditLogs/directoryAudits": log}))
    assert sum(isinstance(one, Observed) and isinstance(one.evidence, Change) for one in found) == 3
    (gap,) = [one for one in found if isinstance(one, Gap)]
    assert "more than 3" in gap.message
    assert gap.hint
    within = audits(Service(**{"auditLogs/directoryAudits": log[:3]}))
    assert not [one for one in within if isinstance(one, Gap)]


def audits(service: Service) -> list[Item]:
    return list(everybody.directory_audits(opened(service), asked("directory_audits")))
