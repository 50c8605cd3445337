"""What changes in a lively organisation as a whole: its lines, its servers, who is in which mailbox."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import expm1, log1p
from random import Random

from postwarden.lab.logs.networks import Network, anywhere, v4_address
from postwarden.lab.logs.places import Place, Site, sites
from postwarden.lab.logs.plan import Plan
from postwarden.lab.logs.services import members

#: The days in the year that the chances below are for.
_YEAR = 365


@dataclass(frozen=True)
class Move:
    """From the day `begins` on an office has another provider."""

    begins: int
    site: Site


@dataclass(frozen=True)
class Gateway:
    """From the day `begins` on who works elsewhere may come through the organisation's own VPN."""

    begins: int
    place: Place


@dataclass(frozen=True)
class Joining:
    """From the day `begins` on a colleague keeps a shared mailbox open."""

    begins: int
    mailbox: str
    name: str


@dataclass(frozen=True)
class Copying:
    """On one day the administrator copies accounts with their passwords, from a rented server."""

    day: int
    network: Network
    address: str
    accounts: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """All of them; days are `date.toordinal`. `moves` are by the office's country. On the day `migration` the mailboxes
    are put on another server, and every program fetches them anew within the week.
    """

    moves: dict[str, Move]
    gateway: Gateway | None
    migration: int | None
    joinings: tuple[Joining, ...]
    copying: Copying | None


def changes(plan: Plan) -> Changes:
    """The changes of a plan, drawn from its seed."""
    rng = Random(f"{plan.seed} changes")
    return Changes(
        moves={site.country: move for site in sites(plan.seed) if (move := _move(plan, site, rng)) is not None},
        gateway=_gateway(plan, rng),
        migration=some_day(plan, rng) if happens(plan, 0.4, rng) else None,
        joinings=tuple(_joinings(plan, rng)),
        copying=_copying(plan, rng),
    )  # fmt: skip


def happens(plan: Plan, a_year: float, rng: Random) -> bool:
    """Whether something with that chance a year happens within the plan."""
    return rng.random() < -expm1(log1p(-a_year) * plan.days / _YEAR)


def some_day(plan: Plan, rng: Random) -> int:
    """A day of the plan."""
    return plan.begin.toordinal() + int(rng.random() * plan.days)


def _move(plan: Plan, site: Site, rng: Random) -> Move | None:
    if not happens(plan, 0.5, rng):
        return None
    network = rng.choice((anywhere("office", site.country)[-1], rng.choice(anywhere("isp", site.country))))
    gateways = tuple(v4_address(network, rng) for _ in range(rng.choice((1, 1, 2, 4))))
    return Move(some_day(plan, rng), Site(site.country, site.zone, network, gateways))


def _gateway(plan: Plan, rng: Random) -> Gateway | None:
    if not happens(plan, 0.5, rng):
        return None
    site = rng.choice(sites(plan.seed))
    network = rng.choice((site.network, rng.choice(anywhere("hosting"))))
    addresses = tuple(v4_address(network, rng) for _ in range(rng.choice((1, 2, 3))))
    place = Place(network, lambda day, _hour, device: addresses[(day + len(device)) % len(addresses)])
    return Gateway(some_day(plan, rng), place)


def _joinings(plan: Plan, rng: Random) -> Iterator[Joining]:
    for mailbox in plan.shared:
        others = sorted(set(plan.people) - set(members(plan, mailbox)))
        for name in rng.sample(others, min(len(others), rng.randrange(1, 4))):
            if happens(plan, 0.7, rng):
                yield Joining(some_day(plan, rng), mailbox, name)


def _copying(plan: Plan, rng: Random) -> Copying | None:
    if not happens(plan, 0.3, rng):
        return None
    network = rng.choice(anywhere("hosting"))
    accounts = plan.people + plan.shared
    count = max(1, int(len(accounts) * (0.02 + 0.2 * rng.random())))
    return Copying(some_day(plan, rng), network, v4_address(network, rng), tuple(rng.sample(accounts, count)))
