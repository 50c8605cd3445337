"""IP addresses, and how far each can be reached from.

Networks that are set aside for documentation (RFC 5737, RFC 3849) count as public: they are nobody's, and stand for
strangers wherever they are written.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

#: `private` never leaves an organisation or a host; `carrier_nat` is shared by customers of a provider (RFC 6598).
Reach = Literal["private", "carrier_nat", "public"]

Address = IPv4Address | IPv6Address

#: RFC 1918, RFC 4193, loopback, link-local, unspecified, multicast, reserved.
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fc00::/7",
        "fe80::/9",
        "ff00::/8",
    )
)
_CARRIER_NAT = ip_network("100.64.0.0/10")


#: An IPv6 address with a zone and a port is shorter; what is longer is not remembered either.
MAX_TEXT = 80


def parse_address(text: str) -> Address | None:
    """The address without a zone, an IPv4 address where it is written as IPv6; None for what is none."""
    return _parse(text) if len(text) <= MAX_TEXT else None


@lru_cache(maxsize=65_536)
def _parse(text: str) -> Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def reach(address: Address) -> Reach:
    """How far an address can be reached from."""
    if address in _CARRIER_NAT:
        return "carrier_nat"
    return "private" if any(address in network for network in _PRIVATE) else "public"
