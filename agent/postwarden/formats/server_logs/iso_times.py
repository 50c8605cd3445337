"""Times as ISO 8601 and RFC 3339 write them, as whole milliseconds since 1970."""

import re
from datetime import date
from functools import lru_cache

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)
_EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400_000


def utc_time(text: str) -> int | None:
    """Milliseconds of a time, in UTC where it names no zone; None for what is no time, or one before 1970."""
    found = wall_time(text)
    if found is None:
        return None
    time, offset = found
    time -= offset or 0
    return time if time >= 0 else None


def wall_time(text: str) -> tuple[int, int | None] | None:
    """What the clock on the wall shows, as if it were UTC, and how far it is ahead of UTC where the time says."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, hour, minute, second, fraction, zone = match.groups()
    midnight = day_start(day)
    clock = int(hour) * 3_600_000 + int(minute) * 60_000 + int(second) * 1000
    # A leap second is the first of the next minute.
    if midnight is None or int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        return None
    if fraction:
        clock += int(fraction[:3].ljust(3, "0"))
    offset = _offset(zone) if zone else None
    if zone and offset is None:
        return None
    return midnight + clock, offset


@lru_cache(maxsize=256)
def day_start(day: str) -> int | None:
    """Midnight UTC of `YYYY-MM-DD`, or None where the calendar has no such day."""
    try:
        return (date.fromisoformat(day).toordinal() - _EPOCH) * DAY
    except ValueError:
        return None


def _offset(zone: str) -> int | None:
    if zone in {"Z", "z"}:
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        return None
    size = (hours * 60 + minutes) * 60_000
    return -size if zone[0] == "-" else size
