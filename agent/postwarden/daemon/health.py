"""How the agent itself is: settings in its own scope, which rules judge like everything else."""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from postwarden.findings.store import StateStore
from postwarden.model.evidence import Setting
from postwarden.model.reading import CheckDone, Excess, Item, Observed
from postwarden.model.scope import Scope, agent_scope
from postwarden.pipeline.collect import Part, Reading, conclude

#: The agent as a source of statements about itself.
SOURCE = "postwarden"
#: The value of a setting with which all is well.
NONE = "none"
#: How long a clock that was set is spoken of.
REMEMBERED = timedelta(days=1)
#: A record this far in the future says that the clock went back.
TOLERANCE = timedelta(seconds=5)
#: Names that one value lists.
MAX_NAMES = 20

_MIB = 1024 * 1024


class Troubles(Struct, frozen=True, kw_only=True):
    """What only the running daemon knows.

    `beyond_need` are rights that sources grant us and that we do not need, None before a whole round was read;
    `refused` is why the configuration on the disk is not in force.
    """

    steps: tuple[tuple[datetime, timedelta], ...] = ()
    beyond_need: frozenset[str] | None = None
    refused: str | None = None


class Round:
    """Gathers what sources grant beyond need, over one interval after the other.

    A round is known when it has ended: before, a right that is not in it may only not have been read yet.
    """

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._found: set[str] = set()
        self._sources: set[str] = set()
        self.known: frozenset[str] | None = None

    def add(self, sources: Iterable[str], excess: Iterable[Excess]) -> None:
        self._sources.update(sources)
        self._found.update(f"{one.source}: {one.message}" for one in excess)

    def look(self, now: float, interval: float, sources: Iterable[str]) -> None:
        """Ends the round if its time has come and each source was read in it; times are in seconds."""
        if now - self._begin >= interval and self._sources >= set(sources):
            self.known = frozenset(self._found)
            self._begin, self._found, self._sources = now, set(), set()


def settings(
    store: StateStore,
    troubles: Troubles,
    *,
    notifiers: Collection[str],
    state: Path,
    disk_low: int,
    now: datetime,
) -> Mapping[tuple[str, str], str]:
    """Check and name of each setting that can be told now, and its value; `notifiers` are the configured ones."""
    sweeps = store.sweeps
    told = {
        ("sweeps", "sweep_overdue"): _names(sweeps.overdue(now)),
        ("credentials", "credential_refused"): _names(sweeps.refused()),
        ("rights", "rights_lost"): _names(sweeps.lost()),
        ("clock", "clock_stepped"): _clock(sweeps.latest(), troubles.steps, now),
        ("disk", "disk_low"): _disk(state, disk_low),
        ("configuration", "configuration_refused"): troubles.refused or NONE,
        ("notifiers", "notifier_failing"): _names(
            [name for name in store.delivered.failing() if name in notifiers]
        ),
    }
    if troubles.beyond_need is not None:
        told["excess", "rights_beyond_need"] = _names(sorted(troubles.beyond_need))
    return told


def reading(
    told: Mapping[tuple[str, str], str], *, origin: str, now: datetime, keep: Callable[[bytes], str | None]
) -> Reading:
    """The settings as a reading of the agent's scope."""
    scope = agent_scope(origin)
    checks = tuple(check for check, _ in told)
    part = Part(source=SOURCE, checks=checks, items=_items(told, scope, now))
    return conclude(scope, [part], lambda _source, _check: None, keep)


def _items(told: Mapping[tuple[str, str], str], scope: Scope, now: datetime) -> Iterator[Item]:
    for (check, name), value in told.items():
        setting = Setting(scope=scope, source=SOURCE, check=check, observed=now, name=name, value=value)
        yield Observed(evidence=setting, raw=f"{name} = {value}\n".encode("utf-8", "backslashreplace"))
        yield CheckDone(scope=scope, source=SOURCE, check=check)


def _names(names: list[str]) -> str:
    more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    return ", ".join([*names[:MAX_NAMES], *more]) or NONE


def _clock(latest: datetime | None, steps: Iterable[tuple[datetime, timedelta]], now: datetime) -> str:
    if latest is not None and latest > now + TOLERANCE:
        return "back behind records"
    recent = [step for when, step in steps if abs(now - when) < REMEMBERED]
    if not recent:
        return NONE
    furthest = max(recent, key=abs)
    return f"{'forwards' if furthest > timedelta() else 'back'} by {abs(round(furthest.total_seconds()))} s"


def _disk(state: Path, least: int) -> str:
    try:
        free = shutil.disk_usage(state).free
    except OSError as exc:
        return f"unknown: {exc.strerror}"
    return f"less than {least} MiB free" if free < least * _MIB else NONE
