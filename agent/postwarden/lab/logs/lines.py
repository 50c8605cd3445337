"""The lines that an intruder comes over."""

from random import Random
from typing import Literal

from postwarden.lab.logs.chance import between
from postwarden.lab.logs.intrusion import Family, Intrusion, Lines
from postwarden.lab.logs.moments import utc_day
from postwarden.lab.logs.networks import Network, anywhere
from postwarden.lab.logs.people import Person, renumbered
from postwarden.lab.logs.places import Household, Place, carrier, guest_line
from postwarden.lab.logs.plan import DAY_MS, Plan

_HOUR_MS = 3_600_000

#: Kinds of places that access is had from.
_Where = Literal[
    "foreign_hosting",
    "hosting_inside",
    "residential_inside",
    "residential_abroad",
    "same_provider",
    "mobile_inside",
]
_WHERE: dict[Family, tuple[_Where, ...]] = {
    "foreign_hosting": ("foreign_hosting",),
    "hosting_inside": ("hosting_inside",),
    "residential_inside": ("residential_inside",),
    "same_provider": ("same_provider",),
    "victims_hours": ("residential_inside", "hosting_inside"),
    "token_only": (
        "foreign_hosting",
        "hosting_inside",
        "residential_inside",
        "residential_abroad",
        "same_provider",
        "mobile_inside",
    ),
    "once_a_month": (
        "foreign_hosting",
        "hosting_inside",
        "residential_inside",
        "residential_abroad",
        "same_provider",
        "mobile_inside",
    ),
    "spray_then_quiet": (
        "foreign_hosting",
        "foreign_hosting",
        "hosting_inside",
        "residential_inside",
        "residential_abroad",
    ),
}


def draw_lines(family: Family, victim: Person, entry: int, rng: Random) -> Lines:
    """Where an intruder of a family comes from who enters at `entry`."""
    where = rng.choice(_WHERE[family])
    day = utc_day(entry)
    home = victim.home if day < victim.moves else victim.next_home
    pool = _pool(where, victim, home.network)
    networks = tuple(rng.sample(pool, min(len(pool), rng.choice((1, 1, 1, 2, 4)))))
    near = None
    if where == "same_provider" and rng.random() < 0.15:
        address = home.address(day, 12, "neighbour")
        near = None if ":" in address else address.rpartition(".")[0] + "."
    changes = len(networks) > 1 or rng.random() < 0.5
    keeps = 0 if rng.random() < 0.25 else int(between(_HOUR_MS, 60 * DAY_MS, rng))
    return Lines(
        networks=networks,
        keeps=keeps if changes else None,
        lease=rng.choice((0, 1, 14, 60, 180)),
        dual=rng.random() < 0.25,
        near=near,
    )


def _pool(where: _Where, victim: Person, home: Network) -> tuple[Network, ...]:
    country = victim.site.country
    match where:
        case "foreign_hosting":
            return anywhere("hosting", outside=country)
        case "hosting_inside":
            return anywhere("hosting", country)
        case "residential_inside":
            homes = {victim.home.network, victim.next_home.network}
            return tuple(one for one in anywhere("isp", country) if one not in homes)
        case "residential_abroad":
            return anywhere("isp", outside=country)
        case "same_provider":
            return (home,)
        case "mobile_inside":
            return anywhere("mobile", country)


class Travels:
    """Which line an intruder has at a coming. Those of one number are always the same."""

    def __init__(self, plan: Plan, one: Intrusion) -> None:
        self._plan = plan
        self._one = one
        self._known: tuple[int, Place] | None = None

    def at(self, time: int, number: int) -> Place:
        """The line at the coming `number`, which is at `time`."""
        keeps = self._one.lines.keeps
        spell = 0 if keeps is None else number if keeps == 0 else (time - self._one.entry) // keeps
        spray = self._one.spray
        if spray is not None and number:
            # The entry is from a line of the spray; what follows is from them too, or never again.
            spell = spell % spray.lines if spray.stays else spray.lines + spell
        if self._known is None or self._known[0] != spell:
            self._known = spell, line(self._plan, self._one, spell)
        return self._known[1]


def line(plan: Plan, one: Intrusion, number: int) -> Place:
    """One of an intruder's lines: a home with its provider's ways, a phone in its network, or a server."""
    seed = f"{one.seed} line {number}"
    network = Random(seed).choice(one.lines.networks)
    if one.lines.near is not None:
        return _next_door(plan, network, one.lines.near, seed)
    if network.kind == "isp":
        lines = one.lines
        return Household(seed, network, lines.lease, renumbered(plan, network), lines.dual).place()
    return carrier(seed, network) if network.kind == "mobile" else guest_line(seed, network)


def _next_door(plan: Plan, network: Network, near: str, seed: str) -> Place:
    """A line in a /24, which moves to the other half of the block with all of the provider's homes."""
    first, second, third, _ = near.split(".")
    host = 1 + int(Random(f"{seed} near").random() * 254)
    moves = renumbered(plan, network)

    def address(day: int, _hour: int, _device: str) -> str:
        return f"{first}.{second}.{int(third) % 128 + 128 * (day >= moves)}.{host}"

    return Place(network, address)


def seen(place: Place, time: int, device: str) -> str:
    """The address that the servers see at a time."""
    return place.address(utc_day(time), time // 3_600_000 % 24, device)
