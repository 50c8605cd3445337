"""The moments at which an intruder comes."""

from datetime import date
from random import Random

from postwarden.lab.logs.intrusion import Hours
from postwarden.lab.logs.moments import instant, is_free, offset, utc_day


def next_open(hours: Hours, time: int, rng: Random, within: int | None = None) -> int:
    """`time`, where they come then; else a drawn moment of their next day, `within` so long behind its begin."""
    day = utc_day(time + offset(time // 3_600_000, hours.zone) * 1000)
    while True:
        if _works(hours, day):
            first, last = instant(day, hours.begins, hours.zone), instant(day, hours.ends, hours.zone)
            if time < first:
                length = last - first if within is None else min(within, last - first)
                return first + int(rng.random() * length)
            if time < last:
                return time
        day += 1


def _works(hours: Hours, day: int) -> bool:
    if hours.country:
        return not is_free(day, hours.country)
    return not hours.weekdays or date.fromordinal(day).weekday() < 5


def closes(hours: Hours, time: int) -> int | None:
    """When they stop on the day of `time`; None for those who may come at any hour."""
    if hours.ends - hours.begins >= 1440:
        return None
    return instant(utc_day(time + offset(time // 3_600_000, hours.zone) * 1000), hours.ends, hours.zone)
