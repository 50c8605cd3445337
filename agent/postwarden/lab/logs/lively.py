"""People of a lively organisation: what ordinary people also do, and what is easily taken for an intruder.

Everything is drawn once for each person from the seed and the log-in, from wide ranges, and most of it happens to few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from random import Random

from postwarden.lab.logs.changes import Changes, happens, some_day
from postwarden.lab.logs.journeys import Route, Stay, draw_route
from postwarden.lab.logs.moments import instant
from postwarden.lab.logs.networks import Network, anywhere, v4_address
from postwarden.lab.logs.people import Day, Person, Spell
from postwarden.lab.logs.places import Place, carrier, guest_line
from postwarden.lab.logs.plan import Plan


@dataclass(frozen=True)
class Tunnel:
    """A VPN that somebody pays for: from the day `begins` on, on a `share` of the days when they are not at the office.
    With `phone` all their devices use it, else only the computer, when they work.
    """

    begins: int
    share: float
    phone: bool
    place: Place


@dataclass(frozen=True)
class Device:
    """Another program or device, used from the day `begins` on, on a `share` of the days."""

    begins: int
    share: float
    client: str


@dataclass(frozen=True)
class Lively(Person):
    """Somebody to whom more happens. Days are `date.toordinal`; what never happens is None or lies behind the end.

    Their account exists from the day `joins` on. From the day `leaves` on nobody uses it any more, and between the
    two days of `leave` neither; they come back with another phone. From the day `new_carrier` on their phone is in
    `next_mobile`. `roams` is the share of days elsewhere on which they use their phone's network, which has its
    addresses at home, and `outings` that of days without the office on which they use somebody's line or a café's. `by_gateway`
    is the share of days of work elsewhere on which they come through the organisation's VPN, where it has one.
    `nights` is the chance of a Friday's or Saturday's night with mail. On the day `pop3_day` they try a program that
    fetches everything over POP3.
    """

    seed: str
    changes: Changes
    days: range
    joins: int
    leaves: int
    leave: tuple[int, int]
    tunnel: Tunnel | None
    by_gateway: float
    next_mobile: Place
    new_carrier: int
    roams: float
    outings: float
    nights: float
    second: Device | None
    tablet: Device | None
    pop3_day: int | None

    def exists(self, ordinal: int) -> bool:
        return self.joins <= ordinal

    def active(self, ordinal: int) -> bool:
        return self.joins <= ordinal < self.leaves and not self.leave[0] <= ordinal < self.leave[1]

    def office(self, ordinal: int) -> Place:
        move = self.changes.moves.get(self.site.country)
        return move.site.place() if move is not None and ordinal >= move.begins else self.site.place()

    def carrier(self, ordinal: int) -> Place:
        return self.mobile if ordinal < self.new_carrier else self.next_mobile

    def day(self, ordinal: int) -> Day:
        """What the day is for them, by where they are at noon."""
        return self._day_at(self.route.at(instant(ordinal, 720, self.site.zone)), ordinal)

    def spells(self, ordinal: int) -> Sequence[Spell]:
        """The parts of a day that they are somewhere in; in the others they are on a journey."""
        begin, end = (instant(day, 0, self.site.zone) for day in (ordinal, ordinal + 1))
        found: list[Spell] = []
        for stay, since, until, departs in self.route.between(begin, end):
            found.append(Spell(self._day_at(stay, ordinal), since, until))
            if until < departs and until < end:
                way = Day(self.carrier(ordinal), None, commutes=False)
                found.append(Spell(way, until, departs, client=self.phone_client(ordinal)))
        return found

    @cached_property
    def route(self) -> Route:
        """Where they are all the time, and how they get there."""
        out = self._days_out()

        def stay(ordinal: int) -> Stay:
            if (far := self.away.get(ordinal)) is not None:
                return Stay(far, "away")
            if (trip := self.trips.get(ordinal)) is not None:
                return Stay(trip, "trip")
            return out.get(ordinal) or Stay(self.home if ordinal < self.moves else self.next_home, "home")

        return draw_route(self.days, stay, self.site.zone, self.ends, Random(f"{self.seed} journeys"))

    def _days_out(self) -> dict[int, Stay]:
        """The days on which they use somebody's line or a café's; never when they go to the office."""
        rng = Random(f"{self.seed} outings")
        found: dict[int, Stay] = {}
        day = self.days.start
        while self.outings:
            day += 1 + int(rng.expovariate(self.outings))
            if day >= self.days.stop:
                break
            if not self.day_at_home(day).commutes:
                # On days that follow each other they are at the same place.
                found[day] = found.get(day - 1) or Stay(self._elsewhere(day), "out")
        return found

    def _day_at(self, stay: Stay, ordinal: int) -> Day:
        day = _day_of(stay, self.day_at_home(ordinal))
        if day.commutes:
            return day
        rng = Random(f"{self.seed} lively {ordinal}")
        if stay.kind in {"away", "trip"} and rng.random() < self.roams:
            day = _at(day, self.carrier(ordinal))
        gateway, tunnel = self.changes.gateway, self.tunnel
        if (
            day.work is not None
            and gateway is not None
            and ordinal >= gateway.begins
            and rng.random() < self.by_gateway
        ):
            return replace(day, work=gateway.place)
        if tunnel is not None and ordinal >= tunnel.begins and rng.random() < tunnel.share:
            return _at(day, tunnel.place) if tunnel.phone else replace(day, work=day.work and tunnel.place)
        return day

    def _elsewhere(self, ordinal: int) -> Place:
        """Somebody's home or a guest line in the country."""
        rng = Random(f"{self.seed} out {ordinal // 3}")
        country = self.site.country
        networks = anywhere("isp", country) + anywhere("hotel", country)
        return guest_line(f"{self.seed} out {ordinal // 3}", rng.choice(networks))


