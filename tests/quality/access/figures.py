"""What a run says, put together from its organisations: these are the lines of the results file."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from postwarden.lab.logs import FAMILIES
from tests.quality.access import scorer
from tests.quality.access.baselines import BASELINES
from tests.quality.access.calibrate import Choice
from tests.quality.access.measure import WEEK, Found, Interval, Shares, difference, rate, shares
from tests.quality.access.nisc import Case
from tests.quality.access.run import Outcome

RESULTS = Path(__file__).with_name("results.jsonl")

#: Intrusions that are counted together, beside the families.
ALL, HARD, READ_ONLY = "all", "hard", "read only"
HOSTING = ("foreign_hosting", "hosting_inside")

Kind = Literal["test", "development"]


class Row(Struct, frozen=True, kw_only=True):
    """What each judge found of one group of intrusions, in one view or, counted once in each, in both."""

    group: str
    view: str
    shares: dict[str, Shares]


class Gain(Struct, frozen=True, kw_only=True):
    """By how much more of a group the detector found than a baseline did: within a week, and ever."""

    group: str
    judge: str
    week: Interval | None
    ever: Interval | None


class Alarms(Struct, frozen=True, kw_only=True):
    """What a judge opened, before any budget. `false` and `early` (in the first 30 days of a log) are windows per
    account and year, `weekly` all windows a week and 1,000 accounts, `count` the false windows, `signs` their heaviest reasons.
    """

    judge: str
    view: str
    run: Literal["null", "with intruders"]
    count: int
    years: float
    false: Interval
    early: int
    weekly: float
    signs: dict[str, int] = {}


class Size(Struct, frozen=True, kw_only=True):
    """How much was simulated; `nisc` is how many people the NISC case had, 0 where it was left out."""

    worlds: int
    null: int
    people: int
    days: int
    each: int
    nisc: int


class Record(Struct, frozen=True, kw_only=True):
    """One line of the results file: a run, and everything that it said.

    `missed` is how many intrusions the detector never found; of them `swallowed` are cited by a window that it opened
    before the entry.
    """

    kind: Kind
    date: str
    commit: str
    judged: str
    seeds: tuple[str, ...]
    settings: str
    threshold: int
    seconds: int
    size: Size
    without: tuple[str, ...]
    limits: dict[str, dict[str, float]]
    rows: tuple[Row, ...]
    missed: int
    swallowed: int
    coverage: tuple[Row, ...]
    gains: tuple[Gain, ...]
    alarms: tuple[Alarms, ...]
    nisc: tuple[Case, ...] = ()
    choices: tuple[Choice, ...] = ()
    left_out: tuple[Row, ...] = ()


def rows(found: Sequence[Found], judges: Sequence[str], view: str = "both") -> tuple[Row, ...]:
    """The families, and the groups that cut across them."""
    found = [one for one in found if view in {one.view, "both"}]
    groups: list[tuple[str, Callable[[Found], bool]]] = [
        *((family, lambda one, family=family: one.family == family) for family in FAMILIES),
        (READ_ONLY, lambda one: one.leaves == "nothing"),
        (HARD, lambda one: one.hard),
        (ALL, lambda _one: True),
    ]
    return tuple(
        Row(group=name, view=view, shares={judge: shares(chosen, judge) for judge in judges})
        for name, within in groups
        if (chosen := [one for one in found if within(one)])
    )


def coverage(found: Sequence[Found], judges: Sequence[str]) -> tuple[Row, ...]:
    """The families from hosting networks by how many of these networks the judges were told of."""
    bands = (("0", 0.0, 0.0), ("0.3 to 0.6", 0.01, 0.6), ("0.6 to 0.9", 0.6001, 1.0))
    return tuple(
        Row(group=f"{family}, {name}", view="both", shares={judge: shares(chosen, judge) for judge in judges})
        for family in HOSTING
        for name, low, high in bands
        if (chosen := [one for one in found if one.family == family and low <= one.coverage <= high])
    )


def gains(found: Sequence[Found]) -> tuple[Gain, ...]:
    """The detector against each baseline, by group."""
    made = []
    for group in (*FAMILIES, READ_ONLY, HARD, ALL):
        chosen = [
            one
            for one in found
            if group in {ALL, one.family}
            or (group == HARD and one.hard)
            or (group == READ_ONLY and one.leaves == "nothing")
        ]
        made += [
            Gain(
                group=group,
                judge=name,
                week=difference(chosen, scorer.NAME, name, WEEK),
                ever=difference(chosen, scorer.NAME, name, math.inf),
            )
            for name in BASELINES
        ]
    return tuple(made)


def alarms(
    outcomes: Sequence[Outcome], run: Literal["null", "with intruders"], judges: Sequence[str]
) -> tuple[Alarms, ...]:
    """How often each judge alarmed, in each view and in both."""
    made = []
    for judge in judges:
        for view in ("dovecot", "exchange", "both"):
            chosen = [
                one
                for outcome in outcomes
                for one in outcome.quiet
                if one.judge == judge and view in {one.view, "both"}
            ]
            years = sum(one.years for one in chosen)
            if not years:
                continue
            count = sum(one.false for one in chosen)
            made.append(
                Alarms(
                    judge=judge,
                    view=view,
                    run=run,
                    count=count,
                    years=round(years, 1),
                    false=rate(count, years),
                    early=sum(one.early for one in chosen),
                    signs=dict(sum((Counter(one.signs) for one in chosen), Counter()).most_common()),
                    weekly=round(sum(one.windows for one in chosen) / years / 365.25 * 7 * 1000, 2),
                )
            )
    return tuple(made)


def append(record: Record, path: Path = RESULTS) -> None:
    """Adds a run to those that are there."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(record) + b"\n")


def records(path: Path = RESULTS) -> list[Record]:
    """All runs, the oldest first."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Record) for line in path.read_bytes().splitlines()]
