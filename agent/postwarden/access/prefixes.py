"""Networks as a set that is asked for the narrowest one around an address."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Generic, TypeVar

from postwarden.access.addresses import Address
from postwarden.errors import ConfigError

Network = IPv4Network | IPv6Network
_T = TypeVar("_T")


class Prefixes(Generic[_T]):
    """Values by network; a network given twice has the later value."""

    def __init__(self, entries: Iterable[tuple[Network, _T]] = ()) -> None:
        self._values: dict[tuple[int, int, int], _T] = {}
        for network, value in entries:
            key = (network.version, network.prefixlen, int(network.network_address))
            self._values[key] = value
        self._lengths = {
            version: sorted({key[1] for key in self._values if key[0] == version}, reverse=True)
            for version in (4, 6)
        }

    def __len__(self) -> int:
        return len(self._values)

    def find(self, address: Address) -> _T | None:
        """The value of the narrowest network around the address."""
        number, version, bits = int(address), address.version, address.max_prefixlen
        for length in self._lengths[version]:
            key = (version, length, number >> (bits - length) << (bits - length))
            if key in self._values:
                return self._values[key]
        return None


def parse_networks(texts: Sequence[str], key: str) -> tuple[Network, ...]:
    """Networks as an administrator lists them under `key`; raises ConfigError with the place of a wrong one."""
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(ip_network(text.strip()))
        except ValueError as exc:
            raise ConfigError(
                f"{text!r} is no network: {exc}",
                "write it as 192.0.2.0/24, with no bits set behind the prefix",
                key=f"{key}[{index}]",
            ) from exc
    return tuple(found)
