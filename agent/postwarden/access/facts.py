"""What databases say of an address, in the shapes that they have.

GeoLite2, GeoIP2 and DB-IP nest the country (`country.iso_code`), others have it flat (`country_code`); IPinfo has
`country` or `country_code` and `asn` as text. The shapes are those of MaxMind's, DB-IP's and IPinfo's pages on their
databases, and of the package ip-location-db. Those of cities have coordinates: nested (`location.latitude`), flat
(`latitude`, `lat` and `lng`), or as one text (`loc`).
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ASN = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE | re.ASCII)
#: The largest number of an autonomous system, RFC 6793.
MAX_ASN = 0xFFFF_FFFF
#: Kilometres of uncertainty (`location.accuracy_radius`) beyond which coordinates are the middle of a country, and no place.
MAX_RADIUS = 200
_NUMBER = re.compile(r"-?\d{1,3}(\.\d{1,20})?", re.ASCII)


class Facts(Struct, frozen=True, gc=False):
    """Country (ISO 3166-1, two capital letters), number of the autonomous system, who runs it, and coordinates in degrees:
    latitude and longitude.
    """

    country: str | None = None
    asn: int | None = None
    name: str | None = None
    coordinates: tuple[float, float] | None = None


#: A database knows nothing of the address.
NOTHING = Facts()


def facts_of(record: object) -> Facts:
    """The facts of one record of a database; what it has in another shape is not known."""
    if not isinstance(record, Mapping):
        return NOTHING
    told: Mapping[str, Any] = record
    traits = told.get("traits")
    inner: Mapping[str, Any] = traits if isinstance(traits, Mapping) else {}
    return Facts(
        country=_country(told),
        asn=asn_of(
            _first(told, "autonomous_system_number", "asn") or _first(inner, "autonomous_system_number")
        ),
        name=_name(
            _first(told, "autonomous_system_organization", "as_name", "as_domain", "name", "domain")
            or _first(inner, "autonomous_system_organization")
        ),
        coordinates=_coordinates(told),
    )


def country_of(text: object) -> str | None:
    """A country's two letters as capitals; None for what databases write for none (`ZZ`, `??`, digits)."""
    if not isinstance(text, str) or not _COUNTRY.fullmatch(text) or text.upper() == "ZZ":
        return None
    return text.upper()


def asn_of(value: object) -> int | None:
    """A number, or text with or without `AS`; 0 stands for no system."""
    if not isinstance(value, int | str):
        return None
    match = _ASN.fullmatch(str(value))
    number = int(match[1]) if match else 0
    return number if 0 < number <= MAX_ASN else None


def _country(told: Mapping[str, Any]) -> str | None:
    nested = told.get("country")
    if isinstance(nested, Mapping):
        return country_of(nested.get("iso_code"))
    return country_of(told.get("country_code")) or country_of(nested)


def _coordinates(told: Mapping[str, Any]) -> tuple[float, float] | None:
    location = told.get("location")
    nested: Mapping[str, Any] = location if isinstance(location, Mapping) else {}
    radius = nested.get("accuracy_radius")
    if isinstance(radius, int) and radius > MAX_RADIUS:
        return None
    for table, north, east in (
        (nested, "latitude", "longitude"),
        (told, "latitude", "longitude"),
        (told, "lat", "lng"),
    ):
        if table.get(north) is not None:
            return _degrees(table.get(north), table.get(east))
    loc = told.get("loc")
    return _degrees(*loc.split(",", 1)) if isinstance(loc, str) and "," in loc else None


def _degrees(latitude: object, longitude: object) -> tuple[float, float] | None:
    """Two numbers, or texts of them, within their bounds; 0 and 0 is what databases write for nowhere."""
    north, east = _number(latitude), _number(longitude)
    if not (abs(north) <= 90 and abs(east) <= 180) or (north == 0 and east == 0):
        return None
    return north, east


def _number(value: object) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _name(value: object) -> str | None:
    return value[:200] if isinstance(value, str) and value else None


def _first(told: Mapping[str, Any], *names: str) -> object:
    return next((told[name] for name in names if told.get(name)), None)
