"""The figures, and how sure they are.

An interval is of 95 %: where the same was done with many other seeds, it would hold the true figure in 95 of 100 cases.
It says nothing about how far the generator is from life.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec import Struct

DAY_MS = 86_400_000
WEEK, MONTH = 7.0, 30.0


class Found(Struct, frozen=True, kw_only=True):
    """How one intrusion went in one view. `days` has, for each judge, the days from the entry to the first window that
    cites one of the intruder's sessions; None where there never was one.

    `hard`: the intruder only read, left neither rule nor grant, and the family is none of servers abroad or inside.
    `watched` is how many days there were from the entry to the end of the logs. `swallowed` are the judges that never
    found it, while a window cites it that they opened before the entry.
    """

    world: str
    view: str
    intruder: str
    family: str
    leaves: str
    coverage: float
    watched: float
    days: dict[str, float | None]
    swallowed: tuple[str, ...] = ()

    @property
    def hard(self) -> bool:
        return self.leaves == "nothing" and self.family not in {"foreign_hosting", "hosting_inside"}


class Interval(Struct, frozen=True):
    """A figure between its bounds of 95 %."""

    value: float
    low: float
    high: float


class Shares(Struct, frozen=True, kw_only=True):
    """How many intrusions there were, and which share was found within a day, a week, 30 days, ever.

    `median_days` is the time in which half of all were found, None where fewer were.
    """

    intrusions: int
    day: float
    week: float
    month: float
    ever: float
    median_days: float | None


def shares(found: Sequence[Found], judge: str) -> Shares:
    """What one judge found of these intrusions, and how soon."""
    times = sorted(math.inf if (days := one.days[judge]) is None else days for one in found)
    count = len(times)
    middle = times[(count - 1) // 2] if times else math.inf
    return Shares(
        intrusions=count,
        day=_share(times, 1.0),
        week=_share(times, WEEK),
        month=_share(times, MONTH),
        ever=_share(times, 1e9),
        median_days=round(middle, 2) if math.isfinite(middle) else None,
    )


def _share(times: Sequence[float], within: float) -> float:
    return round(sum(one <= within for one in times) / len(times), 3) if times else 0.0


def rate(count: int, years: float) -> Interval:
    """Events per year with the exact interval of a Poisson count (F. Garwood, Biometrika 28, 1936).

    The bounds are the means with which so many or more, and so many or fewer, have a probability of 2.5 %.
    """
    low = _bisect(lambda mean: 1 - _poisson(count - 1, mean) < 0.025, count + 1.0) if count else 0.0
    high = _bisect(lambda mean: _poisson(count, mean) > 0.025, count + 10 + 5 * math.sqrt(count + 1))
    return Interval(round(count / years, 4), round(low / years, 4), round(high / years, 4))


def _poisson(count: int, mean: float) -> float:
    """The probability of at most so many where `mean` are expected."""
    if mean == 0:
        return 1.0
    return math.fsum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count + 1))


def _bisect(below: Callable[[float], bool], high: float) -> float:
    """The mean from which on `below` is false."""
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if below(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def difference(found: Sequence[Found], ours: str, theirs: str, within: float) -> Interval | None:
    """By how much more one judge found within so many days than another of the same intrusions.

    Whole organisations are drawn again with replacement, 2,000 times with a fixed seed (B. Efron and R. Tibshirani, "An
    Introduction to the Bootstrap", 1993): what happens in one of them is not independent. The interval lies between
    the 2.5th and the 97.5th hundredth. None where there are no intrusions.
    """
    by_world: dict[str, list[int]] = {}
    for one in found:
        gain = _in_time(one.days, ours, within) - _in_time(one.days, theirs, within)
        by_world.setdefault(one.world, []).append(gain)
    if not by_world:
        return None
    worlds = [(sum(gains), len(gains)) for gains in by_world.values()]
    rng = Random("bootstrap")
    means = sorted(_mean(rng.choices(worlds, k=len(worlds))) for _ in range(2000))
    return Interval(round(_mean(worlds), 3), round(means[49], 3), round(means[1949], 3))


def _in_time(days: Mapping[str, float | None], judge: str, within: float) -> int:
    took = days[judge]
    return int(took is not None and took <= within)


def _mean(worlds: Sequence[tuple[int, int]]) -> float:
    return sum(gain for gain, _ in worlds) / sum(count for _, count in worlds)
