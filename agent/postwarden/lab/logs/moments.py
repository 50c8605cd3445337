"""Days and hours as people and servers have them: time zones, daylight saving, holidays."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from postwarden.lab.logs.plan import DAY_MS

#: (month, day) on which nobody goes to the office.
_HOLIDAYS: dict[str, frozenset[tuple[int, int]]] = {
    "DE": frozenset({(1, 1), (5, 1), (10, 3), (12, 24), (12, 25), (12, 26), (12, 31)}),
    "JP": frozenset(
        {
            (1, 1),
            (1, 2),
            (1, 3),
            (2, 11),
            (4, 29),
            (5, 3),
            (5, 4),
            (5, 5),
            (8, 11),
            (11, 3),
            (11, 23),
            (12, 31),
        }
    ),
    "US": frozenset({(1, 1), (7, 4), (11, 11), (11, 27), (12, 25)}),
}

#: Hours, minutes and seconds of every second of a day.
CLOCK = tuple(f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(86_400))

_EPOCH = date(1970, 1, 1).toordinal()


def is_free(ordinal: int, country: str) -> bool:
    """Whether a day (`date.toordinal`) is a weekend or holiday in a country."""
    day = date.fromordinal(ordinal)
    return day.weekday() >= 5 or (day.month, day.day) in _HOLIDAYS[country]


def instant(ordinal: int, minute: float, zone: str) -> int:
    """The milliseconds since 1970 of a minute of a local day; an hour that does not exist is the one behind it."""
    return _hour(ordinal + int(minute // 1440), int(minute // 60) % 24, zone) + int(minute % 60 * 60_000)


@lru_cache(maxsize=4096)
def _hour(ordinal: int, hour: int, zone: str) -> int:
    naive = datetime.combine(date.fromordinal(ordinal), datetime.min.time()) + timedelta(hours=hour)
    return int(naive.replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def utc_day(time: int) -> int:
    """The ordinal of the day in UTC on which an instant lies."""
    return time // DAY_MS + _EPOCH


@lru_cache(maxsize=512)
def offset(hour: int, zone: str) -> int:
    """How many seconds a zone is ahead of UTC in an hour, given as hours since 1970."""
    delta = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert delta is not None
    return int(delta.total_seconds())


@lru_cache(maxsize=64)
def day_words(days: int) -> tuple[str, str, str]:
    """A day, given as days since 1970, as `2026-11-03`, as `Nov  3` and as `03-Nov-2026`."""
    day = date.fromordinal(days + _EPOCH)
    month = _MONTHS[day.month - 1]
    return day.isoformat(), f"{month} {day.day:>2}", f"{day.day:02}-{month}-{day.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def iso_local(time: int, zone: str) -> str:
    """`2026-11-03T14:00:00+0100`."""
    seconds = time // 1000
    ahead = offset(seconds // 3600, zone)
    days, rest = divmod(seconds + ahead, 86_400)
    return f"{day_words(days)[0]}T{CLOCK[rest]}{sign_of(ahead)}"


def syslog_local(time: int, zone: str) -> str:
    """`Nov  3 14:00:00`: RFC 3164, which has neither year nor zone."""
    seconds = time // 1000
    days, rest = divmod(seconds + offset(seconds // 3600, zone), 86_400)
    return f"{day_words(days)[1]} {CLOCK[rest]}"


def php_local(time: int, zone: str) -> str:
    """`03-Nov-2026 14:00:00 +0100`."""
    seconds = time // 1000
    ahead = offset(seconds // 3600, zone)
    days, rest = divmod(seconds + ahead, 86_400)
    return f"{day_words(days)[2]} {CLOCK[rest]} {sign_of(ahead)}"


def iso_utc(time: int) -> str:
    """`2026-11-03T13:00:00.250Z`."""
    seconds, ms = divmod(time, 1000)
    days, rest = divmod(seconds, 86_400)
    return f"{day_words(days)[0]}T{CLOCK[rest]}.{ms:03}Z"


@lru_cache(maxsize=64)
def sign_of(ahead: int) -> str:
    """`+0100` for so many seconds."""
    minutes = abs(ahead) // 60
    return f"{'-' if ahead < 0 else '+'}{minutes // 60:02}{minutes % 60:02}"
