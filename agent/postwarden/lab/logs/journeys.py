"""Journeys of lively people: nobody is in two places at once, and between two places lies the time that it takes."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from postwarden.lab.logs.moments import instant
from postwarden.lab.logs.people import NEVER
from postwarden.lab.logs.places import Place

#: What an airliner makes in an hour, km.
CRUISE = 900
#: Kilometres between the far ends of two parts of the world: no two towns in them are farther from each other.
_KM = {
    frozenset({"Europe"}): 2500,
    frozenset({"Europe", "US"}): 10_000,
    frozenset({"Europe", "JP"}): 10_800,
    frozenset({"Europe", "SG"}): 11_500,
    frozenset({"US", "JP"}): 12_000,
    frozenset({"US", "SG"}): 16_000,
    frozenset({"JP", "SG"}): 6000,
}
_OVERSEAS = frozenset({"US", "JP", "SG"})

_MINUTE_MS = 60_000


@dataclass(frozen=True)
class Stay:
    """Where somebody is and sleeps: at home, somewhere on business or on holiday, or out at somebody's in the country."""

    place: Place
    kind: Literal["home", "trip", "away", "out"]


@dataclass(frozen=True)
class Journey:
    """On the way to `to`, in milliseconds since 1970.

    They leave at `leaves` and have an eye on the phone until `departs`, which is the same moment where they have none;
    then nothing of theirs is connected until they are there at `arrives`.
    """

    leaves: int
    departs: int
    arrives: int
    to: Stay


@dataclass(frozen=True)
class Route:
    """All the stays of somebody, and the journeys between them in the order of time, none begun before the last ended."""

    first: Stay
    journeys: tuple[Journey, ...]
    leaving: tuple[int, ...]

    def at(self, time: int) -> Stay:
        """Where they are at a time, or are on the way to."""
        n = bisect_right(self.leaving, time)
        return self.journeys[n - 1].to if n else self.first

    def between(self, begin: int, end: int) -> list[tuple[Stay, int, int, int]]:
        """The stays of a span of time: where, since when, until when, and when a journey that follows departs."""
        n = bisect_right(self.leaving, begin)
        found = []
        while True:
            stay, since = (self.journeys[n - 1].to, self.journeys[n - 1].arrives) if n else (self.first, 0)
            last = n == len(self.journeys)
            until, departs = (NEVER, NEVER) if last else (self.journeys[n].leaves, self.journeys[n].departs)
            if since < end:
                found.append((stay, since, until, departs))
            if until >= end:
                return found
            n += 1


def draw_route(days: range, stay: Callable[[int], Stay], zone: str, evening: int, rng: Random) -> Route:
    """The journeys of somebody who by their plans is at `stay` on each of the `days`, of that zone.

    They set out on the evening before, some time behind the minute `evening`, or in the course of the day; and home
    mostly on the last day itself.
    """
    first = here = stay(days[0])
    journeys: list[Journey] = []
    for day in days:
        to = stay(day)
        if to == here:
            continue
        if to.kind == "home" and rng.random() < 0.6:
            minute = -720 + rng.random() * 540
        elif rng.random() < 0.25:
            minute = evening + 30 + rng.random() * 120 - 1440
        else:
            minute = 300 + rng.random() * 600
        leaves = instant(day, minute, zone)
        if journeys:
            # However short the stay was planned, they see something of the place.
            leaves = max(leaves, journeys[-1].arrives + int((180 + rng.random() * 360) * _MINUTE_MS))
        departs = leaves
        if here.kind == "home" and rng.random() < 0.3:
            departs += int((20 + rng.random() * 70) * _MINUTE_MS)
        took = _minutes(here.place.network.country, to.place.network.country, rng)
        journeys.append(Journey(leaves, departs, departs + int(took * _MINUTE_MS), to))
        here = to
    return Route(first, tuple(journeys), tuple(one.leaves for one in journeys))


def flight(one: str, other: str) -> float:
    """The hours that an airliner needs at most between two countries."""
    parts = frozenset(name if name in _OVERSEAS else "Europe" for name in (one, other))
    return _KM[parts] / CRUISE


def _minutes(one: str, other: str, rng: Random) -> float:
    """How long a journey takes: by air and with two to five hours at airports, or within a country."""
    if one == other:
        return 60 + rng.random() * 240
    return 60 * (flight(one, other) + 2 + rng.random() * 3)
