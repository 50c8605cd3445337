"""What databases say of an address, in the shapes that they have.

GeoLite2, GeoIP2 and DB-IP nest the country (`country.iso_code`), others have it flat (`country_code`); IPinfo has
`country` or `country_code` and `asn` as text. The shapes are those of MaxMind's, DB-IP's and IPinfo's pages on their
databases, and of the package ip-location-db.
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_ASN = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE | re.ASCII)
#: The largest number of an autonomous system, RFC 6793.
MAX_ASN = 0xFFFF_FFFF


class Facts(Struct, frozen=True, gc=False):
    """Country (ISO 3166-1, two capital letters), number of the autonomous system, and who runs it."""

    country: str | None = None
    asn: int | None = None
    name: str | None = None


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


def _name(value: object) -> str | None:
    return value[:200] if isinstance(value, str) and value else None


def _first(told: Mapping[str, Any], *names: str) -> object:
    return next((told[name] for name in names if told.get(name)), None)
