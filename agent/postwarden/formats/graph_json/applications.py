"""Service principals, registrations and owners: what a tenant knows of an application."""

from datetime import datetime

import msgspec
from msgspec import Struct

from postwarden.formats import json_text
from postwarden.model.application import Application, Credential, Dated, Owner
from postwarden.model.encoding import encodable
from postwarden.model.moment import parse

#: What is asked of each service principal, and of each of the tenant's own registrations.
FIELDS = (
    "id,appId,displayName,appOwnerOrganizationId,verifiedPublisher,replyUrls,accountEnabled,"
    "disabledByMicrosoftStatus,servicePrincipalType,keyCredentials,passwordCredentials"
)
REGISTRATION_FIELDS = (
    "id,appId,displayName,createdDateTime,verifiedPublisher,keyCredentials,passwordCredentials"
)
OWNER_FIELDS = "id,displayName,userPrincipalName"

GRAPH, EXCHANGE, OUTLOOK = (
    "00000003-0000-0000-c000-000000000000",
    "00000002-0000-0ff1-ce00-000000000000",
    # The REST interface of Outlook before Graph; tenants may still have roles on it.
    "bf24470f-10c1-436d-8d53-7b997eb473be",
)
#: Resources that hold mail, by application id: a tenant may call its own API by any name, but not by these ids.
RESOURCES = {GRAPH: "Microsoft Graph", EXCHANGE: "Office 365 Exchange Online", OUTLOOK: "Outlook REST API"}


class _Publisher(Struct, frozen=True, kw_only=True, rename="camel"):
    display_name: str | None = None
    verified_publisher_id: str | None = None


class _Key(Struct, frozen=True, kw_only=True, rename="camel"):
    key_id: str | None = None
    display_name: str | None = None
    start_date_time: str | None = None
    end_date_time: str | None = None
    custom_key_identifier: str | None = None
    usage: str | None = None


class ServicePrincipal(Struct, frozen=True, kw_only=True, rename="camel"):
    """An application as it may be used in this tenant; `id` is its object's, which grants name."""

    id: str
    app_id: str
    display_name: str | None = None
    app_owner_organization_id: str | None = None
    verified_publisher: _Publisher | None = None
    reply_urls: tuple[str, ...] | None = None
    account_enabled: bool | None = None
    disabled_by_microsoft_status: str | None = None
    service_principal_type: str | None = None
    key_credentials: tuple[_Key, ...] | None = None
    password_credentials: tuple[_Key, ...] | None = None

    @property
    def has_credentials(self) -> bool:
        return bool(self.key_credentials or self.password_credentials)


class Registration(Struct, frozen=True, kw_only=True, rename="camel"):
    """An application that the tenant itself has registered."""

    id: str
    app_id: str
    created_date_time: str | None = None
    key_credentials: tuple[_Key, ...] | None = None
    password_credentials: tuple[_Key, ...] | None = None


class _Role(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    value: str | None = None


class _Resource(Struct, frozen=True, kw_only=True, rename="camel"):
    app_roles: tuple[_Role, ...] | None = None


class _Owner(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    display_name: str | None = None
    user_principal_name: str | None = None


def read_service_principal(raw: bytes) -> ServicePrincipal:
    """Raises JsonError."""
    return json_text.item(raw, ServicePrincipal)


def read_registration(raw: bytes) -> Registration:
    """Raises JsonError."""
    return json_text.item(raw, Registration)


def read_roles(raw: bytes) -> dict[str, str]:
    """The names of a resource's roles by their ids, of those that are named; raises JsonError.

    A role without a name is told by its id, which no table of permissions knows: it counts as unknown.
    """
    found = json_text.parse(raw, _Resource).app_roles or ()
    return {role.id: encodable(role.value) for role in found if role.value}


def read_owner(raw: bytes) -> tuple[str, Owner]:
    """The owner's id, and the owner; raises JsonError."""
    owner = json_text.item(raw, _Owner)
    return owner.id, Owner(name=encodable(owner.user_principal_name or owner.display_name or owner.id))


def application(
    principal: ServicePrincipal,
    registration: Registration | None,
    owners: tuple[Owner, ...],
    *,
    tenant: str | None,
    created: Dated | None,
) -> Application:
    """The application with all that is told of it; `created` is when it came, where a log says so.

    `tenant` is the id of the tenant that is read.
    """
    publisher = principal.verified_publisher
    home = principal.app_owner_organization_id
    keys = {one.id: one for one in (*credentials(principal), *credentials(registration))}
    if registration is not None and registration.created_date_time:
        moment = time(registration.created_date_time)
        created = Dated(time=moment, origin="api") if moment else created
    status = principal.disabled_by_microsoft_status
    return Application(
        id=encodable(principal.app_id),
        name=encodable(principal.display_name or ""),
        publisher=encodable((publisher.display_name if publisher else None) or ""),
        publisher_verified=bool(publisher and publisher.verified_publisher_id),
        home_tenant=encodable(home) if home else None,
        own=home.casefold() == tenant.casefold() if home and tenant else None,
        reply_urls=tuple(encodable(one) for one in principal.reply_urls or ()),
        credentials=tuple(sorted(keys.values(), key=lambda one: (one.type, one.id))),
        owners=tuple(sorted(owners, key=lambda one: one.name)),
        created=created,
        enabled=principal.account_enabled,
        disabled_by_provider=encodable(status) if status and status != "NotDisabled" else None,
    )


def credentials(of: ServicePrincipal | Registration | None) -> tuple[Credential, ...]:
    """Keys and secrets; those that sign what is told to a SAML application let nobody log in (`other`)."""
    if of is None:
        return ()
    keys, secrets = of.key_credentials or (), of.password_credentials or ()
    signing = {one.custom_key_identifier for one in keys if one.usage == "Sign"} - {None}
    found = []
    for one in keys:
        kind = "other" if one.usage == "Sign" else "certificate"
        found.append(_credential(one, kind))
    for one in secrets:
        kind = "other" if one.custom_key_identifier in signing else "secret"
        found.append(_credential(one, kind))
    return tuple(found)


def _credential(key: _Key, kind: str) -> Credential:
    identifier = key.key_id or key.custom_key_identifier or f"{key.display_name} {key.start_date_time}"
    return msgspec.convert(
        {
            "type": kind,
            "id": encodable(identifier),
            "name": encodable(key.display_name or ""),
            "starts": time(key.start_date_time),
            "ends": time(key.end_date_time),
        },
        Credential,
    )


def time(text: str | None) -> datetime | None:
    """A time as Graph writes it; None where there is none, or nobody could read it."""
    try:
        return parse(text) if text else None
    except ValueError:
        return None
