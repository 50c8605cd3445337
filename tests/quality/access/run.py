"""Runs judges over one organisation: the logs are made once, and every judge and view sees them in the same pass."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from postwarden.detect.access.entry import Entry
from postwarden.model.window import Window
from tests.quality.access.baselines import BASELINES, Rate, Rated, Stays, Sticky
from tests.quality.access.judge import Judge, Make
from tests.quality.access.measure import Found
from tests.quality.access.operators import Operators
from tests.quality.access.watch import Truth, Watch
from tests.quality.access.world import VIEWS, View, World, steps

DAY_MS = 86_400_000
#: The first days of a log, in which little is known of anybody; counted apart too.
FIRST_DAYS = 30


class Quiet(Struct, frozen=True, kw_only=True):
    """What one judge opened in one view of one organisation.

    `windows` are all, `false` those without a session of an intruder, `early` the false ones of the first 30 days.
    `years` are the years of accounts that were watched: from an account's first entry to the end of the logs.
    `signs` counts the heaviest reasons of the false ones.
    """

    world: str
    view: str
    judge: str
    windows: int
    false: int
    early: int
    years: float
    accounts: int
    signs: dict[str, int] = {}


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one organisation: its intrusions, and what was opened."""

    found: tuple[Found, ...]
    quiet: tuple[Quiet, ...]


class Accounts:
    """Whose mailboxes were watched, and since when; names that do not exist are none."""

    def __init__(self, world: World) -> None:
        plan = world.plan
        self._names = set(plan.people + plan.shared + plan.devices)
        self._since: dict[str, int] = {}
        self._end = plan.end_ms

    def note(self, entry: Entry) -> None:
        if entry.account not in self._since and entry.account in self._names and not entry.refused:
            self._since[entry.account] = entry.time

    def __len__(self) -> int:
        return len(self._since)

    def years(self, since: int = 0) -> float:
        return sum(self._end - max(since, first) for first in self._since.values()) / DAY_MS / 365.25


def evaluate(
    world: World,
    judges: Mapping[View, Mapping[str, Make]],
    baselines: Mapping[View, Mapping[str, Make]] | None = None,
) -> Outcome:
    """Each judge in each view, with people who answer it; the baselines are given the beginnings of stays only."""
    truths: dict[View, Truth] = {view: Truth() for view in VIEWS}
    whole = {view: _watches(world, view, judges[view], truths[view]) for view in VIEWS}
    parts = {view: _watches(world, view, (baselines or {}).get(view, {}), truths[view]) for view in VIEWS}
    by_view = [
        (view, truths[view], list(whole[view].values()), list(parts[view].values()), Stays())
        for view in VIEWS
    ]
    accounts = Accounts(world)
    for step in steps(world):
        for view, truth, watching, beginning, stays in by_view:
            told = step.told(view)
            if isinstance(told, Entry):
                if step.intruder is not None:
                    truth.note(told, step.intruder)
                accounts.note(told)
                for watch in watching:
                    watch.take(told)
                if beginning and stays.begins(told):
                    for watch in beginning:
                        watch.take(told)
            elif told is not None:
                for watch in watching:
                    watch.end(told)
    every = {view: {**whole[view], **parts[view]} for view in VIEWS}
    return Outcome(
        found=tuple(one for view in VIEWS for one in found(world, view, truths[view], every[view])),
        quiet=tuple(
            quiet(world, view, name, watch, accounts) for view in VIEWS for name, watch in every[view].items()
        ),
    )


def _watches(world: World, view: View, judges: Mapping[str, Make], truth: Truth) -> dict[str, Watch]:
    return {name: Watch(make(), Operators(f"{world.seed} {view}"), truth) for name, make in judges.items()}


def found(world: World, view: str, truth: Truth, watches: Mapping[str, Watch]) -> list[Found]:
    """How each intrusion went; one that left nothing in the logs of this view is none."""
    return [
        Found(
            world=world.seed,
            view=view,
            intruder=one.seed,
            family=one.family,
            leaves=one.leaves,
            coverage=round(world.coverage, 2),
            watched=round((world.plan.end_ms - entered) / DAY_MS, 1),
            days={
                name: round((watch.found[one.seed] - entered) / DAY_MS, 3)
                if one.seed in watch.found
                else None
                for name, watch in watches.items()
            },
            swallowed=tuple(
                name
                for name, watch in watches.items()
                if one.seed in watch.swallowed and one.seed not in watch.found
            ),
        )
        for one in world.plan.intrusions
        if (entered := truth.entered.get(one.seed)) is not None
    ]


