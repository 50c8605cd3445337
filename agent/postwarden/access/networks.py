"""Where an address is: whose, in which country, in whose network, and whether people live there.

Everything is looked up in files that the administrator has; nothing is asked of anybody. Without a database the program
works, and says what is weaker.
"""

from collections.abc import Callable
from datetime import date
from ipaddress import ip_network
from typing import Literal

from msgspec import Struct

from postwarden.access.addresses import MAX_TEXT, Address, parse_address, reach
from postwarden.access.facts import NOTHING, Facts
from postwarden.access.hosting import Hosting, HostingTable
from postwarden.access.prefixes import Network, Prefixes

#: `own`: the organisation's; `private`: of somebody's inside; `carrier_nat`: shared by a provider's customers.
AddressClass = Literal["own", "private", "carrier_nat", "public"]

#: How many addresses are remembered: those of an organisation's people come again and again.
_REMEMBERED = 65_536


class Database(Struct, frozen=True, kw_only=True, eq=False):
    """One opened database: how it is asked, and what is shown of it.

    `find` gives NOTHING for an address that it does not have or cannot have; it may raise ConfigError where a file turns
    out to be damaged. `description` is the database's own, `licence` is the administrator's word for how it may be used,
    `built` the day that it was made.
    """

    find: Callable[[Address], Facts]
    description: str
    licence: str = ""
    built: date | None = None


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """Where an address is.

    `place` is what counts as one place: the address, for IPv6 its /64, since hosts there change addresses by themselves.
    `prefix` is its wider network, /24 or /48, which stands for the provider where `asn` is not known. `network` is the
    name of who runs the autonomous system. `coordinates` are latitude and longitude in degrees, where the database has them.
    None is "not known"; a `hosting` of None proves nothing.
    """

    address_class: AddressClass
    place: str
    prefix: str
    country: str | None = None
    asn: int | None = None
    network: str | None = None
    hosting: Hosting | None = None
    coordinates: tuple[float, float] | None = None


class Networks:
    """Everything that addresses are looked up in."""

    def __init__(
        self,
        *,
        hosting: HostingTable,
        country: Database | None = None,
        network: Database | None = None,
        own: tuple[Network, ...] = (),
        carrier_nat: tuple[Network, ...] = (),
    ) -> None:
        self.hosting = hosting
        self.country = country
        self.network = network
        self.has_own = bool(own)
        self._classes: Prefixes[AddressClass] = Prefixes(
            [*((one, _CARRIER_NAT) for one in carrier_nat), *((one, _OWN) for one in own)]
        )
        self._known: dict[str, Place | None] = {}

    def locate(self, text: str) -> Place | None:
        """Where an address is, as a log writes it; None for what is no address."""
        if len(text) > MAX_TEXT:
            return None
        if text in self._known:
            return self._known[text]
        address = parse_address(text)
        place = self._locate(address) if address is not None else None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[text] = place
        return place

    def _locate(self, address: Address) -> Place:
        how_far = reach(address)
        country = self.country.find(address) if self.country and how_far == "public" else NOTHING
        network = self.network.find(address) if self.network and how_far == "public" else NOTHING
        entry = self.hosting.find(address, network.asn)
        one, wide = (32, 24) if address.version == 4 else (64, 48)
        return Place(
            address_class=self._classes.find(address) or how_far,
            place=str(address) if address.version == 4 else _around(address, one),
            prefix=_around(address, wide),
            country=country.country,
            asn=network.asn,
            network=network.name or (entry.name if entry else None),
            hosting=entry.kind if entry else None,
            coordinates=country.coordinates,
        )


_OWN: AddressClass = "own"
_CARRIER_NAT: AddressClass = "carrier_nat"


def weaknesses(networks: Networks) -> tuple[str, ...]:
    """What is judged less well for want of a database or a list, in sentences for the coverage."""
    told = []
    if networks.country is None:
        told.append(
            "no country database: that an account is used from a country that is new to it is not seen"
        )
    if networks.network is None:
        told.append(
            "no database of autonomous systems: providers are told apart by the first bits of addresses only,"
            " and of hosting networks only those that the administrator lists as networks are known"
        )
    if not networks.has_own:
        told.append("no own networks are configured: an office is any other address")
    table = networks.hosting
    told.append(
        f"{len(table.systems) + len(table.prefixes)} hosting networks are known"
        + (f", the shipped ones as of {table.made.isoformat()}" if table.made else "")
        + "; a server in any other is not seen as one"
    )
    return tuple(told)


def licences(networks: Networks) -> tuple[str, ...]:
    """What each database is and under which licence it is used, to be shown beside what was made of it."""
    return tuple(
        f"{use}: {one.description or 'a database without a description'}"
        + (f", made {one.built.isoformat()}" if one.built else "")
        + f"; licence: {one.licence or 'not stated (set `licence` beside the file)'}"
        for use, one in (("countries", networks.country), ("autonomous systems", networks.network))
        if one is not None
    )


def _around(address: Address, length: int) -> str:
    return str(ip_network((address, length), strict=False))
