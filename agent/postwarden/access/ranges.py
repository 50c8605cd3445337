"""Ranges of addresses from a CSV file, compact in memory: country or autonomous system by first and last address.

The form is that of the package ip-location-db: `first,last,asn,name` or `first,last,country`, addresses dotted, with
colons, or as numbers, sorted. Numbers up to 32 bits are IPv4. Two files of one kind (IPv4, IPv6) make one table. Published
files have a few ranges that reach into the next one: the later one counts, and how many they are is told.
"""

import csv
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv6Address

from postwarden.access.addresses import Address
from postwarden.access.facts import NOTHING, Facts, asn_of, country_of
from postwarden.errors import ConfigError

_LOW = (1 << 64) - 1
_MAX4 = (1 << 32) - 1
_MAX = (1 << 128) - 1


#: Version of the protocol, first and last address, and what is known of them.
Row = tuple[int, int, int, Facts]


class Ranges:
    """A table of ranges. An IPv4 range costs 12 bytes, an IPv6 range 36, a name what it is, once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """The rows of each version are sorted by first address, as `read_ranges` makes sure."""
        self._first4, self._last4, self._fact4 = array("I"), array("I"), array("I")
        self._first6, self._low6 = array("Q"), array("Q")
        self._last6, self._last_low6, self._fact6 = array("Q"), array("Q"), array("I")
        #: How many ranges begin before the one in front of them ends.
        self.overlaps = 0
        known: dict[Facts, int] = {}
        for version, first, last, facts in rows:
            fact = known.setdefault(facts, len(known))
            if version == 4:
                self._add4(first, last, fact)
            else:
                self._add6(first, last, fact)
        self._facts = list(known)

    def _add4(self, first: int, last: int, fact: int) -> None:
        self.overlaps += bool(self._last4) and self._last4[-1] >= first
        self._first4.append(first)
        self._last4.append(last)
        self._fact4.append(fact)

    def _add6(self, first: int, last: int, fact: int) -> None:
        high, low = first >> 64, first & _LOW
        self.overlaps += bool(self._last6) and (self._last6[-1], self._last_low6[-1]) >= (high, low)
        self._first6.append(high)
        self._low6.append(low)
        self._last6.append(last >> 64)
        self._last_low6.append(last & _LOW)
        self._fact6.append(fact)

    def __len__(self) -> int:
        return len(self._first4) + len(self._first6)

    def find(self, address: Address) -> Facts:
        """What is known of the range around the address."""
        number = int(address)
        if address.version == 4:
            index = bisect_right(self._first4, number) - 1
            found = index >= 0 and number <= self._last4[index]
            return self._facts[self._fact4[index]] if found else NOTHING
        high, low = number >> 64, number & _LOW
        begin = bisect_left(self._first6, high)
        end = bisect_right(self._first6, high, begin)
        index = bisect_right(self._low6, low, begin, end) - 1
        found = index >= 0 and (high, low) <= (self._last6[index], self._last_low6[index])
        return self._facts[self._fact6[index]] if found else NOTHING


def read_ranges(files: Iterable[tuple[str, Iterable[str]]]) -> Ranges:
    """The table out of files, each a path for messages and its lines.

    Raises ConfigError with file and line for a row that is malformed or out of order.
    """
    return Ranges(_rows(files))


def _rows(files: Iterable[tuple[str, Iterable[str]]]) -> Iterator[Row]:
    latest = {4: -1, 6: -1}
    for path, lines in files:
        reader = csv.reader(lines, strict=True)
        try:
            for cells in reader:
                version, first, last, facts = _row(cells)
                if first <= latest[version]:
                    raise ValueError("the range belongs in front of the one before it")
                latest[version] = first
                yield version, first, last, facts
        except (csv.Error, ValueError) as exc:
            raise ConfigError(
                f"not a table of ranges: {exc}",
                "take the file as it was published, sorted by address",
                path=path,
                line=reader.line_num,
            ) from exc


def _row(cells: list[str]) -> Row:
    if len(cells) not in {3, 4}:
        raise ValueError(f"{len(cells)} columns, not first,last,asn,name or first,last,country")
    version, first = _address(cells[0])
    other, last = _address(cells[1])
    if version != other or first > last:
        raise ValueError(f"{cells[0]} to {cells[1]} is no range")
    if len(cells) == 3:
        return version, first, last, Facts(country=country_of(cells[2]))
    asn = asn_of(cells[2])
    if asn is None and cells[2] not in {"", "0"}:
        raise ValueError(f"{cells[2][:50]!r} is no number of an autonomous system")
    return version, first, last, Facts(asn=asn, name=cells[3] or None)


def _address(text: str) -> tuple[int, int]:
    """Version and number. Dotted ones are taken apart here, since there are a million of them in a file."""
    if text.isascii() and text.isdecimal():
        number = int(text) if len(text) < 40 else _MAX + 1
        if number > _MAX:
            raise ValueError(f"{text[:50]} is larger than any address")
        return (4 if number <= _MAX4 else 6), number
    parts = text.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdecimal() and len(part) < 4 for part in parts):
        number = 0
        for part in parts:
            byte = int(part)
            if byte > 255:
                raise ValueError(f"{text!r} is no address")
            number = number << 8 | byte
        return 4, number
    try:
        return 6, int(IPv6Address(text))
    except AddressValueError as exc:
        raise ValueError(f"{text[:50]!r} is no address") from exc
