"""What a Microsoft 365 tenant holds, as the lab keeps it: one small value an object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: App roles and their ids as Microsoft publishes them ("Microsoft Graph permissions reference", and for the
#: second resource the manifest of Office 365 Exchange Online).
GRAPH_ROLES: Mapping[str, str] = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Calendars.Read": "798ee544-9d2d-430c-a058-570e29e34338",
    "Calendars.ReadWrite": "ef54d2bf-783f-4e0f-bca1-3210c0444d99",
    "Contacts.ReadWrite": "6918b873-d17a-4dc1-b314-35f528134491",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadBasic.All": "693c5e45-0940-467d-9b8a-1022fb9d42ef",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "MailboxSettings.Read": "40f97065-369a-49f4-947c-6a255697ae91",
    "MailboxSettings.ReadWrite": "6931bccd-447a-43d1-b442-00a195474933",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "Place.Read.All": "913b9306-0ce1-42b8-9137-6a7df690a760",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}
EXCHANGE_ROLES: Mapping[str, str] = {
    "Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440",
    "full_access_as_app": "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
}
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
EXCHANGE_APP_ID = "00000002-0000-0ff1-ce00-000000000000"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody of the tenant; `has_mailbox` is False where no mailbox of Exchange Online belongs to the account."""

    id: str
    upn: str
    name: str
    addresses: tuple[str, ...]
    enabled: bool = True
    has_mailbox: bool = True


@dataclass(frozen=True, slots=True)
class Key:
    """A credential of an application: a secret, or a certificate."""

    id: str
    type: str
    name: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """An application in this tenant; `roles` and `scopes` are what it offers as a resource: (id, value)."""

    id: str
    app_id: str
    name: str
    publisher: str
    verified: bool
    home: str
    created: datetime
    enabled: bool = True
    disabled_by: str = ""
    reply_urls: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    owners: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Registration:
    """An application that is registered in this tenant, which is where its credentials usually are."""

    id: str
    app_id: str
    name: str
    created: datetime
    reply_urls: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """A delegated grant; `client` and `resource` are service principals, `principal` a user or None for all."""

    id: str
    client: str
    resource: str
    scope: str
    principal: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """An app role of `resource` that the service principal `principal` holds."""

    id: str
    principal: str
    resource: str
    role: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Audit:
    """A record of the directory's audit log; `user` made the change, or the application `app` did."""

    id: str
    time: datetime
    activity: str
    operation: str
    targets: tuple[Mapping[str, Any], ...]
    user: User | None = None
    app: ServicePrincipal | None = None


@dataclass(frozen=True, slots=True)
class SignIn:
    """An interactive sign-in, let in where `error` is 0. `application` is an id and a name; `used` the kind of client."""

    id: str
    time: datetime
    user: User
    address: str
    country: str
    application: tuple[str, str]
    used: str
    agent: str
    error: int = 0


@dataclass
class Mailbox:
    """What a mailbox does by itself: rules in Graph's form, hidden ones as cmdlets show them, forwarding, rights."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    hidden_rules: list[dict[str, Any]] = field(default_factory=list)
    automatic_reply: str = "disabled"
    purpose: str = "user"
    forwarding_smtp: str = ""
    deliver_and_forward: bool = False
    full_access: list[str] = field(default_factory=list)
    send_as: list[str] = field(default_factory=list)
