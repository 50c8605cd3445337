"""The people of the organisation: what each of them is like, drawn once from the seed and the log-in."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from postwarden.lab.logs.moments import is_free
from postwarden.lab.logs.networks import Network, of_kind
from postwarden.lab.logs.places import Household, Place, Site, carrier, guest_line
from postwarden.lab.logs.plan import Plan

Phone = Literal["none", "polls", "push"]


@dataclass(frozen=True)
class Day:
    """What a day is for somebody: at the office, working at home, travelling, free or away on holiday.

    `base` is where they sleep and spend the evening, `work` where they work; None if they do not.
    """

    base: Place
    work: Place | None
    commutes: bool


#: Behind the end of all logs, in milliseconds since 1970.
NEVER = 2**62


@dataclass(frozen=True)
class Spell:
    """The part of a local day from `begins` to `ends`, in milliseconds since 1970, in which it is `day` for somebody.

    Where `client` is set, nothing of theirs is connected but that.
    """

    day: Day
    begins: int = 0
    ends: int = NEVER
    client: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody with habits. Minutes are of the local day; days are `date.toordinal`.

    On the day `moves` they go to live in `next_home`. `drift` is by how many minutes a day's begin and end differ.
    `poll` is the phone's interval in minutes, `phone_client` what it is until the day `new_phone`. `webmail` and
    `slips` are chances per working day: of using the webmail, of a wrong password. On the day `new_password` the
    password changes, and the phone has the old one for a while. `stays_on` leaves the mail program running when going
    home.
    """

    name: str
    site: Site
    home: Place
    next_home: Place
    moves: int
    mobile: Place
    starts: int
    ends: int
    drift: int
    home_days: frozenset[int]
    away: dict[int, Place]
    trips: dict[int, Place]
    phone: Phone
    poll: int
    clients: tuple[str, str, str]
    new_phone: int
    new_password: int
    desktop: bool
    sleeps_at_lunch: bool
    stays_on: bool
    webmail: float
    slips: float
    weekend: float
    letters: float

    def day(self, ordinal: int) -> Day:
        """What the day is for them."""
        if (far := self.away.get(ordinal)) is not None:
            return Day(far, None, commutes=False)
        if (trip := self.trips.get(ordinal)) is not None:
            return Day(trip, trip, commutes=False)
        return self.day_at_home(ordinal)

    def day_at_home(self, ordinal: int) -> Day:
        """What the day is for them when they are neither travelling nor on holiday somewhere."""
        home = self.home if ordinal < self.moves else self.next_home
        if is_free(ordinal, self.site.country):
            return Day(home, None, commutes=False)
        if ordinal % 7 in self.home_days:
            return Day(home, home, commutes=False)
        return Day(home, self.office(ordinal), commutes=True)

    def spells(self, ordinal: int) -> Sequence[Spell]:
        """The parts of a day that they are somewhere in."""
        return (Spell(self.day(ordinal)),)

    def exists(self, _ordinal: int) -> bool:
        """Whether they have an account on a day."""
        return True

    def active(self, _ordinal: int) -> bool:
        """Whether they use it on a day."""
        return True

    def office(self, _ordinal: int) -> Place:
        """Their office as it is seen on a day."""
        return self.site.place()

    def carrier(self, _ordinal: int) -> Place:
        """Their phone's network on a day."""
        return self.mobile

    def phone_client(self, ordinal: int) -> str:
        """The mail program of their phone on a day."""
        return self.clients[1] if ordinal < self.new_phone else self.clients[2]


_DESKTOPS = ("thunderbird", "thunderbird", "outlook", "apple_mail")
_PHONES = ("ios_mail", "ios_mail", "android_mail", "k9")
_TRAVEL = ("FR", "GB", "ES", "IT", "DK", "CZ", "SG", "NL")


