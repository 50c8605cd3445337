"""Answers of Keycloak's admin interface, as JSON: people, clients, consents and offline sessions.

Grade: from Keycloak's documentation of its representations only; no realm was reached.
"""

from datetime import UTC, datetime

import msgspec
from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.model.application import Application, Dated
from postwarden.model.encoding import encodable

#: What a client's entry has that lets one log in: it is nowhere kept.
_SECRETS = frozenset({"secret", "registrationAccessToken", "attributes"})


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """A user of a realm, by id, login and address; `enabled` is whether they may log in."""

    id: str
    login: str
    address: str
    name: str
    enabled: bool


class Client(Struct, frozen=True, kw_only=True):
    """A client: who it is, what it may ask for, and whether anybody is asked (`consent_required`)."""

    id: str
    application: Application
    scopes: tuple[str, ...]
    consent_required: bool
    can_ask: bool
    raw: bytes


class Consent(Struct, frozen=True, kw_only=True):
    """What a user allowed a client, by its client id."""

    client: str
    scopes: tuple[str, ...]
    granted: Dated | None
    raw: bytes


class OfflineSession(Struct, frozen=True, kw_only=True):
    """A token that outlives the log-in: whose, since when, and when it was last used."""

    id: str
    person: str
    login: str
    began: Dated | None
    used: Dated | None
    raw: bytes


class _User(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    username: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    enabled: bool | None = None


class _Client(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    client_id: str
    name: str | None = None
    enabled: bool | None = None
    consent_required: bool | None = None
    bearer_only: bool | None = None
    standard_flow_enabled: bool | None = None
    implicit_flow_enabled: bool | None = None
    direct_access_grants_enabled: bool | None = None
    service_accounts_enabled: bool | None = None
    redirect_uris: tuple[str, ...] | None = None
    default_client_scopes: tuple[str, ...] | None = None
    optional_client_scopes: tuple[str, ...] | None = None


class _Consent(Struct, frozen=True, kw_only=True, rename="camel"):
    client_id: str
    granted_client_scopes: tuple[str, ...] | None = None
    created_date: int | None = None
    last_updated_date: int | None = None


class _Session(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    username: str | None = None
    user_id: str | None = None
    start: int | None = None
    last_access: int | None = None


def read_entries(raw: bytes) -> tuple[bytes, ...]:
    """The entries of a listing as they stand; raises JsonError."""
    return tuple(map(bytes, json_text.parse(raw, tuple[Raw, ...])))


class _Entry(Struct, frozen=True, kw_only=True):
    id: str


def read_id(raw: bytes) -> str:
    """What tells an entry from the others; raises JsonError."""
    return json_text.item(raw, _Entry).id


def read_person(raw: bytes) -> Person:
    """Raises JsonError."""
    user = json_text.item(raw, _User)
    return Person(
        id=encodable(user.id),
        login=encodable(user.username),
        address=encodable(user.email or "").lower(),
        name=encodable(" ".join(one for one in (user.first_name, user.last_name) if one)),
        enabled=user.enabled is not False,
    )


def read_client(raw: bytes) -> Client:
    """Raises JsonError. The secret that the entry may have is not kept, not even in what was read."""
    client = json_text.item(raw, _Client)
    told = json_text.item(raw, dict[str, Raw])
    asks = (
        client.standard_flow_enabled,
        client.implicit_flow_enabled,
        client.direct_access_grants_enabled,
        client.service_accounts_enabled,
    )
    scopes = (*(client.default_client_scopes or ()), *(client.optional_client_scopes or ()))
    return Client(
        id=encodable(client.id),
        application=Application(
            id=encodable(client.client_id),
            name=encodable(client.name or client.client_id),
            reply_urls=tuple(encodable(one) for one in client.redirect_uris or ()),
            enabled=client.enabled,
        ),
        scopes=tuple(dict.fromkeys(encodable(one) for one in scopes)),
        consent_required=client.consent_required is True,
        # What the entry does not say counts as possible.
        can_ask=client.bearer_only is not True and any(one is not False for one in asks),
        raw=msgspec.json.encode({name: value for name, value in told.items() if name not in _SECRETS}),
    )


def read_consent(raw: bytes) -> Consent:
    """Raises JsonError."""
    consent = json_text.item(raw, _Consent)
    return Consent(
        client=encodable(consent.client_id),
        scopes=tuple(encodable(one) for one in consent.granted_client_scopes or ()),
        # What was added last is what is new about it.
        granted=_dated(consent.last_updated_date or consent.created_date),
        raw=raw,
    )


def read_session(raw: bytes) -> OfflineSession:
    """Raises JsonError. When it was last used is evidence, and no part of what is kept as a state."""
    session = json_text.item(raw, _Session)
    told = json_text.item(raw, dict[str, Raw])
    return OfflineSession(
        id=encodable(session.id),
        person=encodable(session.user_id or ""),
        login=encodable(session.username or "").casefold(),
        began=_dated(session.start),
        used=_dated(session.last_access),
        raw=msgspec.json.encode({name: value for name, value in told.items() if name != "lastAccess"}),
    )


def _dated(milliseconds: int | None) -> Dated | None:
    try:
        moment = datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Dated(time=moment, origin="api") if milliseconds else None
