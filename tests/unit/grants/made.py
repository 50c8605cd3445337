"""Grants for tests: a foreign application without a checked publisher, unless told otherwise."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from postwarden.grants.assessment import Assessment, Factor
from postwarden.grants.risk import FirstSeenTimes, assess
from postwarden.grants.tables import GrantTables
from postwarden.model.application import Application, Credential, Dated, DateOrigin
from postwarden.model.evidence import Grant
from postwarden.model.scope import account_scope, source_scope
from tests.unit.grants.tables import TABLES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT, SOURCE = account_scope("graph:alice"), source_scope("graph")
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
FOREIGN = "0a3c6f3e-51a5-4a54-8a4b-3f1b1d1a9c11"


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


def dated(days: int, origin: DateOrigin = "audit_log") -> Dated:
    return Dated(time=ago(days), origin=origin)


def application(**fields: Any) -> Application:
    given: Mapping[str, Any] = {
        "id": "2f6f0c4b-8a8b-4d0c-9a67-0c6f8a7b5e10",
        "name": "Planner for teams of five",
        "publisher_verified": False,
        "home_tenant": FOREIGN,
        "own": False,
        **fields,
    }
    return Application(**given)


def grant(*scopes: str, **fields: Any) -> Grant:
    """A delegated grant of an account on Microsoft Graph; fields of Grant and of Application, `days` since consent."""
    about = {name: fields.pop(name) for name in list(fields) if name in Application.__struct_fields__}
    if "days" in fields:
        fields["granted"] = dated(fields.pop("days"))
    given: Mapping[str, Any] = {
        "scope": ACCOUNT, "source": "graph", "check": "grants", "observed": NOW, "provider": "graph",
        "grant_type": "delegated", "application": application(**about), "resource": "Microsoft Graph", "scopes": scopes,
        **fields,
    }  # fmt: skip
    return Grant(**given)


def everybody(*scopes: str, **fields: Any) -> Grant:
    """A grant about everybody, which is judged with its source."""
    return grant(*scopes, **{"scope": SOURCE, "reaches": "everybody", "check": "tenant_grants", **fields})


def key(days: int, left: int | None = None, **fields: Any) -> Credential:
    """A secret that was added `days` ago and is good for `left` more days."""
    given: Mapping[str, Any] = {
        "type": "secret",
        "id": f"k{days}",
        "starts": ago(days),
        "ends": ago(-left) if left is not None else None,
        **fields,
    }
    return Credential(**given)


def judged(
    *grants: Grant,
    tables: GrantTables = TABLES,
    names: frozenset[str] = frozenset(),
    first_seen: FirstSeenTimes | None = None,
) -> Assessment:
    return assess(grants, tables, names, first_seen or {})


def factor(assessment: Assessment, name: str) -> Factor | None:
    return next((one for one in assessment.factors if one.name == name), None)
