"""Grants in the examples beside the rules: what a provider tells of an application, with times as days ago."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from postwarden.grants.risk import FirstSeenTimes
from postwarden.grants.tables import GrantTables
from postwarden.model.application import Application, Credential, Dated, DateOrigin, FirstSeen, Owner
from postwarden.model.evidence import Grant, GrantType
from postwarden.model.scope import Scope, source_scope

#: Types that are about everybody.
_EVERYBODY = frozenset({"application", "domain_wide", "client", "registered"})
_RESOURCES = {"graph": "Microsoft Graph", "google": "", "keycloak": "example", "exchange": "mailbox"}
_MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
_FOREIGN = "0a3c6f3e-51a5-4a54-8a4b-3f1b1d1a9c11"


class KeyExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that was added `days` ago and is good for `left` more days."""

    type: Literal["secret", "certificate", "other"] = "secret"
    id: str = "k1"
    name: str = ""
    days: int | None = None
    left: int | None = None


class OwnerExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    days: int | None = None


class GrantExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grant, of a foreign application with a name that says nothing unless it is told otherwise.

    `days` since it was granted, `created` since the application is there, `seen` since we saw it first (with
    `first_look`, when we first looked), `used` since it was last used. `scopes` stand in one text.
    """

    provider: Literal["graph", "google", "keycloak", "exchange"] = "graph"
    type: GrantType = "delegated"
    id: str = "2f6f0c4b-8a8b-4d0c-9a67-0c6f8a7b5e10"
    name: str = "Planner for teams of five"
    home: Literal["foreign", "own", "microsoft", "unknown"] = "foreign"
    publisher: str = ""
    verified: bool | None = None
    reply_urls: tuple[str, ...] = ()
    keys: tuple[KeyExample, ...] = ()
    owners: tuple[OwnerExample, ...] = ()
    enabled: bool | None = None
    disabled_by_provider: str | None = None
    scopes: str = ""
    resource: str | None = None
    everybody: bool = False
    consent: Literal["user", "administrator", "none"] | None = None
    days: int | None = None
    origin: DateOrigin = "audit_log"
    created: int | None = None
    seen: int | None = None
    first_look: bool = False
    used: int | None = None
    holders: int | None = None
    population: int | None = None
    account_enabled: bool | None = None
    listed: Literal["allow", "block"] | None = None
    people: tuple[str, ...] = ()


def grant_of(example: GrantExample, scope: Scope, source: str, now: datetime) -> Grant:
    """The evidence; `scope` is the account's, which a grant about everybody does not have."""
    everybody = example.everybody or example.type in _EVERYBODY
    return Grant(
        scope=source_scope(source) if everybody else scope,
        source=source,
        check="tenant_grants" if everybody else "grants",
        observed=now,
        provider=example.provider,
        grant_type=example.type,
        application=_application(example, now),
        resource=example.resource if example.resource is not None else _RESOURCES[example.provider],
        scopes=(example.scopes,) if example.scopes else (),
        reaches="everybody" if everybody else "account",
        consent=example.consent,
        granted=_dated(example.days, example.origin, now),
        last_used=_dated(example.used, "api", now),
        holders=example.holders,
        population=example.population,
        account_enabled=example.account_enabled,
    )


def first_seen_of(example: GrantExample, grant: Grant, now: datetime) -> FirstSeenTimes:
    """When the example says that it was first seen."""
    if example.seen is None:
        return {}
    return {grant.key: FirstSeen(time=now - timedelta(days=example.seen), initial=example.first_look)}


def tables_of(example: GrantExample, tables: GrantTables) -> GrantTables:
    """The shipped tables, with what the example's administrator lists."""
    listed = frozenset({example.id.casefold()})
    return GrantTables(
        weights=tables.weights,
        catalogue=tables.catalogue,
        allow=listed if example.listed == "allow" else frozenset(),
        block=listed if example.listed == "block" else frozenset(),
    )


def _application(example: GrantExample, now: datetime) -> Application:
    tenants = {"foreign": _FOREIGN, "microsoft": _MICROSOFT, "own": None, "unknown": None}
    of_graph = example.provider == "graph"
    return Application(
        id=example.id,
        name=example.name,
        publisher=example.publisher,
        publisher_verified=example.verified,
        home_tenant=tenants[example.home] if of_graph else None,
        own=example.home == "own" if of_graph and example.home != "unknown" else None,
        reply_urls=example.reply_urls,
        credentials=tuple(_key(one, now) for one in example.keys),
        owners=tuple(
            Owner(name=one.name, added=_dated(one.days, "audit_log", now)) for one in example.owners
        ),
        created=_dated(example.created, "api", now),
        enabled=example.enabled,
        disabled_by_provider=example.disabled_by_provider,
    )


def _key(example: KeyExample, now: datetime) -> Credential:
    return Credential(
        type=example.type,
        id=example.id,
        name=example.name,
        starts=now - timedelta(days=example.days) if example.days is not None else None,
        ends=now + timedelta(days=example.left) if example.left is not None else None,
    )


def _dated(days: int | None, origin: DateOrigin, now: datetime) -> Dated | None:
    return Dated(time=now - timedelta(days=days), origin=origin) if days is not None else None