def person(plan: Plan, name: str, offices: tuple[Site, ...]) -> Person:
    """The person with this log-in: the same one in every plan with the same seed, begin and days."""
    seed = f"{plan.seed} {name}"
    rng = Random(f"{seed} person")
    site = rng.choices(offices, (6, 3, 2))[0]
    first, last = plan.begin.toordinal(), plan.begin.toordinal() + plan.days
    starts = int(rng.gauss(8.4, 0.8) * 60)
    phone: Phone = rng.choices(("none", "polls", "push"), (2, 5, 3))[0]
    if phone == "none":
        poll = 0
    else:
        poll = rng.choice((15, 30, 30, 60)) if phone == "polls" else rng.choice((24, 29, 58))
    desktop = rng.random() < 0.85
    return Person(
        name=name,
        site=site,
        home=_home(f"{seed} home", rng, site, plan),
        next_home=_home(f"{seed} next home", rng, site, plan),
        moves=rng.randrange(first, last) if rng.random() < 0.2 else last,
        mobile=carrier(seed, rng.choice(of_kind("mobile", site.country))),
        starts=starts,
        ends=starts + int(rng.gauss(8.7, 0.6) * 60),
        drift=rng.choice((5, 15, 30, 60)),
        home_days=frozenset(n for n in range(7) if rng.random() < rng.choice((0.0, 0.2, 0.6))),
        away=_absences(seed, rng, first, last),
        trips=_trips(seed, rng, site, first, last),
        phone=phone,
        poll=poll,
        clients=(rng.choice(_DESKTOPS), rng.choice(_PHONES), rng.choice(_PHONES)),
        new_phone=rng.randrange(first, last) if rng.random() < 0.5 else last,
        new_password=rng.randrange(first, last) if rng.random() < 0.6 else last,
        desktop=desktop,
        sleeps_at_lunch=rng.random() < 0.4,
        stays_on=desktop and rng.random() < 0.15,
        webmail=rng.choice((0.0, 0.0, 0.05, 0.3)) if desktop else 0.9,
        slips=rng.choice((0.002, 0.01, 0.03)),
        weekend=rng.choice((0.0, 0.1, 0.4)),
        letters=rng.choice((1.0, 3.0, 8.0)),
    )


def _home(seed: str, rng: Random, site: Site, plan: Plan) -> Place:
    """A line at home, at one of the country's providers."""
    network = rng.choice(of_kind("isp", site.country))
    household = Household(
        seed=seed,
        network=network,
        lease=rng.choice((0, 1, 1, 14, 60, 180)),
        renumbered=renumbered(plan, network),
        dual=rng.random() < 0.35,
    )
    return household.place()


def renumbered(plan: Plan, network: Network) -> int:
    """The day from which on a provider's homes have other addresses: the first provider of each country does that
    once, for the others it lies behind the plan's end.
    """
    first_one = network is next(iter(of_kind("isp", network.country)), None)
    return plan.begin.toordinal() + (plan.days * 3 // 5 if first_one else plan.days + 2)


def _absences(seed: str, rng: Random, first: int, last: int) -> dict[int, Place]:
    """Holidays of one or two weeks, somewhere or at home: about thirty days a year."""
    found: dict[int, Place] = {}
    day = first + rng.randrange(20, 90)
    while day < last:
        length = rng.choice((4, 7, 14))
        if rng.random() < 0.75:
            place = guest_line(f"{seed} away {day}", rng.choice(of_kind("hotel", rng.choice(_TRAVEL))))
            found.update(dict.fromkeys(range(day, day + length), place))
        day += length + rng.randrange(50, 130)
    return found


def _trips(seed: str, rng: Random, site: Site, first: int, last: int) -> dict[int, Place]:
    """Business trips of one to five days, for the few who travel also abroad."""
    found: dict[int, Place] = {}
    pause = rng.choice((40, 120, 400, 400))
    day = first + rng.randrange(10, pause)
    while day < last:
        country = rng.choice((site.country, *_TRAVEL))
        place = guest_line(f"{seed} trip {day}", rng.choice(of_kind("hotel", country)))
        length = rng.randrange(1, 5)
        found.update(dict.fromkeys(range(day, day + length), place))
        day += length + rng.randrange(pause // 2, pause * 2)
    return found
