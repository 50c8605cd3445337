"""The case that this project is named for: an organisation of 500, entry in October, found out by others in June.

Twice: with the agent there before the entry, and installed after it, when the intruder may be part of all history that
is left. How much that is follows from how long logs are kept: 30, 90 or 400 days.

To take minutes and not hours, of the sessions of one account from one address over one protocol only the first in each
hour is used, the intruder's like everybody's: what is told of polling by the clock is weaker here than in the other
runs. The view is Dovecot's. The organisation has 24 intruders at once, three of each family: one in twenty accounts,
which makes a comparison with colleagues no easier.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec import Struct

from postwarden.detect.access.entry import Entry
from tests.quality.access.baselines import Stays
from tests.quality.access.judge import Make
from tests.quality.access.measure import DAY_MS
from tests.quality.access.operators import HOUR_MS, Operators
from tests.quality.access.run import Accounts
from tests.quality.access.watch import Truth, Watch
from tests.quality.access.world import World, organisation, steps

Agent = Literal["there before the entry", "installed after the entry"]

BEFORE, ENTRY, AFTER, FOUND_OUT = date(2022, 9, 1), date(2022, 10, 1), date(2023, 2, 15), date(2023, 6, 13)
KEPT_DAYS = (30, 90, 400)
INSTALLED: dict[Agent, date] = {"there before the entry": BEFORE, "installed after the entry": AFTER}


class Case(Struct, frozen=True, kw_only=True):
    """One judge, installed at one of the two times, with logs of `kept` days.

    `days` are, for each intrusion by family, the days from the entry to the first finding, None where it was not found;
    what a judge finds while it reads the logs that are there is found on the day of installation. `waiting` is how many
    windows it opened in those logs: what the administrator is faced with on the first day. `false` are windows without
    an intruder's session from the day of installation on, in so many `years` of accounts.
    """

    judge: str
    agent: str
    kept: int
    days: dict[str, list[float | None]]
    waiting: int
    waiting_false: int
    false: int
    years: float
    accounts: int


class _Seat:
    """One judge at one installation."""

    def __init__(self, name: str, make: Make, agent: Agent, kept: int, seed: str, truth: Truth) -> None:
        self.name, self.agent, self.kept = name, agent, kept
        self.installed = _ms(INSTALLED[agent])
        self.begins = self.installed - kept * DAY_MS
        self.watch = Watch(make(), Operators(f"{seed} nisc"), truth, self.installed)


def world(seed: str, people: int, each: int) -> World:
    """The organisation, from the oldest log that any installation reads to the day on which it was found out."""
    begin = date.fromordinal(BEFORE.toordinal() - max(KEPT_DAYS))
    entry = ENTRY.toordinal() - begin.toordinal()
    return organisation(
        f"{seed} nisc",
        people=people,
        days=FOUND_OUT.toordinal() - begin.toordinal(),
        each=each,
        uncovered=False,
        begin=begin,
        entries=(entry, entry + 27),
    )


def run(
    seed: str,
    people: int,
    each: int,
    judges: Mapping[str, Make],
    baselines: Mapping[str, Make],
    agents: Sequence[Agent],
) -> list[Case]:
    """Every judge at each installation, in one pass over the logs; the baselines are given the beginnings of stays."""
    organised, truth = world(seed, people, each), Truth()
    whole, parts = (
        [
            _Seat(name, make, agent, kept, seed, truth)
            for name, make in some.items()
            for agent in agents
            for kept in KEPT_DAYS
        ]
        for some in (judges, baselines)
    )
    stays = Stays()
    accounts = Accounts(organised)
    for step in steps(organised, thinned=HOUR_MS):
        told = step.dovecot
        if isinstance(told, Entry):
            if step.intruder is not None:
                truth.note(told, step.intruder)
            accounts.note(told)
            for seat in (*whole, *parts) if stays.begins(told) else whole:
                if told.time >= seat.begins:
                    seat.watch.take(told)
        elif told is not None:
            for seat in whole:
                if told.time >= seat.begins:
                    seat.watch.end(told)
    return [_case(seat, organised, truth, accounts) for seat in (*whole, *parts)]


def _case(seat: _Seat, organised: World, truth: Truth, accounts: Accounts) -> Case:
    days: dict[str, list[float | None]] = {}
    for one in organised.plan.intrusions:
        entered = truth.entered.get(one.seed)
        if entered is None:
            continue
        at = seat.watch.found.get(one.seed)
        days.setdefault(one.family, []).append(round((at - entered) / DAY_MS, 2) if at is not None else None)
    false = seat.watch.false_windows()
    return Case(
        judge=seat.name,
        agent=seat.agent,
        kept=seat.kept,
        days=days,
        waiting=sum(one.window.opened < seat.installed for one in seat.watch.windows.values()),
        waiting_false=sum(one.window.opened < seat.installed for one in false),
        false=sum(one.window.opened >= seat.installed for one in false),
        years=round(accounts.years(seat.installed), 2),
        accounts=len(accounts),
    )


def _ms(day: date) -> int:
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS
