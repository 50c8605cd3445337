"""The section `[access]`: how access is judged by habits."""

import re
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from postwarden.errors import ConfigError

_COUNTRY = re.compile(r"[A-Z]{2}")


class AccessSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How access is judged by habits. `alarms_per_week` is the most new access windows of a week that are sent, over the whole
    organisation: weaker ones beyond it are listed only. `holidays` are the countries whose holidays count (none: each
    account's own), `free_days` further days on which people rest. `departed` are accounts that nobody may use any more, by
    login or address, with the day from which on. `zone` is the IANA time zone of accounts whose own is not known.
    """

    alarms_per_week: Annotated[int, Meta(ge=1, le=10_000)] = 5
    holidays: tuple[str, ...] = ()
    free_days: tuple[date, ...] = ()
    departed: dict[str, date] = {}
    zone: str = "UTC"


def check_access(section: AccessSection, where: str) -> None:
    """Raises ConfigError, with the key in the file `where`, for what cannot be."""
    for index, code in enumerate(section.holidays):
        if not _COUNTRY.fullmatch(code):
            raise ConfigError(
                f"{code!r} is no country's code",
                'two capital letters of ISO 3166-1, for example "JP"',
                path=where,
                key=f"access.holidays[{index}]",
            )
    if any(not name.strip() for name in section.departed):
        raise ConfigError(
            "has an empty name", "name an account by login or address", path=where, key="access.departed"
        )
    try:
        ZoneInfo(section.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigError(
            f"{section.zone!r} is no time zone", 'for example "Europe/Berlin"', path=where, key="access.zone"
        ) from exc
