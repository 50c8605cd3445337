"""Stored rules as bytes: the writing side of [MS-OXORULE] section 2.2.5 and [MS-OXCDATA] section 2.12.

The extended form counts with 32 bits and begins with the named properties and a version; an Exchange keeps the
rules of an inbox so, in PidTagExtendedRuleMessageActions and -Condition, those of class IPM.Rule.Version2.Message
too. The standard form counts with 16 bits.
"""

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Form = Literal["standard", "extended"]
Scalar = bool | int | str | bytes | tuple[str, ...]

BOOLEAN, LONG, UNICODE, BINARY, TIME, UNICODES = 0x000B, 0x0003, 0x001F, 0x0102, 0x0040, 0x101F

#: Flavors of OP_FORWARD, section 2.2.5.1.1.
PRESERVE_SENDER, UNCHANGED, AS_ATTACHMENT, TEXT_MESSAGE = 1, 2, 4, 8

_ONE_OFF = bytes.fromhex("812b1fa4bea310199d6e00dd010f5402")
_ADDRESS_BOOK = bytes.fromhex("dca740c8c042101ab4b908002b2fe182")
_UNICODE_ONE_OFF = 0x9001
_VERSION = 1


@dataclass(frozen=True)
class Named:
    """A named property: the id that it has in these bytes, and its set and name."""

    id: int
    collection: uuid.UUID
    name: str


@dataclass(frozen=True)
class Tagged:
    """A property and its value; `kind` is the type in the tag."""

    id: int
    kind: int
    value: Scalar


# --- Conditions ---


@dataclass(frozen=True)
class Every:
    """RES_AND."""

    parts: "tuple[Restriction, ...]"


@dataclass(frozen=True)
class Some:
    """RES_OR."""

    parts: "tuple[Restriction, ...]"


@dataclass(frozen=True)
class Negation:
    """RES_NOT."""

    part: "Restriction"


@dataclass(frozen=True)
class Content:
    """RES_CONTENT: the property has the value, as a whole, inside, or at its beginning."""

    wanted: Tagged
    place: Literal["whole", "inside", "beginning"] = "inside"
    ignore_case: bool = True


@dataclass(frozen=True)
class Compared:
    """RES_PROPERTY; `relation` is 0 `<`, 1 `<=`, 2 `>`, 3 `>=`, 4 `==`, 5 `!=`."""

    relation: int
    wanted: Tagged


@dataclass(frozen=True)
class Bits:
    """RES_BITMASK: some of the bits are set."""

    id: int
    mask: int


@dataclass(frozen=True)
class Present:
    """RES_EXIST."""

    id: int
    kind: int


@dataclass(frozen=True)
class OfRecipients:
    """RES_SUBRESTRICTION: one of the message's recipients is so."""

    part: "Restriction"


Restriction = Every | Some | Negation | Content | Compared | Bits | Present | OfRecipients

# --- Actions ---


@dataclass(frozen=True)
class ToFolder:
    """OP_MOVE, or with `copy` OP_COPY, into the folder of this entry id in this store."""

    store: bytes
    folder: bytes
    copy: bool = False


@dataclass(frozen=True)
class Reply:
    """OP_REPLY, or OP_OOF_REPLY, with the template of this message id and GUID."""

    message: bytes
    template: uuid.UUID
    oof: bool = False


@dataclass(frozen=True)
class Deferred:
    """OP_DEFER_ACTION: what a client does; the data are its own."""

    data: bytes


@dataclass(frozen=True)
class Send:
    """OP_FORWARD, or OP_DELEGATE, to recipients that are each a sequence of properties."""

    recipients: tuple[tuple[Tagged, ...], ...]
    flavor: int = 0
    delegate: bool = False


@dataclass(frozen=True)
class Tag:
    """OP_TAG: sets a property of the message."""

    value: Tagged


@dataclass(frozen=True)
class Delete:
    """OP_DELETE: for good."""


@dataclass(frozen=True)
class MarkRead:
    """OP_MARK_AS_READ."""


Action = ToFolder | Reply | Deferred | Send | Tag | Delete | MarkRead


def encode_actions(actions: Sequence[Action], form: Form, names: Sequence[Named] = ()) -> bytes:
    """A rule's actions; ValueError where there are none, which no client or server stores.

    The standard form has neither names nor a version.
    """
    if not actions:
        raise ValueError("a rule without actions")
    write = _Writer(form)
    header = write.names(names) + struct.pack("<I", _VERSION) if form == "extended" else b""
    blocks = (write.action(action) for action in actions)
    return header + write.count(len(actions)) + b"".join(blocks)


def encode_condition(restriction: Restriction, form: Form, names: Sequence[Named] = ()) -> bytes:
    """A rule's condition; both forms begin with the named properties."""
    write = _Writer(form)
    return write.names(names) + write.restriction(restriction)


def recipient(name: str, address: str, routing: str) -> tuple[Tagged, ...]:
    """The properties that a client writes for a recipient: its name, address and entry id in several forms."""
    return (
        Tagged(0x0C15, LONG, 1),
        Tagged(0x0FFF, BINARY, _entry_id(name, address, routing)),
        Tagged(0x3001, UNICODE, name),
        Tagged(0x3002, UNICODE, routing),
        Tagged(0x3003, UNICODE, address),
        Tagged(0x300B, BINARY, search_key(address, routing)),
    )


