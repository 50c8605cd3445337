"""Texts and addresses as numbers: each is stored once."""

import ipaddress
import sqlite3
from functools import lru_cache

#: Numbers that are kept in memory.
REMEMBERED = 200_000


class Interned:
    """The numbers of texts and addresses in one database; new ones are stored in the transaction under way."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self.texts: dict[str, int] = {}
        self.addresses: dict[str, int] = {}

    def text(self, text: str) -> int:
        found = self.texts.get(text)
        return found if found is not None else self._text(text)

    def address(self, text: str) -> int:
        found = self.addresses.get(text)
        return found if found is not None else self._address(text)

    def forget(self) -> None:
        """After a transaction that was rolled back, its numbers are not valid."""
        self.texts.clear()
        self.addresses.clear()

    def _text(self, text: str) -> int:
        row = self._base.execute("SELECT id FROM text WHERE text = ?", (text,)).fetchone()
        if row is None:
            number = self._base.execute("INSERT INTO text (text) VALUES (?)", (text,)).lastrowid
            assert number is not None
        else:
            number = int(row[0])
        if len(self.texts) >= REMEMBERED:
            self.texts.clear()
        self.texts[text] = number
        return number

    def _address(self, text: str) -> int:
        packed, shown = packed_address(text), text
        if packed is not None:
            shown = str(unpacked(packed))
            row = self._base.execute("SELECT id FROM address WHERE packed = ?", (packed,)).fetchone()
        else:
            row = self._base.execute("SELECT id FROM address WHERE text = ?", (text,)).fetchone()
        if row is None:
            number = self._base.execute(
                "INSERT INTO address (packed, text) VALUES (?, ?)", (packed, shown)
            ).lastrowid
            assert number is not None
        else:
            number = int(row[0])
        if len(self.addresses) >= REMEMBERED:
            self.addresses.clear()
        self.addresses[text] = number
        return number


@lru_cache(maxsize=4096)
def packed_address(text: str) -> bytes | None:
    """An address as 16 bytes (RFC 4291 section 2.5.5.2 for IPv4), or None where it is none; a zone is dropped."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return mapped(address)


def mapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed


def unpacked(packed: bytes) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.IPv6Address(packed)
    return address.ipv4_mapped or address
