"""What is known of an account: compact, decaying, learnt stay by stay.

Counts decay with a half-life; they are kept as sums of growing weights, so that nothing has to be touched as time
passes. The hours are a circular density over the week in the account's own zone, smoothed as it is learnt: a kernel
density on a circle (von Mises' kernel is approximated by its binomial weights, sigma about 1.7 hours).
"""

from msgspec import Struct, field

from postwarden.detect.access.settings import DAY

#: Values of one kind that are remembered: those used last.
MOST = 48
#: Of places, which change by themselves where providers give new addresses.
MOST_PLACES = 64
#: Hours around one that a single arrival speaks for, and how much.
KERNEL = (0.03, 0.07, 0.12, 0.18, 0.2, 0.18, 0.12, 0.07, 0.03)
#: Weights grow by at most two to this power before sums are brought down.
_GROWN = 60.0


class Used(Struct, array_like=True):
    """How much something is used: `count` is a decaying sum of stays, `days` of days; `last` is when, in ms."""

    count: float = 0.0
    days: float = 0.0
    last: int = 0


class Trial(Struct, array_like=True):
    """Something new that is not a habit yet.

    `days` are those on which it was used, `moved` those on which the owner was evidently there and nowhere else. `weight` is the
    cumulative sum of what speaks against the owner (Page 1954), in decibans; `today` what the day `last_day` added to it.
    """

    first: int
    last: int
    days: int = 0
    moved: int = 0
    weight: float = 0.0
    last_day: int = -1
    today: float = 0.0


class Habits(Struct, array_like=True):
    """One account. `since` is the first session that was learnt, `epoch` the time at which weights are one."""

    since: int
    epoch: int
    last_day: int = -1
    last: int = 0
    days: float = 0.0
    stays: float = 0.0
    #: Zone of the country that is used most decides when Monday begins.
    countries: dict[str, Used] = field(default_factory=dict)
    networks: dict[str, Used] = field(default_factory=dict)
    places: dict[str, Used] = field(default_factory=dict)
    families: dict[str, Used] = field(default_factory=dict)
    protocols: dict[str, Used] = field(default_factory=dict)
    #: Different places that were used in a network.
    spread: dict[str, float] = field(default_factory=dict)
    #: Hours of all stays in a network.
    lasting: dict[str, float] = field(default_factory=dict)
    #: How often something new turned out to be the owner's, by level.
    novel: dict[str, float] = field(default_factory=dict)
    #: How often the owner was elsewhere at the same time then, by level.
    together: dict[str, float] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)
    hours: list[float] = field(default_factory=lambda: [0.0] * 168)
    daily: list[float] = field(default_factory=lambda: [0.0] * 24)
    arrivals: float = 0.0
    #: Days on which the account was in two networks where people stay at the same time, for an hour or more, or in two
    #: countries; and where it was last.
    plural: float = 0.0
    plural_day: int = -1
    country: str | None = None
    country_day: int = -1

    def weight_at(self, time: int, half_life: float) -> float:
        """What something at `time` counts; where that grows too large, all sums are brought down first."""
        exponent = (time - self.epoch) / DAY / half_life
        if exponent > _GROWN:
            self._bring_down(time, 2.0**-exponent)
            return 1.0
        return float(2.0**exponent)

    def _bring_down(self, time: int, factor: float) -> None:
        for used in (self.countries, self.networks, self.places, self.families, self.protocols):
            for one in used.values():
                one.count *= factor
                one.days *= factor
        for sums in (self.spread, self.lasting, self.novel, self.together):
            for key in sums:
                sums[key] *= factor
        self.hours = [value * factor for value in self.hours]
        self.daily = [value * factor for value in self.daily]
        self.days *= factor
        self.stays *= factor
        self.arrivals *= factor
        self.plural *= factor
        self.epoch = time

    def learn_arrival(self, hour: int, weight: float) -> None:
        """Somebody began to use a network at this hour of the week."""
        for offset, share in enumerate(KERNEL, -(len(KERNEL) // 2)):
            self.hours[(hour + offset) % 168] += share * weight
            self.daily[(hour + offset) % 24] += share * weight
        self.arrivals += weight

    def density(self, hour: int, weight: float, crowd: float) -> float:
        """The share of arrivals at an hour of the week, a mixture of the week's circle and the day's, leaning on `crowd`, the
        organisation's share, where little is known.
        """
        prior = 12.0 * weight
        own = 0.5 * self.hours[hour] + 0.5 * self.daily[hour % 24] / 7
        return (own + prior * crowd) / (self.arrivals + prior)


def touch(sums: dict[str, Used], key: str, time: int, weight: float, *, day: bool) -> bool:
    """Counts a use; gives whether it is the first."""
    one = sums.get(key)
    first = one is None
    if one is None:
        one = sums[key] = Used()
    one.count += weight
    if day:
        one.days += weight
    one.last = max(one.last, time)
    return first