def quiet(world: World, view: str, name: str, watch: Watch, accounts: Accounts) -> Quiet:
    """What a judge opened, and how much of it without a cause."""
    false = watch.false_windows()
    first = world.plan.first_ms + FIRST_DAYS * DAY_MS
    return Quiet(
        world=world.seed,
        view=view,
        judge=name,
        windows=len(watch.windows),
        false=len(false),
        early=sum(one.window.opened < first for one in false),
        years=round(accounts.years(), 3),
        accounts=len(accounts),
        signs=dict(Counter(heaviest(one.window) for one in false)),
    )


def heaviest(window: Window) -> str:
    """The sign that speaks most for an intruder."""
    return max(window.reasons, key=lambda reason: reason.weight).sign


class Beginning(NamedTuple):
    """A stay that a baseline rated, without what the rating was made from."""

    account: str
    time: int
    row: int
    network: str
    score: float


class Ratings(Struct, frozen=True, kw_only=True):
    """What the baselines thought of the stays in an organisation without intruders, and what judges opened there."""

    world: str
    beginnings: dict[str, dict[str, list[Beginning]]]
    quiet: tuple[Quiet, ...]


def rate_all(world: World, judges: Mapping[str, Make]) -> Ratings:
    """The baselines' ratings of every odd stay, and the windows of other judges, in an organisation without intruders.

    Freeman's stays below 0 decibans, which are likelier the owner's, are left out: no threshold lies there.
    """
    watches = {view: _watches(world, view, judges, Truth()) for view in VIEWS}
    rates = {view: {name: begin() for name, begin in BASELINES.items()} for view in VIEWS}
    kept: dict[str, dict[str, list[Beginning]]] = {view: {name: [] for name in BASELINES} for view in VIEWS}
    stays = {view: Stays() for view in VIEWS}
    accounts = Accounts(world)
    for step in steps(world):
        for view in VIEWS:
            told = step.told(view)
            if isinstance(told, Entry):
                accounts.note(told)
                for watch in watches[view].values():
                    watch.take(told)
                if stays[view].begins(told):
                    _rate(told, rates[view], kept[view])
            elif told is not None:
                for watch in watches[view].values():
                    watch.end(told)
    return Ratings(
        world=world.seed,
        beginnings=kept,
        quiet=tuple(
            quiet(world, view, name, watch, accounts)
            for view in VIEWS
            for name, watch in watches[view].items()
        ),
    )


def _rate(entry: Entry, rates: Mapping[str, Rate], kept: Mapping[str, list[Beginning]]) -> None:
    for name, rate in rates.items():
        rated = rate(entry)
        if rated is not None and rated.score is not None and rated.score >= 0:
            kept[name].append(Beginning(entry.account, entry.time, entry.row, rated.network, rated.score))


def windows_at(limit: float, seed: str, beginnings: Sequence[Beginning]) -> int:
    """How many windows a baseline opens with a limit, in an organisation without intruders."""
    ratings = iter([Rated(one.network, one.score) for one in beginnings])
    watch = Watch(Sticky(lambda _entry: next(ratings), limit, "limit"), Operators(seed), Truth())
    for one in beginnings:
        watch.take(Entry(row=one.row, account=one.account, time=one.time, source="", protocol="other"))
    return len(watch.windows)


def limit_for(wanted: int, ratings: Sequence[tuple[str, Sequence[Beginning]]]) -> float:
    """The highest limit with which a baseline opens at least so many windows: the same rate of alarms, or barely more.

    `ratings` are by the seed of the operators. Where even all that is odd is not so many, all of it.
    """
    low, high = 0.0, 400.0
    for _ in range(25):
        middle = (low + high) / 2
        if sum(windows_at(middle, seed, beginnings) for seed, beginnings in ratings) >= wanted:
            low = middle
        else:
            high = middle
    return low


def sticky(name: str, limit: float) -> Judge:
    """A baseline with a limit."""
    return Sticky(BASELINES[name](), limit, name)