def search_key(address: str, routing: str) -> bytes:
    """PidTagSearchKey of an address: routing type and address in capitals, ended by a zero."""
    return f"{routing}:{address}".upper().encode() + b"\0"


def _entry_id(name: str, address: str, routing: str) -> bytes:
    """[MS-OXCDATA] section 2.2.5: a one-off entry id, or an address book's for a directory name."""
    if routing == "EX":
        return b"\0" * 4 + _ADDRESS_BOOK + struct.pack("<II", 1, 0) + address.encode() + b"\0"
    texts = "".join(f"{text}\0" for text in (name, routing, address))
    return b"\0" * 4 + _ONE_OFF + struct.pack("<HH", 0, _UNICODE_ONE_OFF) + texts.encode("utf-16-le")


class _Writer:
    """Writes one form; COUNT fields have its width."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def count(self, number: int) -> bytes:
        return struct.pack("<I" if self._form == "extended" else "<H", number)

    def names(self, names: Sequence[Named]) -> bytes:
        if not names:
            return b"\0\0"
        written = b""
        for one in names:
            text = one.name.encode("utf-16-le") + b"\0\0"
            written += b"\1" + one.collection.bytes_le + bytes([len(text)]) + text
        ids = b"".join(struct.pack("<H", one.id) for one in names)
        return struct.pack("<H", len(names)) + ids + struct.pack("<I", len(written)) + written

    def tagged(self, value: Tagged) -> bytes:
        return _tag(value.kind, value.id) + self._value(value.kind, value.value)

    def _value(self, kind: int, value: Scalar) -> bytes:
        match kind, value:
            case 0x000B, bool():
                return struct.pack("<B", value)
            case 0x0003, int():
                return struct.pack("<i", value)
            case 0x0040, int():
                return struct.pack("<q", value)
            case 0x001F, str():
                return f"{value}\0".encode("utf-16-le")
            case 0x0102, bytes():
                return self.count(len(value)) + value
            case 0x101F, tuple():
                # An array's own count has 32 bits in both forms.
                return struct.pack("<I", len(value)) + b"".join(
                    f"{one}\0".encode("utf-16-le") for one in value
                )
            case _:
                raise ValueError(f"a value of type 0x{kind:04x} is no {type(value).__name__}")

    def restriction(self, one: Restriction) -> bytes:
        match one:
            case Every(parts):
                return b"\0" + self._several(parts)
            case Some(parts):
                return b"\1" + self._several(parts)
            case Negation(part):
                return b"\2" + self.restriction(part)
            case Content(wanted, place, ignore_case):
                level = {"whole": 0, "inside": 1, "beginning": 2}[place] | (0x10000 if ignore_case else 0)
                # Several values are looked for one at a time.
                kind = UNICODE if wanted.kind == UNICODES else wanted.kind
                return (
                    b"\3"
                    + struct.pack("<I", level)
                    + _tag(wanted.kind, wanted.id)
                    + self._searched(wanted, kind)
                )
            case Compared(relation, wanted):
                return struct.pack("<BB", 4, relation) + _tag(wanted.kind, wanted.id) + self.tagged(wanted)
            case Bits(number, mask):
                return struct.pack("<BB", 6, 1) + _tag(LONG, number) + struct.pack("<I", mask)
            case Present(number, kind):
                return b"\x08" + _tag(kind, number)
            case OfRecipients(part):
                return b"\x09" + _tag(0x000D, 0x0E12) + self.restriction(part)

    def _searched(self, wanted: Tagged, kind: int) -> bytes:
        return _tag(kind, wanted.id) + self._value(kind, wanted.value)

    def _several(self, parts: Sequence[Restriction]) -> bytes:
        return self.count(len(parts)) + b"".join(self.restriction(part) for part in parts)

    def action(self, action: Action) -> bytes:
        kind, flavor, data = self._parts(action)
        block = struct.pack("<BII", kind, flavor, 0) + data
        return self.count(len(block)) + block

    def _parts(self, action: Action) -> tuple[int, int, bytes]:
        """The action's type, flavor and data."""
        match action:
            case ToFolder(store, folder, copy):
                # Only the standard form says whether the folder is in this store.
                here = b"" if self._form == "extended" else b"\1"
                return 2 if copy else 1, 0, here + self._counted(store) + self._counted(folder)
            case Reply(message, template, oof):
                told = message
                if self._form == "extended":
                    told = struct.pack("<I", len(message)) + message
                return 4 if oof else 3, 0, told + template.bytes_le
            case Deferred(data):
                return 5, 0, data
            case Send(recipients, flavor, delegate):
                listed = b"".join(self._recipient(one) for one in recipients)
                return 8 if delegate else 7, flavor, self.count(len(recipients)) + listed
            case Tag(value):
                return 9, 0, self.tagged(value)
            case Delete():
                return 10, 0, b""
            case MarkRead():
                return 11, 0, b""

    def _counted(self, raw: bytes) -> bytes:
        return self.count(len(raw)) + raw

    def _recipient(self, properties: Sequence[Tagged]) -> bytes:
        return b"\1" + self.count(len(properties)) + b"".join(self.tagged(one) for one in properties)


def _tag(kind: int, number: int) -> bytes:
    return struct.pack("<HH", kind, number)
