"""The least that each check needs of Graph, what is missing of it, and what is beyond it."""

import base64
import binascii
from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from postwarden.secrets import Secret

#: Who we are: *watch* reads no mail and is for the daemon, *incident* is enabled for one case.
Identity = Literal["watch", "incident"]


class Need(Struct, frozen=True, kw_only=True):
    """An application permission that checks need; `instead` are larger ones that do as well."""

    permission: str
    checks: tuple[str, ...]
    instead: tuple[str, ...] = ()
    resource: Literal["Microsoft Graph", "Office 365 Exchange Online"] = "Microsoft Graph"


_DIRECTORY = ("Directory.Read.All", "Directory.ReadWrite.All")

#: The table of least rights; the README's is this one.
NEEDS = (
    Need(
        permission="User.Read.All",
        checks=("grants", "inbox_rules", "mailbox_settings"),
        instead=("User.ReadWrite.All", *_DIRECTORY),
    ),
    Need(
        permission="Directory.Read.All",
        checks=("grants", "tenant_grants"),
        instead=("Directory.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"),
    ),
    Need(
        permission="Application.Read.All",
        checks=("grants", "tenant_grants", "applications"),
        instead=("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy", *_DIRECTORY),
    ),
    Need(
        permission="MailboxSettings.Read",
        checks=("inbox_rules", "mailbox_settings"),
        instead=("MailboxSettings.ReadWrite",),
    ),
    Need(permission="AuditLog.Read.All", checks=("directory_audits", "sign_ins")),
)
CMDLET_NEEDS = (
    Need(
        permission="Exchange.ManageAsApp",
        checks=("hidden_rules", "mailbox_forwarding", "mailbox_permissions", "exchange_roles"),
        resource="Office 365 Exchange Online",
    ),
)
#: What the identity for a case needs beside it: which messages there are, without what is in them.
INCIDENT_NEEDS = (Need(permission="Mail.ReadBasic.All", checks=("exposure",)),)

_MAIL = ("mail.", "imap.", "pop.", "smtp.", "ews.", "full_access_as_app", "mailboxfolder", "mailboxitem")


class Claims(Struct, frozen=True, kw_only=True):
    """What a token says of itself: the tenant's id and our roles."""

    tid: str = ""
    roles: tuple[str, ...] = ()


def claims(token: Secret) -> Claims | None:
    """What the token says, unverified: it is told to us by the one who gave it. None where it does not tell."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return None
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(raw, type=Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None


def missing(held: frozenset[str], needs: Iterable[Need]) -> tuple[Need, ...]:
    """The needs that nothing of what is held meets."""
    return tuple(need for need in needs if held.isdisjoint({need.permission, *need.instead}))


def beyond(held: frozenset[str], needs: Iterable[Need]) -> tuple[tuple[str, str], ...]:
    """Each permission that is held and not needed, with what it is too much for."""
    needed = {need.permission for need in needs}
    return tuple((one, _excess(one)) for one in sorted(held - needed))


def _excess(permission: str) -> str:
    name = permission.casefold()
    if ("mail" in name and "settings" not in name) or name.startswith(_MAIL):
        return "it reaches mail, which no check of this identity needs"
    if (
        "readwrite" in name
        or ".manage" in name
        or ".send" in name
        or "fullcontrol" in name
        or ".accessasuser" in name
    ):
        return "it can change what an audit only reads; only our own list of requests holds it back"
    return "no check needs it"
