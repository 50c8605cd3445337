"""The detector itself, as it comes, with the shipped table of countries: their zones, and how far apart they are."""

from functools import cache
from hashlib import sha256

import msgspec

from postwarden.access.distances import Countries
from postwarden.access.networks import Place
from postwarden.detect.access.calendar import Calendar
from postwarden.detect.access.scorer import Scorer
from postwarden.detect.access.settings import Settings
from postwarden.pipeline.places import open_countries

#: What the detector is called in the figures.
NAME = "postwarden"


def make(threshold: int | None = None) -> Scorer:
    """The detector with its settings as they come, or with another threshold, in decibans."""
    settings = Settings() if threshold is None else Settings(threshold=threshold)
    return Scorer(settings, hour_of, hours)


def digest() -> str:
    """Twelve digits that change when any setting does."""
    return sha256(msgspec.json.encode(Settings())).hexdigest()[:12]


def hour_of(time: int, country: str | None) -> int:
    """The hour of the week where most of a country's people live, with its holidays; in UTC where it is not known."""
    return _calendar(country).hour_of_week(time)


def hours(one: Place, other: Place) -> float | None:
    """The hours of a journey between two countries at least; None for neighbours and where one is not known."""
    if one.country is None or other.country is None:
        return None
    return _countries().least_hours(one.country, other.country) or None


@cache
def _calendar(country: str | None) -> Calendar:
    zone = _countries().zone(country) if country is not None else None
    return Calendar(zone or "UTC", country, frozenset())


@cache
def _countries() -> Countries:
    return open_countries()
