"""Ids of the shape that Exchange's have: base64 of the mailbox' GUID and a MAPI entry id, opaque to clients."""

import base64
import binascii
import struct
import uuid

_LAB = uuid.UUID("6a1f3c52-6f0e-5a0e-9a55-1b0c5e1d7b10")
_DATABASE = uuid.uuid5(_LAB, "database")
_FOLDER, _MESSAGE = 1, 7


def mailbox_guid(login: str) -> uuid.UUID:
    """The GUID of a mailbox: the same in every run, another for each login."""
    return uuid.uuid5(_LAB, login)


def store_entry(mailbox: uuid.UUID) -> bytes:
    """An entry id that stands for the whole store."""
    return mailbox.bytes_le


def folder_entry(mailbox: uuid.UUID, counter: int) -> bytes:
    """A folder's entry id, [MS-OXCDATA] section 2.2.4.1: 46 bytes."""
    return (
        bytes(4)
        + mailbox.bytes_le
        + struct.pack("<H", _FOLDER)
        + _DATABASE.bytes_le
        + counter.to_bytes(6, "big")
        + bytes(2)
    )


def message_entry(mailbox: uuid.UUID, folder: bytes, counter: int) -> bytes:
    """A message's entry id, [MS-OXCDATA] section 2.2.4.2: 70 bytes, with its folder's in them."""
    return (
        bytes(4)
        + mailbox.bytes_le
        + struct.pack("<H", _MESSAGE)
        + folder[22:46]
        + _DATABASE.bytes_le
        + counter.to_bytes(6, "big")
        + bytes(2)
    )


def opaque(mailbox: uuid.UUID, entry: bytes) -> str:
    """The id that EWS shows for an entry id; begins with `AAMk`, as those of Exchange do."""
    owner = str(mailbox).encode()
    raw = (
        b"\0\3"
        + struct.pack("<H", len(owner))
        + owner
        + b"\0"
        + struct.pack("<H", len(entry))
        + entry
        + b"\0"
    )
    return base64.b64encode(raw).decode()


def owner(identifier: str) -> str:
    """The GUID in an id; KeyError for what is none."""
    try:
        raw = base64.b64decode(identifier, validate=True)
    except (ValueError, binascii.Error) as exc:
        raise KeyError(identifier) from exc
    return raw[4:40].decode("ascii", "replace")


def change_key(counter: int) -> str:
    """A change key; it is another after each change."""
    return base64.b64encode(struct.pack("<II", 1, 16) + _LAB.bytes + counter.to_bytes(6, "big")).decode()


def rule_id(counter: int) -> str:
    """The id of an inbox rule: eight bytes, as GetInboxRules shows them."""
    return base64.b64encode(struct.pack("<HIH", 1, counter, 0)).decode()
