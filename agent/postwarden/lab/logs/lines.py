"""The lines that an intruder comes over."""

from random import Random

from postwarden.lab.logs.intrusion import Intrusion
from postwarden.lab.logs.moments import utc_day
from postwarden.lab.logs.networks import Network
from postwarden.lab.logs.people import renumbered
from postwarden.lab.logs.places import Household, Place, carrier, guest_line
from postwarden.lab.logs.plan import Plan


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
