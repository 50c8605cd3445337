"""Times of log lines, also those without a year or a zone.

A log is in order: only within a day may a line be older than the newest one before it. That decides the year where none
is written (the file's own time decides it for the first line), and which of the two the repeated hour is when clocks go
back. What order leaves open is told, with the likelier reading.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from postwarden.errors import ConfigError

_FULL = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(?:(Z)| ?([+-])(\d\d):?(\d\d))?", re.ASCII
)
_YEARLESS = re.compile(r"([A-Z][a-z][a-z]) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)", re.ASCII)
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000
#: A longer silence is not told apart from a log that goes back.
_SILENCE = 334 * _DAY
#: Two lines so near to each other are in the same of two equal hours.
_NEAR = 600_000
#: A leap day may be eight years after the one before.
_YEARS = 8
_CACHED = 86_400
#: Stamps with a zone and millionths of a second.
_MICROS = len("2026-11-23T10:00:00.123456+01:00")
#: Stamps of whole seconds are not longer.
_WHOLE = len("2026-11-23T10:00:00+01:00")
#: Minutes and seconds as they are written → milliseconds.
_WITHIN: Final = {
    f"{minute:02}:{second:02}": (minute * 60 + second) * 1000 for minute in range(60) for second in range(60)
}
#: Minutes from the beginning of an hour at which the zone is looked at: clocks change by up to an hour, seldom by two.
_AROUND: Final = range(-150, 211, 15)
#: No server's clock says another year, and calendars have ends.
_EARLIEST, _LATEST = 1971, 2199


class Reading(Struct, frozen=True, gc=False):
    """A time in milliseconds since 1970 in UTC, and, where it can be meant in two ways, which.

    `lasting` is whether the same stamp means the same for the rest of its day.
    """

    time: int
    doubt: str | None = None
    lasting: bool = True


class Noted(Struct, frozen=True):
    """What has to be remembered of a log's times: the newest so far, and the last stamp that was in doubt."""

    newest: int | None = None
    stamp: str = ""
    reading: Reading | None = None


