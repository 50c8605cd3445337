"""Plain lists, a value a line, and CSV with or without a header."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from postwarden.formats.indicators.values import parse_indicator
from postwarden.model.indicator import Indicator, IndicatorKind

#: Names of columns, folded, in the order in which they are preferred.
_VALUES = (
    "value",
    "indicator",
    "ioc",
    "ip",
    "address",
    "ip_address",
    "ipaddress",
    "network",
    "cidr",
    "dst_ip",
    "src_ip",
    "ioc_value",
)
_TYPES = ("type", "kind", "indicator_type", "ioc_type", "attribute_type")
_NOTES = ("note", "comment", "description", "event_info", "title", "reference")

#: Words for kinds, as feeds and MISP have them.
KINDS: Mapping[str, IndicatorKind] = {
    "ip": "ip", "ipv4": "ip", "ipv6": "ip", "ip-src": "ip", "ip-dst": "ip", "ipv4-addr": "ip", "ipv6-addr": "ip", "address": "ip",
    "ip_address": "ip", "ipaddress": "ip", "ip:port": "ip", "ip-src|port": "ip", "ip-dst|port": "ip", "network": "network",
    "cidr": "network", "netblock": "network", "subnet": "network", "ipv4-net": "network", "user-agent": "client",
    "user_agent": "client", "useragent": "client", "client": "client", "app": "app", "application": "app",
    "appid": "app", "client_id": "app",
}  # fmt: skip
_LONGEST_LINE = 100_000


def read_table(text: str) -> Iterator[Indicator | str]:
    """The entries of a list or table; a sentence with the line's number for each that is none."""
    delimiter = _delimiter(text)
    header: dict[str, int] | None = None
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            yield f"line {reader.line_num}: {exc}"
            continue
        if cells is None:
            return
        row = [cell.strip() for cell in cells]
        if not any(row) or row[0].startswith(("#", ";", "//")):
            continue
        if header is None:
            header = _header(row)
            if header:
                continue
        try:
            yield _entry(row, header)
        except ValueError as exc:
            yield f"line {reader.line_num}: {_shown(row)}: {exc}"


def _delimiter(text: str) -> str:
    """What the first line with an entry has most of."""
    for line in text[:_LONGEST_LINE].splitlines():
        if line.strip() and not line.lstrip().startswith(("#", ";", "//")):
            return max((",", ";", "\t"), key=line.count)
    return ","


def _header(row: Sequence[str]) -> dict[str, int]:
    """Names of columns and their places; none where the first line is an entry itself."""
    names = {
        cell.casefold().strip('"').replace(" ", "_"): index for index, cell in reversed(list(enumerate(row)))
    }
    if any(mark in cell for cell in row for mark in ".:/") or not any(name in names for name in _VALUES):
        return {}
    return names


def _entry(row: Sequence[str], header: Mapping[str, int]) -> Indicator:
    if not header:
        return _bare(row)
    value, kind_word, note = (_cell(row, header, names) for names in (_VALUES, _TYPES, _NOTES))
    if kind_word:
        kind = KINDS.get(kind_word.casefold())
        if kind is None:
            raise ValueError(f"{kind_word[:40]!r} is nothing that log-ins have")
        if kind == "ip":
            value = value.partition("|")[0]
            value = value.rpartition(":")[0] if value.count(":") == 1 else value
        return parse_indicator(kind, value, note)
    return parse_indicator("network" if "/" in value else "ip", value, note)


def _bare(row: Sequence[str]) -> Indicator:
    """A line without a header: a value, or a kind and a value in either order; what follows is a note."""
    for place, other in ((0, 1), (1, 0)):
        if len(row) > 1 and (kind := KINDS.get(row[place].casefold())) is not None:
            return parse_indicator(kind, row[other], " ".join(row[2:]))
    value = row[0].partition("#")[0].strip()
    return parse_indicator("network" if "/" in value else "ip", value, " ".join(row[1:]))


def _cell(row: Sequence[str], header: Mapping[str, int], names: Sequence[str]) -> str:
    place = next((header[name] for name in names if name in header), None)
    return row[place] if place is not None and place < len(row) else ""


def _shown(row: Sequence[str]) -> str:
    return repr(",".join(row)[:60])
