"""What was asked for, and whether a run met it, in words."""

from tests.quality.access import scorer
from tests.quality.access.calibrate import FALSE_A_YEAR
from tests.quality.access.figures import HARD, HOSTING, Record
from tests.quality.access.measure import Interval

#: Found within a day and within a week, of each family from hosting networks.
IN_A_DAY, IN_A_WEEK = 0.5, 0.9
#: New alarms a week and 1,000 accounts, of all rules together.
ALARMS_A_WEEK = 5.0


def goals(record: Record) -> list[str]:
    """A sentence for each goal, which begins with whether it is met."""
    return [*_hosting(record), *_hard(record), *_quiet(record)]


def _hosting(record: Record) -> list[str]:
    told = []
    for row in record.rows:
        if row.view == "both" and row.group in HOSTING:
            one = row.shares[scorer.NAME]
            met = one.day >= IN_A_DAY and one.week >= IN_A_WEEK
            told.append(
                f"{_verdict(met)}: of {row.group.replace('_', ' ')}, half within a day and nine in ten within a week;"
                f" found were {one.day:.0%} and {one.week:.0%} of {one.intrusions}."
            )
    return told


def _hard(record: Record) -> list[str]:
    told = []
    for gain in record.gains:
        if gain.group == HARD and gain.week is not None and gain.ever is not None:
            met = gain.week.low > 0 and gain.ever.low > 0
            told.append(
                f"{_verdict(met)}: hard ones found more often than by {gain.judge} at the same rate of alarms, the interval"
                f" above zero; within a week {_points(gain.week)}, ever {_points(gain.ever)} hundredths."
            )
    return told


def _quiet(record: Record) -> list[str]:
    told = []
    for one in record.alarms:
        if (one.judge, one.view) == (scorer.NAME, "both"):
            met = one.false.value <= FALSE_A_YEAR
            told.append(
                f"{_verdict(met)}: at most one false window per account and five years ({FALSE_A_YEAR:g} a year); in the"
                f" {one.run if one.run == 'null' else 'other'} runs {one.false.value:.2f} ({one.false.low:.2f} to"
                f" {one.false.high:.2f})."
            )
            if one.run == "null":
                told.append(
                    f"{_verdict(one.weekly <= ALARMS_A_WEEK)}: at most {ALARMS_A_WEEK:g} new alarms a week and 1,000"
                    f" accounts; {one.weekly:.1f} in the null runs, of this detector alone: other rules come on top."
                )
    return told


def _points(one: Interval) -> str:
    return f"{100 * one.value:+.0f} ({100 * one.low:+.0f} to {100 * one.high:+.0f})"


def _verdict(met: bool) -> str:
    return "Met" if met else "Missed"
