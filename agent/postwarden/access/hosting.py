"""Networks that people do not live in: the table that comes with the program, and the administrator's own on top."""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal, get_args

from msgspec import Struct

from postwarden.access.addresses import Address
from postwarden.access.facts import asn_of
from postwarden.access.prefixes import Network, Prefixes, parse_networks
from postwarden.errors import ConfigError

#: `hosting`: anybody can rent a server there. `vpn`: a VPN service's own. `relay`: Tor exits, privacy relays, proxies.
Hosting = Literal["hosting", "vpn", "relay"]

_HEADER = ["asn", "name", "kind"]
_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d)\b")
_SYSTEM = re.compile(r"AS\d+", re.IGNORECASE | re.ASCII)


class HostingNetwork(Struct, frozen=True):
    """Who runs an autonomous system, and what for."""

    name: str
    kind: Hosting


class HostingTable(Struct, frozen=True, kw_only=True, eq=False):
    """Hosting networks by autonomous system and by prefix; `made` and `statement` are the shipped table's.

    `listed` is how many entries are the administrator's.
    """

    systems: Mapping[int, HostingNetwork]
    prefixes: Prefixes[HostingNetwork]
    made: date | None = None
    statement: str = ""
    listed: int = 0

    def find(self, address: Address, asn: int | None) -> HostingNetwork | None:
        """The entry for an address of a system; None where no list has it, which proves nothing."""
        by_prefix = self.prefixes.find(address)
        if by_prefix is not None:
            return by_prefix
        return self.systems.get(asn) if asn is not None else None


def read_hosting(text: str, path: str) -> HostingTable:
    """The shipped table: comments with its date and what it covers, then `asn,name,kind`.

    Raises ConfigError with the line where it is not of that form.
    """
    lines = text.splitlines()
    comments = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    reader = csv.reader((line for line in lines if not line.startswith("#")), strict=True)
    systems: dict[int, HostingNetwork] = {}
    try:
        if next(reader, None) != _HEADER:
            raise ValueError(f"the first line is not {','.join(_HEADER)}")
        for row in reader:
            asn, entry = _entry(row)
            if asn in systems:
                raise ValueError(f"{asn} stands twice")
            systems[asn] = entry
    except (csv.Error, ValueError) as exc:
        raise ConfigError(str(exc), "mend the line", path=path, line=reader.line_num + len(comments)) from exc
    statement = " ".join(comments)
    made = _DATE.search(statement)
    return HostingTable(
        systems=systems,
        prefixes=Prefixes(),
        made=date.fromisoformat(made[1]) if made else None,
        statement=statement,
    )


def with_listed(table: HostingTable, listed: Sequence[str], key: str) -> HostingTable:
    """The table with the administrator's list on top: `AS64500` or networks; raises ConfigError with the place."""
    systems = dict(table.systems)
    networks: list[tuple[Network, HostingNetwork]] = []
    entry = HostingNetwork("listed by the administrator", "hosting")
    for index, text in enumerate(listed):
        asn = asn_of(text.strip()) if _SYSTEM.fullmatch(text.strip()) else None
        if asn is not None:
            systems[asn] = entry
        else:
            networks += [(network, entry) for network in _network(text, f"{key}[{index}]")]
    return HostingTable(
        systems=systems,
        prefixes=Prefixes(networks),
        made=table.made,
        statement=table.statement,
        listed=len(listed),
    )


def _network(text: str, key: str) -> tuple[Network, ...]:
    try:
        return parse_networks((text,), key)
    except ConfigError as exc:
        raise ConfigError(
            f"{text!r} is neither an autonomous system nor a network",
            "write AS64500 or 203.0.113.0/24",
            key=key,
        ) from exc


def _entry(row: list[str]) -> tuple[int, HostingNetwork]:
    if len(row) != len(_HEADER):
        raise ValueError(f"{len(row)} columns, not {len(_HEADER)}")
    asn, name, kind = asn_of(row[0]), row[1].strip(), row[2]
    if asn is None or not name:
        raise ValueError(f"{row[0]!r} is no number of an autonomous system, or it has no name")
    for known in get_args(Hosting):
        if kind == known:
            return asn, HostingNetwork(name, known)
    raise ValueError(f"{kind!r} is none of {', '.join(get_args(Hosting))}")
