"""The section `[networks]`: whose addresses are whose, and the files that others are looked up in."""

from msgspec import Struct


class DatabaseEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One database: an MMDB file, or CSV files of ranges (one for IPv4, one for IPv6).

    Paths are relative to agent.toml's folder. `licence` is shown beside what was made of it.
    """

    files: tuple[str, ...]
    licence: str = ""


class NetworksSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`own` are the organisation's networks, `carrier_nat` those that a provider's customers share, beside 100.64.0.0/10.

    `hosting` are networks and autonomous systems (`AS64500`) that count as hosting, beside the shipped table. `countries`
    and `systems` are databases; without them the coverage says what is weaker.
    """

    own: tuple[str, ...] = ()
    carrier_nat: tuple[str, ...] = ()
    hosting: tuple[str, ...] = ()
    countries: DatabaseEntry | None = None
    systems: DatabaseEntry | None = None
