"""Where people are when they read mail, and which address they come from there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from postwarden.lab.logs.networks import Network, of_kind, v4_address, v6_address, v6_prefix

#: An address at some local hour (0 to 23) of a day, as `date.toordinal`, for one of somebody's devices.
Address = Callable[[int, int, str], str]


@dataclass(frozen=True)
class Place:
    """A network that somebody is in, and the address that the mail server sees.

    `line` names what a provider gives a home on a day: where it is another one, all the home's addresses are. None
    where addresses change in other ways or never.
    """

    network: Network
    address: Address
    line: Callable[[int], str] | None = None


@dataclass(frozen=True)
class Site:
    """An office: all who are there come from one of its few addresses (NAT)."""

    country: str
    zone: str
    network: Network
    gateways: tuple[str, ...]

    def place(self) -> Place:
        """The office, seen from outside: a device keeps to one gateway for a day."""
        return Place(
            self.network,
            lambda day, _hour, device: self.gateways[(day + len(device)) % len(self.gateways)],
        )


_ZONES = {"DE": "Europe/Berlin", "JP": "Asia/Tokyo", "US": "America/Chicago"}


def sites(seed: int) -> tuple[Site, ...]:
    """The organisation's three offices, the largest first."""
    rng = Random(f"{seed} sites")
    made = []
    for country, gateways in (("DE", 2), ("JP", 1), ("US", 1)):
        network = of_kind("office", country)[0]
        addresses = tuple(v4_address(network, rng) for _ in range(gateways))
        made.append(Site(country, _ZONES[country], network, addresses))
    return tuple(made)


@dataclass(frozen=True)
class Household:
    """Somebody's line at home.

    Its address changes every `lease` days (0: never), and on the day `renumbered`, from which on the provider has its
    customers in the other half of its block. With `dual` the devices use IPv6, each with another temporary address
    every day.
    """

    seed: str
    network: Network
    lease: int
    renumbered: int
    dual: bool

    def place(self) -> Place:
        return Place(self.network, self.address, self.line)

    def address(self, day: int, _hour: int, device: str) -> str:
        """The address of a device at home on a day."""
        half, line = int(day >= self.renumbered), self.line(day)
        if self.dual:
            return _of_device(self.network, line, half, f"{self.seed} {device} {day}")
        return _of_line(self.network, line, half)

    def line(self, day: int) -> str:
        """What all addresses of a day are drawn from."""
        spell = day // self.lease if self.lease else 0
        return f"{self.seed} {int(day >= self.renumbered)} {spell}"


@lru_cache(maxsize=4096)
def _of_line(network: Network, seed: str, half: int) -> str:
    return v4_address(network, Random(seed), half=half)


@lru_cache(maxsize=4096)
def _of_device(network: Network, line: str, half: int, device: str) -> str:
    return v6_address(v6_prefix(network, Random(line), half=half), Random(device))


def carrier(seed: str, network: Network) -> Place:
    """A mobile network: thousands of customers behind each address, and another one every few hours."""

    def address(day: int, hour: int, device: str) -> str:
        return _of_carrier(network.number, f"{seed} {device} {day} {hour // 3}")

    return Place(network, address)


@lru_cache(maxsize=4096)
def _of_carrier(number: int, seed: str) -> str:
    return f"28.{number}.7.{1 + int(Random(seed).random() * 48)}"


def guest_line(seed: str, network: Network) -> Place:
    """A hotel's or holiday home's line: one address as long as somebody stays."""
    fixed = v4_address(network, Random(seed))
    return Place(network, lambda _day, _hour, _device: fixed)
