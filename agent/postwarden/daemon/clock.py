"""Two clocks: one that people set, and one that only goes on."""

import time
from datetime import UTC, datetime, timedelta

#: A wall clock that is corrected by less is only being kept.
LEAST_STEP = timedelta(seconds=2)


class Clock:
    """`now` is for records, `steady` for waiting."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - here the daemon's time comes from

    def steady(self) -> float:
        """Seconds since some moment; it also goes on while the machine is suspended, so that nobody is forgotten."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class Steps:
    """Notices when the wall clock is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart = self._measure()

    def look(self) -> timedelta | None:
        """By how much the clock was set since the last look, forwards if positive; None if it was not."""
        apart = self._measure()
        step, self._apart = apart - self._apart, apart
        return step if abs(step) >= LEAST_STEP else None

    def _measure(self) -> timedelta:
        since = datetime(1970, 1, 1, tzinfo=UTC)
        return self._clock.now() - since - timedelta(seconds=self._clock.steady())
