"""Forwarding of a mailbox itself, and who else may open it or send as it."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets.answer import recipient, texts
from postwarden.formats.json_text import JsonError
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Delegation, GranteeKind, MailFlow, Right
from postwarden.model.mailflow import Effect, Path
from postwarden.model.reading import Item, Observed

_SELF = "nt authority\\self"
_SID = re.compile(r"S-1-5-[0-9-]+")
_RIGHTS: dict[str, tuple[Right, ...]] = {
    "fullaccess": ("read", "write", "insert", "create_folder", "delete_folder", "delete_message", "expunge"),
    "readpermission": ("lookup",),
    "changepermission": ("administer",),
    "changeowner": ("administer",),
    "sendas": ("send_as",),
}


class _Mailbox(Struct, frozen=True, kw_only=True, rename="pascal"):
    forwarding_address: str | None
    forwarding_smtp_address: str | None
    deliver_to_mailbox_and_forward: bool | None = None
    audit_enabled: bool | None = None


class _Permission(Struct, frozen=True, kw_only=True, rename="pascal"):
    user: str | None = None
    trustee: str | None = None
    access_rights: str | list[str] | None = None
    access_control_type: str | None = None
    deny: bool | None = None
    is_inherited: bool | None = None


def read_mailbox(items: Iterable[bytes], asked: Asked) -> Iterator[Item]:
    """The forwarding of the mailbox, as MailFlows; raises JsonError, also where it is not told whether there is any."""
    found = list(items)
    if len(found) != 1:
        raise JsonError(f"Exchange's cmdlet told of {len(found)} mailboxes instead of one")
    for raw in found:
        told = json_text.item(raw, _Mailbox)
        # Exchange is documented to take the first of the two where both are set; both are told.
        for name, target in (
            ("ForwardingAddress", told.forwarding_address),
            ("ForwardingSmtpAddress", told.forwarding_smtp_address),
        ):
            if target:
                address, resolved = recipient(encodable(target))
                effect = Effect(what="redirect", target=address, resolved=resolved)
                flow = MailFlow(
                    scope=asked.scope,
                    source=asked.source,
                    check=asked.check,
                    observed=asked.observed,
                    origin="mailbox_forwarding",
                    key=name,
                    name=name,
                    enabled=True,
                    paths=(Path(effects=(effect,), keeps_copy=told.deliver_to_mailbox_and_forward is True),),
                )
                yield Observed(evidence=flow, raw=raw)
        if told.audit_enabled is not None:
            yield asked.setting("mailbox_auditing", "on" if told.audit_enabled else "off")


def read_permissions(items: Iterable[bytes], asked: Asked) -> Iterator[Item]:
    """Rights of others on the mailbox (Get-MailboxPermission, Get-RecipientPermission); raises JsonError.

    What is inherited belongs to Exchange itself and to the organisation's administrators.
    """
    for raw in items:
        told = json_text.item(raw, _Permission)
        who = encodable(told.user or told.trustee or "")
        if not who or who.casefold() == _SELF or told.is_inherited:
            continue
        levels = texts(told.access_rights)
        rights = tuple(
            dict.fromkeys(
                right for level in levels for right in _RIGHTS.get(level.casefold().replace(" ", ""), ())
            )
        )
        unknown = [level for level in levels if level.casefold().replace(" ", "") not in _RIGHTS]
        if unknown:
            yield asked.gap("unsupported", f"{unknown[0]!r} is a right that is not known", part=who)
        kind: GranteeKind = "orphan" if _SID.search(who) else "user"
        found = Delegation(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            via="recipient_permission" if told.trustee is not None else "mailbox_permission",
            folder="",
            grantee=who,
            grantee_kind=kind,
            rights=rights,
            negative=told.deny is True or (told.access_control_type or "").casefold() == "deny",
            level=", ".join(levels),
        )
        yield Observed(evidence=found, raw=raw)
