"""Whom a rule sends to: the addresses in a recipient's properties ([MS-OXORULE] 2.2.5.1.2.4.1)."""

from collections.abc import Iterator, Sequence

from postwarden.formats.exchange_rule_blob.cursor import Cursor, RuleBlobError
from postwarden.formats.exchange_rule_blob.properties import Property, shown
from postwarden.model.mailflow import Effect, EffectKind

_DISPLAY_NAME = 0x3001
_ADDRESS_TYPE = 0x3002
_EMAIL_ADDRESS = 0x3003
_SMTP_ADDRESS = 0x39FE
_SEARCH_KEY = 0x300B
_ENTRY_ID = 0x0FFF
_RECORD_KEY = 0x0FF9

_ONE_OFF = bytes.fromhex("812b1fa4bea310199d6e00dd010f5402")
_ADDRESS_BOOK = bytes.fromhex("dca740c8c042101ab4b908002b2fe182")
_UNICODE = 0x8000


def recipient_effects(what: EffectKind, properties: Sequence[Property]) -> Iterator[Effect]:
    """An effect for each address that the properties name; usually they all name the same one.

    An SMTP address is a target. A directory name (`EX`, a legacy DN) is one that is not resolved: it may be
    a contact whose mail goes outside, so it is named even where an SMTP address stands beside it.
    """
    targets = {(address.casefold(), resolved): address for address, resolved in _targets(properties)}
    if not targets:
        names = [shown(one.value) for one in properties if one.id == _DISPLAY_NAME]
        yield Effect(what=what, target=names[0] if names else None, resolved=False)
    for (_, resolved), target in targets.items():
        yield Effect(what=what, target=target, resolved=resolved)


def _targets(properties: Sequence[Property]) -> Iterator[tuple[str, bool]]:
    """Addresses with whether they are resolved; search keys first, for they have all in capitals."""
    for one in properties:
        if one.id == _SEARCH_KEY and isinstance(one.value, bytes):
            kind, colon, address = shown(one.value).partition(":")
            if colon and address:
                yield _typed(kind, address)
    for one in properties:
        if one.id in {_ENTRY_ID, _RECORD_KEY} and isinstance(one.value, bytes):
            yield from _in_entry_id(one.value)
    texts = {one.id: one.value for one in properties if isinstance(one.value, str)}
    if email := texts.get(_EMAIL_ADDRESS):
        yield _typed(texts.get(_ADDRESS_TYPE, "SMTP" if "@" in email else "EX"), email)
    if smtp := texts.get(_SMTP_ADDRESS):
        yield smtp, True


def _typed(kind: str, address: str) -> tuple[str, bool]:
    match kind.upper():
        case "SMTP":
            return address, True
        case "EX":
            return address, False
        case _:
            return f"{kind}:{address}", False


def _in_entry_id(raw: bytes) -> Iterator[tuple[str, bool]]:
    """The address in a one-off or address book entry id ([MS-OXCDATA] 2.2.5); others name none."""
    cursor = Cursor(raw, "standard")
    try:
        cursor.take(4)
        provider = cursor.take(16)
        if provider == _ONE_OFF:
            cursor.u16()
            read = cursor.text16 if cursor.u16() & _UNICODE else cursor.text8
            read()
            kind = read()
            if address := read():
                yield _typed(kind, address)
        elif provider == _ADDRESS_BOOK:
            cursor.take(8)
            if name := cursor.text8():
                yield _typed("EX", name)
    except RuleBlobError:
        # A short entry id names nobody; the other properties of the recipient still do.
        return
