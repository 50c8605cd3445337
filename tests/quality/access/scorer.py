"""The detector itself, as it comes, with the shipped table of countries: their zones, and how far apart they are."""

from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

import msgspec

from postwarden.access.distances import Countries
from postwarden.access.networks import Place
from postwarden.detect.access.scorer import Scorer, utc_hour
from postwarden.detect.access.settings import Settings
from postwarden.pipeline.places import open_countries

HOUR_MS = 3_600_000

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
    """The hour of the week in the zone of most of a country's people; in UTC where it is not known."""
    return _local(time // HOUR_MS, country)


@lru_cache(maxsize=100_000)
def _local(hour: int, country: str | None) -> int:
    zone = _countries().zone(country) if country is not None else None
    if zone is None:
        return utc_hour(hour * HOUR_MS)
    local = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone))
    return local.weekday() * 24 + local.hour


def hours(one: Place, other: Place) -> float | None:
    """The hours of a journey between two places at least, by their countries."""
    if one.country is None or other.country is None:
        return None
    return _countries().least_hours(one.country, other.country)


@cache
def _countries() -> Countries:
    return open_countries()
