"""One indicator out of its text."""

import ipaddress

from postwarden.model.encoding import encodable
from postwarden.model.indicator import Indicator, IndicatorKind

#: Shorter prefixes, and shorter parts of a name, would match half the world.
SHORTEST_V4, SHORTEST_V6, SHORTEST_TEXT = 8, 16, 4
#: Where IPv4 is in IPv6 (RFC 4291 section 2.5.5.2), also in the history.
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
#: Characters of a value and of a note.
LONGEST, LONGEST_NOTE = 500, 200


def parse_indicator(kind: IndicatorKind, text: str, note: str = "") -> Indicator:
    """The indicator in its plain form; also addresses that were made harmless to click on (`192.0.2[.]1`).

    Raises ValueError with what is wrong.
    """
    value = encodable(text.strip())
    if kind in {"ip", "network"}:
        return _address(kind, value, encodable(note[:LONGEST_NOTE]))
    if not SHORTEST_TEXT <= len(value) <= LONGEST:
        raise ValueError(f"it has {len(value)} characters, and needs {SHORTEST_TEXT} to {LONGEST}")
    return Indicator(kind=kind, value=value, note=encodable(note[:LONGEST_NOTE]))


def _address(kind: IndicatorKind, text: str, note: str) -> Indicator:
    plain = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":").strip("[]")
    if len(plain) > LONGEST:
        raise ValueError("it is no address")
    try:
        network = ipaddress.ip_network(plain, strict=False)
    except ValueError:
        raise ValueError(f"it is no {'network' if '/' in plain else 'address'}") from None
    if (
        isinstance(network, ipaddress.IPv6Network)
        and (mapped := network.network_address.ipv4_mapped) is not None
    ):
        network = ipaddress.ip_network((mapped, max(0, network.prefixlen - 96)))
    shortest = SHORTEST_V4 if network.version == 4 else SHORTEST_V6
    if network.prefixlen < shortest or (
        isinstance(network, ipaddress.IPv6Network) and _MAPPED.subnet_of(network)
    ):
        raise ValueError(f"/{network.prefixlen} is too wide: everything would match")
    if network.prefixlen == network.max_prefixlen:
        return Indicator(kind="ip", value=str(network.network_address), note=note)
    if kind == "ip" and "/" not in plain:
        raise ValueError("it is no address")
    return Indicator(kind="network", value=str(network), note=note)