def _day_of(stay: Stay, at_home: Day) -> Day:
    """What a day is in a place, given what it would be at home."""
    match stay.kind:
        case "home":
            if at_home.commutes:
                return replace(at_home, base=stay.place)
            return _at(at_home, stay.place)
        case "trip":
            return Day(stay.place, stay.place, commutes=False)
        case "away":
            return Day(stay.place, None, commutes=False)
        case "out":
            return _at(at_home, stay.place)


def _at(day: Day, place: Place) -> Day:
    return Day(place, day.work and place, commutes=False)


def lively(plan: Plan, plain: Person, changes: Changes) -> Lively:
    """The same person, with more that happens."""
    seed = f"{plan.seed} {plain.name}"
    rng = Random(f"{seed} lively")
    end = plan.begin.toordinal() + plan.days
    joins = some_day(plan, rng) if happens(plan, 0.08, rng) else 0
    leaves = some_day(plan, rng) if not joins and happens(plan, 0.07, rng) else end + 2
    away = some_day(plan, rng) if not joins and leaves > end and happens(plan, 0.05, rng) else end + 2
    leave = away, away + rng.randrange(90, 181)
    row = {one.name: getattr(plain, one.name) for one in fields(plain)}
    if plain.moves == end:
        # Never; the people's local days go on a little behind the plan's.
        row["moves"] = end + 3
    if leave[0] < end:
        row["new_phone"] = leave[1]
    country = plain.site.country
    return Lively(
        **row,
        seed=seed,
        changes=changes,
        days=range(plan.begin.toordinal() - 3, end + 3),
        joins=joins,
        leaves=leaves,
        leave=leave,
        tunnel=_tunnel(plan, plain, rng) if rng.random() < 0.12 else None,
        by_gateway=rng.choice((0.0, 0.2, 0.8, 1.0, 1.0)),
        next_mobile=carrier(f"{seed} next", _another(anywhere("mobile", country), plain.mobile.network, rng)),
        new_carrier=some_day(plan, rng) if happens(plan, 0.12, rng) else end + 2,
        roams=rng.choice((0.0, 0.1, 0.5, 0.9)),
        outings=rng.choice((0.0, 0.0, 0.01, 0.03, 0.1)),
        nights=rng.choice((0.0, 0.0, 0.01, 0.05, 0.2)),
        second=_device(plan, ("thunderbird", "outlook", "apple_mail", "em_client", "mutt"), rng) if rng.random() < 0.2 else None,
        tablet=_device(plan, ("ios_mail", "android_mail"), rng) if rng.random() < 0.2 else None,
        pop3_day=some_day(plan, rng) if happens(plan, 0.04, rng) else None,
    )  # fmt: skip


def _another(networks: tuple[Network, ...], own: Network, rng: Random) -> Network:
    return rng.choice([one for one in networks if one is not own])


def _tunnel(plan: Plan, plain: Person, rng: Random) -> Tunnel:
    country = plain.site.country
    network = rng.choice(anywhere("hosting", country) if rng.random() < 0.6 else anywhere("hosting"))
    exits = tuple(v4_address(network, rng) for _ in range(rng.choice((1, 2, 6, 20))))
    place = Place(network, lambda day, hour, _device: exits[(day * 5 + hour // 6) % len(exits)])
    return Tunnel(
        begins=some_day(plan, rng) if rng.random() < 0.7 else 0,
        share=rng.choice((0.02, 0.1, 0.4, 1.0)),
        phone=rng.random() < 0.4,
        place=place,
    )


def _device(plan: Plan, clients: tuple[str, ...], rng: Random) -> Device:
    return Device(
        begins=some_day(plan, rng) if rng.random() < 0.8 else 0,
        share=rng.choice((0.03, 0.2, 0.5, 1.0)),
        client=rng.choice(clients),
    )
