"""Settings of one Gmail account: forwarding, filters, other senders, delegates, and access by IMAP and POP."""

from collections.abc import Iterator

from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.gmail_filters import Filter, flow_of
from postwarden.formats.json_text import JsonError
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Delegation, MailFlow, Right
from postwarden.model.mailflow import Effect, Path
from postwarden.model.reading import Item, Observed

#: A delegate reads, sends and deletes; Google's help page on delegation.
_RIGHTS: tuple[Right, ...] = ("read", "write", "delete_message", "send_on_behalf")
_NO_RIGHTS = frozenset({"rejected", "expired"})
#: What happens to the owner's copy of what is forwarded.
_DISPOSITIONS: dict[str, tuple[Effect, ...]] = {
    "leaveInInbox": (),
    "archive": (Effect(what="move", target="\\All"),),
    "trash": (Effect(what="delete"),),
    "markRead": (Effect(what="mark_read"),),
}


class _Forwarding(Struct, frozen=True, kw_only=True, rename="camel"):
    enabled: bool | None = None
    email_address: str | None = None
    disposition: str | None = None


class _Address(Struct, frozen=True, kw_only=True, rename="camel"):
    forwarding_email: str
    verification_status: str | None = None


class _Server(Struct, frozen=True, kw_only=True):
    host: str | None = None


class _Sender(Struct, frozen=True, kw_only=True, rename="camel"):
    send_as_email: str
    is_primary: bool | None = None
    reply_to_address: str | None = None
    verification_status: str | None = None
    smtp_msa: _Server | None = None


class _Delegate(Struct, frozen=True, kw_only=True, rename="camel"):
    delegate_email: str
    verification_status: str | None = None


class _Imap(Struct, frozen=True, kw_only=True):
    enabled: bool | None = None


class _Pop(Struct, frozen=True, kw_only=True, rename="camel"):
    access_window: str | None = None


class _Listing(Struct, frozen=True, kw_only=True, rename="camel"):
    filter: tuple[Raw, ...] = ()
    forwarding_addresses: tuple[Raw, ...] = ()
    send_as: tuple[Raw, ...] = ()
    delegates: tuple[Raw, ...] = ()


def decode_forwarding(raw: bytes, asked: Asked) -> Iterator[Item]:
    """The automatic forwarding as a MailFlow, where one is set up; raises JsonError."""
    told = json_text.parse(raw, _Forwarding)
    if not told.enabled and not told.email_address:
        return
    disposition = told.disposition or ""
    after = _DISPOSITIONS.get(disposition)
    if after is None and told.enabled:
        yield asked.gap(
            "unsupported",
            f"what happens to forwarded mail is not known ({disposition[:60] or 'nothing is said'})",
            part="automatic forwarding",
            hint="look at the account's forwarding settings",
        )
    keeps = None if after is None else disposition != "trash"
    target = encodable(told.email_address or "")
    path = Path(effects=(Effect(what="redirect", target=target or None), *(after or ())), keeps_copy=keeps)
    flow = MailFlow(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        origin="gmail_forwarding",
        key="auto",
        name="automatic forwarding",
        enabled=bool(told.enabled),
        paths=(path,),
    )
    yield Observed(evidence=flow, raw=raw)


def decode_forwarding_addresses(raw: bytes, asked: Asked) -> Iterator[Item]:
    """Addresses that mail may be forwarded to, used or not; raises JsonError."""
    for item in json_text.parse(raw, _Listing).forwarding_addresses:
        told = json_text.item(item, _Address)
        value = f"{told.forwarding_email} {told.verification_status or ''}".strip()
        yield asked.setting("forwarding_address", value, bytes(item))


def decode_filters(raw: bytes, asked: Asked) -> Iterator[Item]:
    """One MailFlow for each filter, and gaps for filters that cannot be read; raises JsonError."""
    for number, item in enumerate(json_text.parse(raw, _Listing).filter, 1):
        try:
            yield from flow_of(json_text.item(item, Filter), bytes(item), number, asked)
        except JsonError as error:
            yield asked.failed(error, part=f"filter {number}")


def decode_send_as(raw: bytes, asked: Asked) -> Iterator[Item]:
    """Other addresses that the account sends as, and where answers go; raises JsonError."""
    for item in json_text.parse(raw, _Listing).send_as:
        told = json_text.item(item, _Sender)
        parts = [told.send_as_email]
        if told.verification_status and not told.is_primary:
            parts.append(told.verification_status)
        if told.reply_to_address:
            parts.append(f"answers to {told.reply_to_address}")
        if told.smtp_msa is not None and told.smtp_msa.host:
            parts.append(f"through {told.smtp_msa.host}")
        if not told.is_primary or told.reply_to_address:
            yield asked.setting("send_as", ", ".join(parts), bytes(item))


def decode_delegates(raw: bytes, asked: Asked) -> Iterator[Item]:
    """A Delegation for each delegate; one who refused, or was too late, has no rights. Raises JsonError."""
    for item in json_text.parse(raw, _Listing).delegates:
        told = json_text.item(item, _Delegate)
        found = Delegation(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            via="gmail_delegate",
            folder="",
            grantee=encodable(told.delegate_email).lower(),
            grantee_kind="user",
            rights=() if told.verification_status in _NO_RIGHTS else _RIGHTS,
            level=encodable(told.verification_status) if told.verification_status else None,
        )
        yield Observed(evidence=found, raw=bytes(item))


def decode_imap(raw: bytes, asked: Asked) -> Iterator[Item]:
    """Whether IMAP is on; raises JsonError."""
    told = json_text.parse(raw, _Imap)
    # Google leaves out what is false.
    yield asked.setting("imap", "on" if told.enabled else "off", raw)


def decode_pop(raw: bytes, asked: Asked) -> Iterator[Item]:
    """Whether POP is on, and for which mail; raises JsonError."""
    told = json_text.parse(raw, _Pop)
    words = {"disabled": "off", "fromNowOn": "on for new mail", "allMail": "on for all mail"}
    window = told.access_window or "accessWindowUnspecified"
    yield asked.setting("pop", words.get(window, window), raw)
