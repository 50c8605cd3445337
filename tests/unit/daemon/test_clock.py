"""Noticing that the clock was set."""

from datetime import UTC, datetime, timedelta

from postwarden.daemon.clock import Clock, Steps

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Hands(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.wall, self.since = NOW, 1000.0

    def now(self) -> datetime:
        return self.wall

    def steady(self) -> float:
        return self.since

    def pass_(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.since += seconds


def test_time_that_passes_is_no_step() -> None:
    """Hours, also of a suspended machine, go by on both clocks alike."""
    clock = Hands()
    steps = Steps(clock)
    for seconds in (1, 3600, 86_400 * 30):
        clock.pass_(seconds)
        assert steps.look() is None


def test_a_clock_that_is_set_is_noticed_once() -> None:
    """A step in either direction is told once, with its size, and small corrections are not told."""
    clock = Hands()
    steps = Steps(clock)
    for step in (timedelta(hours=1), timedelta(days=-3)):
        clock.pass_(5)
        clock.wall += step
        assert steps.look() == step
        assert steps.look() is None
    clock.wall += timedelta(seconds=1)
    assert steps.look() is None


def test_the_real_clocks_agree_with_each_other() -> None:
    """The time is aware and in UTC, and no step is seen where there is none."""
    clock = Clock()
    steps = Steps(clock)
    assert clock.now().utcoffset() == timedelta()
    assert steps.look() is None
