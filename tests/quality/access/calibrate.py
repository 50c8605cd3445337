"""Baselines at the detector's own rate of alarms, and the detector's threshold chosen with a family left out."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from tests.quality.access import scorer
from tests.quality.access.baselines import BASELINES
from tests.quality.access.measure import Found, rate, shares
from tests.quality.access.run import Quiet, Ratings, limit_for
from tests.quality.access.world import VIEWS

#: At most one false window per account and five years.
FALSE_A_YEAR = 0.2
#: Thresholds that development tries, in decibans.
CANDIDATES = (15, 20, 25, 30, 35)

#: View → baseline → limit.
Limits = Mapping[str, Mapping[str, float]]


def limits(runs: Sequence[Ratings]) -> dict[str, dict[str, float]]:
    """The limits with which the baselines open as many windows as the detector did, in each view of these null runs.

    Where the detector opened none, they may open one.
    """
    return {
        view: {
            name: round(
                limit_for(
                    max(1, opened(runs, view, scorer.NAME)),
                    [(f"{run.world} {view}", run.beginnings[view][name]) for run in runs],
                ),
                4,
            )
            for name in BASELINES
        }
        for view in VIEWS
    }


def opened(runs: Sequence[Ratings], view: str, judge: str) -> int:
    """How many windows a judge opened in the null runs of a view."""
    return sum(one.windows for run in runs for one in run.quiet if (one.view, one.judge) == (view, judge))


class Choice(Struct, frozen=True, kw_only=True):
    """The threshold that development chooses when a family is left out.

    `week` is the share of the other families' intrusions found within a week with it; `false_a_year` the false windows
    per account and year. `in_goal` says whether that was within the goal; where no candidate is, the quietest was taken.
    """

    without: str
    threshold: int
    week: float
    false_a_year: float
    in_goal: bool


def candidate(threshold: int) -> str:
    """What the detector with another threshold is called in the figures."""
    return f"{scorer.NAME} at {threshold} dB"


def choose(found: Sequence[Found], quiet: Sequence[Quiet], without: str) -> Choice:
    """Of the thresholds within the goal for false windows the one that finds most of the other families within a week;
    of equal ones the highest.
    """
    rest = [one for one in found if one.family != without]
    tried = []
    for threshold in CANDIDATES:
        name = candidate(threshold)
        mine = [one for one in quiet if one.judge == name]
        false = rate(sum(one.false for one in mine), sum(one.years for one in mine)).value
        tried.append(
            Choice(
                without=without,
                threshold=threshold,
                week=shares(rest, name).week,
                false_a_year=false,
                in_goal=false <= FALSE_A_YEAR,
            )
        )
    good = [one for one in tried if one.in_goal]
    if good:
        return max(good, key=lambda one: (one.week, one.threshold))
    return min(tried, key=lambda one: (one.false_a_year, -one.threshold))
