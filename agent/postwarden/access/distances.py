"""How far apart two places are at least, and how long that takes.

With a database that has coordinates it is the distance of two points. With one that has countries only, it is the shortest
between any two towns of them: the shipped table has for each country the towns that lie nearest to others.
"""

import csv
import math
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from postwarden.errors import ConfigError

#: Kilometres: the mean radius of the Earth (IUGG).
RADIUS = 6371.0088
#: Kilometres an hour, of an airliner at its usual height. Ways to and from the airport, and waiting, are not counted.
SPEED = 900
#: What is taken off a distance between the table's places, since the table has the outermost towns and not all, to a tenth
#: of a degree: kilometres, and a share. With these no distance exceeded the true one in any of 29,810 pairs of countries.
MARGIN, SHARE = 25, 0.03

MAX_COUNTRIES, MAX_PLACES, MAX_NEIGHBOURS = 400, 32, 20

_HEADER = ["code", "neighbours", "zone", "places"]
_CODE = re.compile(r"[A-Z]{2}")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_PLACE = re.compile(r"(-?\d{1,2}\.\d)/(-?\d{1,3}\.\d)", re.ASCII)

#: A point on the unit sphere.
_Point = tuple[float, float, float]


class Country(Struct, frozen=True, kw_only=True, eq=False):
    """A country, or a territory with a code of its own: whom it borders on by land, the time of most of its people, and the
    towns of it that lie nearest to other countries.
    """

    neighbours: frozenset[str]
    zone: str
    places: tuple[_Point, ...]


class Countries:
    """All that are known, by ISO 3166-1 code in two capital letters."""

    def __init__(self, known: dict[str, Country]) -> None:
        self._known = known
        self._least: dict[tuple[str, str], int | None] = {}

    def neighbours(self, a: str, b: str) -> bool:
        """Whether two countries have a border on land, or a bridge over a river between them."""
        known = self._known.get(a)
        return known is not None and b in known.neighbours

    def least_km(self, a: str, b: str) -> int | None:
        """Kilometres that lie between two countries at least; None where one of them is not known.

        It is 0 for a country and itself, and for neighbours.
        """
        pair = (a, b) if a <= b else (b, a)
        if pair not in self._least:
            self._least[pair] = self._between(*pair)
        return self._least[pair]

    def least_hours(self, a: str, b: str) -> float | None:
        """Hours that a journey between two countries takes at least; None where one of them is not known."""
        kilometres = self.least_km(a, b)
        return None if kilometres is None else kilometres / SPEED

    def zone(self, code: str) -> str | None:
        """The IANA time zone that most of a country's people live in; where there are several, it is right for its summer
        time at most.
        """
        known = self._known.get(code)
        return known.zone if known is not None else None

    def _between(self, a: str, b: str) -> int | None:
        here, there = self._known.get(a), self._known.get(b)
        if here is None or there is None:
            return None
        if a == b or b in here.neighbours:
            return 0
        nearest = max(_dot(one, other) for one in here.places for other in there.places)
        return max(0, math.floor(_kilometres(nearest) * (1 - SHARE) - MARGIN))


def km_between(a: tuple[float, float], b: tuple[float, float]) -> int:
    """Kilometres between two points, each latitude and longitude in degrees, along a great circle; rounded down."""
    return math.floor(_kilometres(_dot(_point(*a), _point(*b))))


def read_countries(text: str, path: str) -> Countries:
    """The shipped table: comments, then `code,neighbours,zone,places`, with spaces between neighbours and between places.

    A place is `latitude/longitude` in degrees. Raises ConfigError with the line where it is not of that form.
    """
    lines = text.splitlines()
    comments = sum(line.startswith("#") for line in lines)
    reader = csv.reader((line for line in lines if not line.startswith("#")), strict=True)
    known: dict[str, Country] = {}
    try:
        if next(reader, None) != _HEADER:
            raise ValueError(f"the first line is not {','.join(_HEADER)}")
        for row in reader:
            code, country = _country(row)
            if code in known:
                raise ValueError(f"{code} stands twice")
            if len(known) == MAX_COUNTRIES:
                raise ValueError(f"more than {MAX_COUNTRIES} countries")
            known[code] = country
    except (csv.Error, ValueError) as exc:
        raise ConfigError(str(exc), "mend the line", path=path, line=reader.line_num + comments) from exc
    for one, other in _one_sided(known):
        raise ConfigError(f"{one} has {other} as a neighbour and not the reverse", "mend both", path=path)
    return Countries(known)


def _one_sided(known: dict[str, Country]) -> Iterator[tuple[str, str]]:
    for code, country in known.items():
        for other in sorted(country.neighbours):
            if other not in known or code not in known[other].neighbours:
                yield code, other


def _country(row: list[str]) -> tuple[str, Country]:
    if len(row) != len(_HEADER):
        raise ValueError(f"{len(row)} columns, not {len(_HEADER)}")
    code, neighbours, places = row[0], row[1].split(), row[3].split()
    for one in (code, *neighbours):
        if not _CODE.fullmatch(one):
            raise ValueError(f"{one!r} is no country's code")
    if len(neighbours) > MAX_NEIGHBOURS:
        raise ValueError(f"{code} has more than {MAX_NEIGHBOURS} neighbours")
    if not _ZONE.fullmatch(row[2]):
        raise ValueError(f"{row[2]!r} is no time zone")
    if not 0 < len(places) <= MAX_PLACES:
        raise ValueError(f"{code} has {len(places)} places, not 1 to {MAX_PLACES}")
    return code, Country(neighbours=frozenset(neighbours), zone=row[2], places=tuple(_places(places)))


def _places(texts: Iterable[str]) -> Iterator[_Point]:
    for text in texts:
        match = _PLACE.fullmatch(text)
        latitude, longitude = (float(match[1]), float(match[2])) if match else (math.inf, math.inf)
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise ValueError(f"{text!r} is no latitude/longitude in tenths of a degree")
        yield _point(latitude, longitude)


def _point(latitude: float, longitude: float) -> _Point:
    north, east = math.radians(latitude), math.radians(longitude)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)


def _dot(a: _Point, b: _Point) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _kilometres(dot: float) -> float:
    """The great circle between two points of this scalar product."""
    return 2 * RADIUS * math.asin(math.sqrt(min(1.0, max(0.0, (1 - dot) / 2))))