class Clock:
    """Reads the times of one log, line after line.

    `newest` is the newest time so far. `known` has the readings that need no thought, so that equal seconds are read once;
    callers may look there first.
    """

    def __init__(self, zone: str, modified: int | None, noted: Noted | None = None) -> None:
        """Raises ConfigError where the zone is none."""
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ConfigError(
                f"unknown time zone {zone!r}", "an IANA name, such as Europe/Berlin", key="zone"
            ) from exc
        self._modified = modified
        noted = noted or Noted()
        self.newest = noted.newest
        self._doubted: tuple[str, Reading | None] = (noted.stamp, noted.reading)
        self.known: dict[str, int] = {}
        self._hours: dict[str, int] = {}
        self._day = -1 if self.newest is None else self.newest // _DAY

    def noted(self) -> Noted:
        """What has to be remembered to go on behind these lines."""
        stamp, reading = self._doubted
        return Noted(self.newest, stamp, reading)

    def read(self, stamp: str) -> Reading | None:
        """The time that a stamp means, or None where it means none."""
        time = self.known.get(stamp)
        if time is not None:
            return Reading(time)
        if stamp == self._doubted[0]:
            # Its own reading must not make it certain.
            return self._doubted[1]
        reading = self._full(stamp) or self._yearless(stamp)
        if reading is None:
            return None
        self.see(reading.time)
        if reading.doubt is not None:
            self._doubted = (stamp, reading)
        elif reading.lasting:
            self._keep(stamp, reading.time)
        return reading

    def sure(self, stamp: str) -> int | None:
        """The time that a stamp means, or None where it means none or that is in doubt."""
        if len(stamp) == _MICROS and stamp[19] == ".":
            return self._micros(stamp)
        if stamp[10:11] == "T":
            hour, within = stamp[:14] + stamp[19:], stamp[14:19]
        else:
            hour, within = stamp[:-5], stamp[-5:]
        begun = self._hours.get(hour)
        seconds = _WITHIN.get(within)
        if begun is not None and seconds is not None and stamp != self._doubted[0]:
            time = begun + seconds
            self.see(time)
            self._keep(stamp, time)
            return time
        reading = self.read(stamp)
        if reading is None or reading.doubt is not None:
            return None
        if reading.lasting and seconds is not None:
            self._keep_hour(hour, reading.time - seconds)
        return reading.time

    def _micros(self, stamp: str) -> int | None:
        """The time of a stamp as rsyslog writes it: its second, which others share, and the thousandths."""
        digits = stamp[20:26]
        if not (digits.isascii() and digits.isdigit()):
            return None
        second = stamp[:19] + stamp[26:]
        begun = self.known.get(second) or self.sure(second)
        if begun is None:
            return None
        time = begun + int(digits[:3])
        if self.newest is None or time > self.newest:
            self.see(time)
        return time

    def _keep_hour(self, hour: str, begun: int) -> None:
        """Take note of an hour, unless clocks change in it."""
        start = _EPOCH + timedelta(milliseconds=begun)
        offsets = {
            (start + timedelta(minutes=minute)).astimezone(self._zone).utcoffset() for minute in _AROUND
        }
        if len(offsets) == 1 and begun // _DAY == self._day and len(self._hours) < _CACHED:
            self._hours[hour] = begun

    def see(self, time: int) -> None:
        """Take note of a time that a line states in full."""
        if self.newest is None or time > self.newest:
            self.newest = time
            if time // _DAY != self._day:
                # What needs no thought does so for a day: a year later the same stamp means another time.
                self._day = time // _DAY
                self.known.clear()
                self._hours.clear()

    def _keep(self, stamp: str, time: int) -> None:
        # Stamps with parts of a second hardly come twice.
        if time // _DAY == self._day and len(stamp) <= _WHOLE and len(self.known) < _CACHED:
            self.known[stamp] = time

    def _full(self, stamp: str) -> Reading | None:
        match = _FULL.fullmatch(stamp)
        if match is None:
            return None
        date, clock, fraction, zulu, sign, hours, minutes = match.groups()
        try:
            wall = datetime.fromisoformat(f"{date}T{clock}")
            if not _EARLIEST <= wall.year <= _LATEST:
                return None
            thousandth = int(f"{fraction or '':0<3}"[:3])
            if zulu is None and sign is None:
                local = self._local(wall)
                return Reading(local.time + thousandth, local.doubt, local.lasting)
            offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
            zone = timezone(-offset if sign == "-" else offset)
            return Reading(_milliseconds(wall.replace(tzinfo=zone)) + thousandth)
        except (ValueError, OverflowError):
            return None

    def _yearless(self, stamp: str) -> Reading | None:
        match = _YEARLESS.fullmatch(stamp)
        if match is None or match[1] not in _MONTHS:
            return None
        month, rest = _MONTHS[match[1]], [int(part) for part in match.groups()[1:]]
        if self.newest is None:
            return self._first(month, rest)
        year = self._year_of(self.newest)
        near = [reading for one in (year - 1, year, year + 1) if (reading := self._in(one, month, rest))]
        later = [one for one in near if one.time >= self.newest]
        sooner = [one for one in near if one.time < self.newest]
        if sooner and self.newest - sooner[-1].time <= _DAY:
            return sooner[-1]
        if later and later[0].time - self.newest <= _SILENCE:
            return later[0]
        if sooner:
            return _doubted(sooner[-1], "the log goes back, or was silent for more than 11 months")
        return _doubted(later[0], "the log was silent for more than 11 months") if later else None

    def _first(self, month: int, rest: list[int]) -> Reading | None:
        if self._modified is None:
            return None
        latest = self._year_of(self._modified + _DAY)
        for year in range(latest, latest - _YEARS - 1, -1):
            reading = self._in(year, month, rest)
            if reading is not None and reading.time <= self._modified + _DAY:
                if self._modified - reading.time > _SILENCE:
                    return _doubted(reading, "the year is a guess: the file was last written 11 months later")
                return reading
        return None

    def _in(self, year: int, month: int, rest: list[int]) -> Reading | None:
        day, hour, minute, second = rest
        try:
            return self._local(datetime(year, month, day, hour, minute, second))  # noqa: DTZ001 (its zone is added there)
        except (ValueError, OverflowError):
            return None

    def _year_of(self, time: int) -> int:
        return (_EPOCH + timedelta(milliseconds=time)).astimezone(self._zone).year

    def _local(self, wall: datetime) -> Reading:
        """A time of the log's zone; raises OverflowError at the ends of the calendar."""
        first = _milliseconds(wall.replace(tzinfo=self._zone))
        second = _milliseconds(wall.replace(tzinfo=self._zone, fold=1))
        if first == second:
            return Reading(first)
        if second < first:
            return Reading(first, "clocks were put forward over that time")
        if self.newest is not None:
            if self.newest - first > _NEAR:
                return Reading(second, lasting=False)
            if abs(first - self.newest) <= _NEAR:
                return Reading(first, lasting=False)
        return Reading(first, "clocks were put back, and that hour was there twice", lasting=False)


def _doubted(reading: Reading, why: str) -> Reading:
    return Reading(reading.time, reading.doubt or why, lasting=False)


def _milliseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
