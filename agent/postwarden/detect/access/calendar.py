"""Which hour of the week it is where an account lives, with holidays as days of rest."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from holidays import HolidayBase

HOURS = 168
#: Milliseconds of a step in which the hour does not change: zones differ from UTC by whole quarters of an hour.
_STEP = 15 * 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUNDAY = 6
_CODE = re.compile(r"[A-Z]{2}")
#: Steps and days that are remembered; sessions come in the order of time.
_REMEMBERED = 65_536


class Calendar:
    """The hours and days of one zone (IANA) and one country (ISO 3166-1), with days that are free beside its holidays.

    Holidays are those of the whole country, by the package holidays, and those of a region are not among them. A zone that is
    not known counts as UTC, and a country that is not known has no holidays: `zone_known` and `country_known` say so.
    Accounts of one zone and country share a calendar: it remembers what it was asked.
    """

    def __init__(self, zone: str, country: str | None, own_dates: frozenset[date]) -> None:
        self._zone, self.zone_known = _zone(zone)
        self._holidays, self._rest = _holidays(country)
        self.country_known = self._holidays is not None
        self._own = own_dates
        self._hours: dict[int, int] = {}
        self._free: dict[date, bool] = {}

    def hour_of_week(self, ms: int) -> int:
        """The hour, 0 to 167, with 0 from midnight on Monday; `ms` are milliseconds since 1970 in UTC.

        A free day's hours are those of the country's last day of rest in the week, mostly Sunday.
        """
        step = ms // _STEP
        hour = self._hours.get(step)
        if hour is None:
            if len(self._hours) >= _REMEMBERED:
                self._hours.clear()
            hour = self._hours[step] = self._hour(step)
        return hour

    def is_free(self, day: date) -> bool:
        """Whether a day is a holiday of the country, or one of the own dates."""
        free = self._free.get(day)
        if free is None:
            if len(self._free) >= _REMEMBERED:
                self._free.clear()
            free = day in self._own or (self._holidays is not None and day in self._holidays)
            self._free[day] = free
        return free

    def _hour(self, step: int) -> int:
        local = (_EPOCH + timedelta(milliseconds=step * _STEP)).astimezone(self._zone)
        weekday = self._rest if self.is_free(local.date()) else local.weekday()
        return weekday * 24 + local.hour


def _zone(name: str) -> tuple[tzinfo, bool]:
    try:
        return ZoneInfo(name), True
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC, False


def _holidays(country: str | None) -> "tuple[HolidayBase | None, int]":
    """The country's holidays, None where they are not known, and its last day of rest in the week (Monday is 0)."""
    if country is None or not _CODE.fullmatch(country):
        return None, _SUNDAY
    import holidays

    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return None, _SUNDAY
    return known, max(known.weekend, default=_SUNDAY)
