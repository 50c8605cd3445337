"""A small internet that does not exist: networks with names, numbers and countries of our making.

Each has one IPv4 block in 28.0.0.0/8, which is global, in no use on the public internet, and no documentation range,
so that readers treat its addresses like any other; one IPv6 block in 2d00::/8, which nobody was given; and a number
from the private-use range.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from random import Random
from typing import Literal

from postwarden.errors import LabError

Kind = Literal["office", "isp", "mobile", "hotel", "hosting", "own"]


@dataclass(frozen=True)
class Network:
    """A network; `number` is its place in the table and in its addresses."""

    number: int
    name: str
    country: str
    kind: Kind

    @property
    def asn(self) -> int:
        return 64_600 + self.number

    @property
    def v4(self) -> str:
        """Its IPv4 block, a /16."""
        return f"28.{self.number}.0.0/16"

    @property
    def v6(self) -> str:
        """Its IPv6 block, a /32."""
        return f"2d00:{self.number:x}::/32"


_ROWS: tuple[tuple[str, str, Kind], ...] = (
    ("Hafenkante Business", "DE", "office"),
    ("Yodogawa Leased Lines", "JP", "office"),
    ("Prairie Metro Fiber", "US", "office"),
    ("Elbtal Breitband", "DE", "isp"),
    ("Nordlicht Kabel", "DE", "isp"),
    ("Heidenetz", "DE", "isp"),
    ("Kansai Hikari", "JP", "isp"),
    ("Setouchi Net", "JP", "isp"),
    ("Lakeshore Cable", "US", "isp"),
    ("Tallgrass Telephone", "US", "isp"),
    ("Funkwelle", "DE", "mobile"),
    ("Mobilfunk Sued", "DE", "mobile"),
    ("Sakura Mobile", "JP", "mobile"),
    ("Great Plains Wireless", "US", "mobile"),
    ("Gastnetz Hotels", "DE", "hotel"),
    ("Onsen Guest Net", "JP", "hotel"),
    ("Motorway Inns Online", "US", "hotel"),
    ("Azur Telecom", "FR", "hotel"),
    ("Thames Lodging", "GB", "hotel"),
    ("Costa Wifi", "ES", "hotel"),
    ("Lago Rete", "IT", "hotel"),
    ("Oresund Stay", "DK", "hotel"),
    ("Vltava Hosts", "CZ", "hotel"),
    ("Marina Link", "SG", "hotel"),
    ("Polder Inns", "NL", "hotel"),
    ("Stapelrechen", "DE", "hosting"),
    ("Cloudmeadow", "US", "hosting"),
    ("Dike Servers", "NL", "hosting"),
    ("Fjord Compute", "NO", "hosting"),
    ("Baltic Boxes", "LT", "hosting"),
    ("Tropic VPS", "SG", "hosting"),
    ("Pampa Host", "BR", "hosting"),
    ("Danube Racks", "RO", "hosting"),
    # Only for intruders and for lively organisations: see `anywhere`.
    ("Moselgeraete", "DE", "hosting"),
    ("Rechenwerk Harz", "DE", "hosting"),
    ("Mietserver Spree", "DE", "hosting"),
    ("Wolkenbank", "DE", "hosting"),
    ("Hoshi Cloud", "JP", "hosting"),
    ("Tokai VPS", "JP", "hosting"),
    ("Fuji Rack Space", "JP", "hosting"),
    ("Hakata Compute", "JP", "hosting"),
    ("Mesa Virtual", "US", "hosting"),
    ("Bayou Dedicated", "US", "hosting"),
    ("Cascade Instances", "US", "hosting"),
    ("Liberty Tunnel", "US", "hosting"),
    ("Loire Serveurs", "FR", "hosting"),
    ("Severn Hosting", "GB", "hosting"),
    ("Suomi Konesali", "FI", "hosting"),
    ("Malmo Racks", "SE", "hosting"),
    ("Wisla Serwery", "PL", "hosting"),
    ("Volga Dedik", "RU", "hosting"),
    ("Dnipro Host", "UA", "hosting"),
    ("Nistru Offshore", "MD", "hosting"),
    ("Anadolu Sunucu", "TR", "hosting"),
    ("Pearl River Cloud", "HK", "hosting"),
    ("Mekong Servers", "VN", "hosting"),
    ("Deccan Compute", "IN", "hosting"),
    ("Highveld Hosting", "ZA", "hosting"),
    ("Boreal Machines", "CA", "hosting"),
    ("Rheinfaser", "DE", "isp"),
    ("Taunus Telefon", "DE", "isp"),
    ("Stadtnetz Ost", "DE", "isp"),
    ("Tohoku Hikari", "JP", "isp"),
    ("Kyushu Wave", "JP", "isp"),
    ("Chubu Cable", "JP", "isp"),
    ("Desert Broadband", "US", "isp"),
    ("Piedmont Fiber", "US", "isp"),
    ("Harbor Cable", "US", "isp"),
    ("Sertao Banda Larga", "BR", "isp"),
    ("Song Hong Net", "VN", "isp"),
    ("Bosporus Telekom", "TR", "isp"),
    ("Ural Svyaz", "RU", "isp"),
    ("Lagos Broadband", "NG", "isp"),
    ("Midlands Broadband", "GB", "isp"),
    ("Inari Mobile", "JP", "mobile"),
    ("Bluff Wireless", "US", "mobile"),
    ("Speicherstadt Lines", "DE", "office"),
    ("Naniwa Ether", "JP", "office"),
    ("Loop Metro Ethernet", "US", "office"),
)

#: How many of the networks ordinary people and strangers use where nothing else is asked for.
_ORDINARY = 33

NETWORKS = tuple(Network(number, *row) for number, row in enumerate(_ROWS, start=1))

#: The network of the servers themselves, with private addresses: it is in no table.
OWN = Network(0, "own network", "", "own")


def of_kind(kind: Kind, country: str | None = None) -> tuple[Network, ...]:
    """The networks of a kind that plain organisations know, in one country or anywhere."""
    return tuple(n for n in NETWORKS[:_ORDINARY] if n.kind == kind and country in {None, n.country})


def anywhere(kind: Kind, country: str | None = None, *, outside: str | None = None) -> tuple[Network, ...]:
    """All networks of a kind: in one country, or outside one, or wherever."""
    return tuple(
        n for n in NETWORKS if n.kind == kind and country in {None, n.country} and n.country != outside
    )


def hosting_list(coverage: float, seed: str) -> frozenset[int]:
    """The numbers of a drawn share of the hosting networks: what somebody knows to be hosting.

    Lists of such networks are never whole: `coverage` is from 0, none, to 1, all; LabError where it is not.
    """
    if not 0 <= coverage <= 1:
        raise LabError(f"a list cannot cover {coverage} of the networks", "a share from 0 to 1")
    known = anywhere("hosting")
    chosen = Random(f"{seed} hosting list").sample(known, round(coverage * len(known)))
    return frozenset(network.asn for network in chosen)


def v4_address(network: Network, rng: Random, *, half: int = 0) -> str:
    """An address of a customer of the network, from the lower or upper half (0, 1) of its block."""
    return f"28.{network.number}.{int(rng.random() * 128) + 128 * half}.{1 + int(rng.random() * 254)}"


def v6_prefix(network: Network, rng: Random, *, half: int = 0) -> str:
    """The first 64 bits of a customer's addresses, as four groups."""
    return (
        f"2d00:{network.number:x}:{int(rng.random() * 0x8000) + 0x8000 * half:x}:{int(rng.random() * 256):x}"
    )


def v6_address(prefix: str, rng: Random) -> str:
    """A temporary address (RFC 8981) in a customer's prefix, as programs write it (RFC 5952)."""
    groups = ":".join(f"{int(rng.random() * 65_536):x}" for _ in range(4))
    return str(IPv6Address(f"{prefix}:{groups}"))


def asn_table() -> str:
    """The networks as CSV `start,end,asn,org`, in order of addresses, IPv4 first: the truth for who looks them up."""
    return "".join(f"{first},{last},{n.asn},{n.name}\n" for first, last, n in _ranges())


def country_table() -> str:
    """The networks as CSV `start,end,country`, in the same order."""
    return "".join(f"{first},{last},{n.country}\n" for first, last, n in _ranges())


def _ranges() -> list[tuple[str, str, Network]]:
    blocks = [(ip_network(n.v4), n) for n in NETWORKS] + [(ip_network(n.v6), n) for n in NETWORKS]
    return [(str(block[0]), str(block[-1]), n) for block, n in blocks]
