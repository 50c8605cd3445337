"""Sessions of the history into windows: provisionally when they come, finally when every line has come.

A session is scored at once by one that looks ahead and learns nothing. When the bound of the slowest log's delay has
passed, it is scored again in the order of time and learnt: so the order in which lines came makes no difference, and a
replay of the whole history comes to the same.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.access.distances import Countries, km_between
from postwarden.access.networks import Place
from postwarden.config.settings import Config
from postwarden.detect.access.calendar import Calendar
from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.detect.access.scorer import Scorer
from postwarden.detect.access.settings import VERSION, Settings
from postwarden.history import replay
from postwarden.history.history import History
from postwarden.history.kept import open_kept
from postwarden.history.replay import Began, Ended, Marks
from postwarden.model.window import Window
from postwarden.pipeline.log_sources import LOG_FILES
from postwarden.pipeline.scored import PROGRESS, Progress
from postwarden.pipeline.sessions_told import Telling

#: How long one looks ahead from the same habits, in milliseconds.
AHEAD = 10 * 60_000
#: Milliseconds between two times at which what was learnt is kept: what was not is made again from the history.
KEEP = 60_000
#: So many late sessions, and more than come in time, are a log that was added.
ADDED = 1000
#: Kilometres an hour of an airliner, and a distance below which databases of places are no proof.
SPEED, SURE = 900, 500

#: Events in the order of their times; what makes equal times differ is nothing that depends on how lines came.
Event = tuple[int, int, str, Entry | End]


class Turn(Struct, frozen=True, kw_only=True):
    """What one turn gave: windows that are new or changed, and whether everything was scored anew."""

    windows: tuple[Window, ...]
    scored: int
    horizon: int
    anew: bool


class Scoring:
    """Scores one organisation's history. One thread uses it. `telling` says whose a session is, and where from."""

    def __init__(self, state: Path, config: Config, countries: Countries, telling: Telling) -> None:
        self._state, self._config, self.telling = state, config, telling
        self._countries = countries
        self._calendars: dict[str | None, Calendar] = {}
        self._scorer = self._fresh()
        self._ahead: Scorer | None = None
        self._ahead_since = 0
        self._pending: list[Event] = []
        self._progress: Progress | None = None
        self._saved: bytes | None = None
        self._kept_at = -KEEP
        #: Whether any window was given that all lines together may take back.
        self.provisional = False

    @property
    def scorer(self) -> Scorer:
        return self._scorer

    @property
    def progress(self) -> Progress | None:
        return self._progress

    def turn(
        self,
        history: History,
        now: int,
        answers: Sequence[Answer] = (),
        occasions: Sequence[tuple[str, int, str]] = (),
        *,
        anew: bool = False,
        tell: Callable[[int], None] = lambda _count: None,
    ) -> Turn:
        """Scores what is new. `answers` are all that were given, oldest first, `occasions` what was made at accounts:
        account, time and words. Raises HistoryError.
        """
        with open_kept(self._state) as kept:
            meta = kept.meta()
            if not anew and (self._progress is None or meta.get("progress") != self._saved):
                # Somebody else may have gone on since.
                self._progress = None
                self._load(meta, kept.accounts(), history)
            progress = self._progress
            anew = anew or progress is None or len(answers) < progress.answers
            windows: dict[tuple[str, str], Window] = {}
            for name, key in self.telling.keys.items():
                # A directory knows by now whose habits these are.
                self._scorer.rename(name, key)
            marks = replay.last(history.base)
            fresh, late = (
                self._new(history, progress, marks) if progress is not None and not anew else ([], [])
            )
            # A log that was added tells of times that are over: then everything is scored anew.
            anew = anew or (len(late) >= ADDED and 2 * len(late) >= len(fresh))
            if anew or progress is None:
                self._scorer, self._pending, self._ahead = self._fresh(), [], None
                progress, fresh, late = Progress(form=self._form()), [], []
            lateness = _lateness(history, self._config)
            # Before the first line nothing is final: a log that is read for the first time goes far back.
            horizon = max(progress.horizon, now - lateness) if lateness is not None else progress.horizon
            self._departed()
            for account, time, words in occasions:
                self._scorer.note(account, time, words)
            count = 0
            if anew:
                events: Iterable[Event] = self._all(history, marks, horizon)
            else:
                for event in fresh:
                    if event[0] > progress.horizon:
                        heapq.heappush(self._pending, event)
                events = self._due(horizon)
            for window, scored in self._final(events, answers[progress.answers :], horizon):
                count += scored
                if scored and count % 100_000 == 0:
                    tell(count)
                for one in window:
                    windows[one.account, one.subject] = one
            for one in self._provisional(fresh, answers, horizon, now, again=anew or count > 0):
                if (one.account, one.subject) not in windows:
                    windows[one.account, one.subject] = replace(one, provisional=one.opened > horizon)
                    self.provisional = self.provisional or one.opened > horizon
            self._progress = replace(
                progress, horizon=horizon, looked=now, marks=marks, low=self._low(marks), scored=progress.scored + count,
                answers=sum(1 for one in answers if one.time <= horizon), late=progress.late + len(late),
            )  # fmt: skip
            if anew or (count and now - self._kept_at >= KEEP):
                common, accounts = self._scorer.saved()
                saved = msgspec.msgpack.encode(self._progress)
                kept.save({"common": common, "progress": saved}, accounts, self._scorer.gone, anew=anew)
                self._scorer.gone.clear()
                self._saved, self._kept_at = saved, now
        return Turn(windows=tuple(windows.values()), scored=count, horizon=horizon, anew=anew)

    def _new(self, history: History, progress: Progress, marks: Marks) -> tuple[list[Event], list[Event]]:
        """What came since, and what of it is too late to be learnt."""
        fresh = list(self._read(history, progress.marks, marks))
        return fresh, [event for event in fresh if event[0] <= progress.horizon]

    def _fresh(self) -> Scorer:
        return Scorer(Settings(), self._hour, self._hours)

    def _load(
        self, meta: Mapping[str, bytes], accounts: Iterator[tuple[str, bytes]], history: History
    ) -> None:
        """Goes on where it was left, unless something is different that everything depends on."""
        if "progress" not in meta:
            return
        try:
            progress = PROGRESS.decode(meta["progress"])
            if progress.form != self._form() or progress.marks.access > replay.last(history.base).access:
                return
            self._scorer.load(meta["common"], accounts)
        except (msgspec.MsgspecError, KeyError):
            # Of another postwarden, or damaged: everything is in the history.
            self._scorer = self._fresh()
            return
        self._progress, self._saved = progress, meta["progress"]
        self._pending, self._ahead = [], None
        for event in self._read(history, progress.low, progress.marks):
            if event[0] > progress.horizon:
                heapq.heappush(self._pending, event)

    def _form(self) -> str:
        access = self._config.access
        told = repr((VERSION, Settings(), access.zone, access.holidays, access.free_days))
        return hashlib.sha256(told.encode()).hexdigest()

    def _read(self, history: History, after: Marks, until: Marks) -> Iterator[Event]:
        for one in replay.began(history.base, after.access, until.access, by_time=False):
            if (event := self._event(one)) is not None:
                yield event
        for two in replay.ended(history.base, after.ending, until.ending, by_time=False):
            if (event := self._event(two)) is not None:
                yield event

    def _all(self, history: History, marks: Marks, horizon: int) -> Iterator[Event]:
        """Everything that is final, in the order of time; the rest waits."""
        begun = self._events(replay.began(history.base, 0, marks.access, by_time=True))
        ended = self._events(replay.ended(history.base, 0, marks.ending, by_time=True))
        for event in _in_order(heapq.merge(begun, ended, key=lambda event: event[:2])):
            if event[0] <= horizon:
                yield event
            else:
                heapq.heappush(self._pending, event)

    def _events(self, rows: Iterable[Began | Ended]) -> Iterator[Event]:
        for row in rows:
            if (event := self._event(row)) is not None:
                yield event

    def _event(self, row: Began | Ended) -> Event | None:
        told = self.telling.tell(row)
        if told is None:
            return None
        if isinstance(told, End):
            where = told.place.place if told.place is not None else None
            return (
                told.time,
                0,
                f"{told.account} {told.protocol} {told.family} {where} {told.bytes_out} {told.number}",
                told,
            )
        what = f"{told.account} {told.source} {told.session} {told.address} {told.protocol} {told.family} {told.refused}"
        # Only what is the same in everything that is judged is told apart by its number.
        return told.time, 1, f"{what} {told.token} {told.method} {told.attempts} {told.row}", told

    def _due(self, horizon: int) -> Iterator[Event]:
        while self._pending and self._pending[0][0] <= horizon:
            yield heapq.heappop(self._pending)

    def _final(
        self, events: Iterable[Event], answers: Sequence[Answer], horizon: int
    ) -> Iterator[tuple[tuple[Window, ...], int]]:
        scorer, waiting = self._scorer, [one for one in answers if one.time <= horizon]
        for time, _, _, event in events:
            while waiting and waiting[0].time <= time:
                scorer.answer(self._addressed(waiting.pop(0)))
            if isinstance(event, Entry):
                yield scorer.take(event), 1
            else:
                scorer.end(event)
        for answer in waiting:
            scorer.answer(self._addressed(answer))
        yield scorer.wait(horizon), 0

    def _provisional(
        self, fresh: Sequence[Event], answers: Sequence[Answer], horizon: int, now: int, *, again: bool
    ) -> Iterator[Window]:
        ahead = self._ahead
        if ahead is None or (again and now - self._ahead_since >= AHEAD):
            ahead = self._ahead = self._scorer.ahead()
            self._ahead_since = now
            for answer in answers:
                if answer.time > horizon:
                    ahead.answer(self._addressed(answer))
            fresh = sorted(self._pending, key=lambda event: event[:3])
        for _, _, _, event in sorted(fresh, key=lambda event: event[:3]):
            if isinstance(event, Entry):
                yield from ahead.take(event)
            else:
                ahead.end(event)
        yield from ahead.wait(now)

    def _addressed(self, answer: Answer) -> Answer:
        """The answer with the account that has the window: a finding of a name that no directory knows is the source's."""
        accounts = self._scorer.accounts
        if answer.account in accounts:
            return answer
        owners = (
            name
            for name, state in accounts.items()
            if any(one.subject == answer.subject for one in state.windows)
        )
        return replace(answer, account=next(owners, answer.account))

    def _low(self, marks: Marks) -> Marks:
        """Numbers from which on what waits is read again."""
        begun = [event.row for _, _, _, event in self._pending if isinstance(event, Entry)]
        ended = [event.number for _, _, _, event in self._pending if isinstance(event, End)]
        return Marks(min(begun, default=marks.access + 1) - 1, min(ended, default=marks.ending + 1) - 1)

    def _departed(self) -> None:
        for name, day in self._config.access.departed.items():
            since = datetime(day.year, day.month, day.day, tzinfo=UTC)
            self._scorer.leaves(self.telling.account(name), int(since.timestamp()) * 1000)

    def _hour(self, time: int, country: str | None) -> int:
        calendar = self._calendars.get(country)
        if calendar is None:
            access = self._config.access
            zone = self._countries.zone(country) if country is not None else None
            of = access.holidays[0] if access.holidays else country
            calendar = self._calendars[country] = Calendar(
                zone or access.zone, of, frozenset(access.free_days)
            )
        return calendar.hour_of_week(time)

    def _hours(self, one: Place, other: Place) -> float | None:
        """The hours that lie between two places at least, None where that is not known or proves nothing."""
        if one.coordinates is not None and other.coordinates is not None:
            kilometres = km_between(one.coordinates, other.coordinates)
            return kilometres / SPEED if kilometres >= SURE else None
        if (
            one.country is None
            or other.country is None
            or self._countries.neighbours(one.country, other.country)
        ):
            return None
        return self._countries.least_hours(one.country, other.country) or None


def _in_order(events: Iterable[Event]) -> Iterator[Event]:
    """The same with those of one millisecond in an order that does not depend on their numbers."""
    same: list[Event] = []
    for event in events:
        if same and event[:2] != same[0][:2]:
            yield from sorted(same, key=lambda one: one[2])
            same.clear()
        same.append(event)
    yield from sorted(same, key=lambda one: one[2])


def _lateness(history: History, config: Config) -> int | None:
    """Milliseconds after which every line has come, of the slowest log that is configured; None where none has any yet."""
    given: dict[str, int] = {
        entry.name: entry.options["lateness"]
        for _, entry in config.watched
        if entry.kind == LOG_FILES and entry.options.get("lateness") is not None
    }
    bounds = [
        given[name] * 1000 if name in given else standing.lateness
        for name, standing in history.read.sources().items()
        if standing.events
    ]
    return max(bounds, default=None)


def milliseconds(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
