"""From a service's sign-ins into the history: what is new is asked for, and told apart by its id from what is there.

Services tell of a sign-in late, so the time that they may still add to is asked for once more in every turn. A record
that was stored is not stored again, also where the service has changed it since: what happened has not happened twice.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from postwarden.connectors.log_files.following import Unreadable
from postwarden.connectors.rest.sign_ins import ReadTo, SignIn, SignInSource
from postwarden.errors import ConnectorError
from postwarden.history.history import History
from postwarden.history.standing import Trouble
from postwarden.history.storing import IDLE, Storing
from postwarden.model.arrival import Batch, Cursor, Note
from postwarden.model.event import Access
from postwarden.model.reading import Gap
from postwarden.pipeline.ingest import MAX_TROUBLES, Progress
from postwarden.pipeline.sign_in_mark import (
    HOUR,
    MOST,
    Mark,
    Seen,
    after_the_clock,
    cursor_of,
    first_mark,
    forgettable,
    head,
    mark_of,
    seconds,
)

#: Seconds from one turn that asks the service to the next, at least; after a long one, so many times as long as it
#: took, but no more than an hour.
EVERY, SHARE = 300.0, 10
#: Events that are stored at a time.
BATCH = 2_000
#: What stands where a log's file would.
PLACE = "sign-ins"


class SignInIngester:
    """Reads one source's sign-ins into a history; how far it is, is known by the history alone.

    It asks in a turn only where the last time is long enough ago by `steady`, in seconds, and where it has far to go it
    breaks off after `at_once` seconds: its next turn goes on there.
    """

    def __init__(
        self,
        source: SignInSource,
        clock: Callable[[], datetime],
        steady: Callable[[], float],
        at_once: float | None = None,
    ) -> None:
        self.source, self._clock, self._steady, self._at_once = source, clock, steady, at_once
        self._due = float("-inf")
        self._up_to_date = False

    def turn(self, history: History, storing: Storing) -> Iterator[Progress]:
        """Everything that is new; each step is stored when it is given. Raises HistoryError."""
        began = self._steady()
        if began < self._due:
            return
        # Also where it fails: a service is not asked again at once.
        self._due = began + EVERY
        reading = _Reading(self.source, history, storing, self._clock, fresh=self._up_to_date)
        self._up_to_date = False
        broken_off = False
        for told in self.source.read_sign_ins(reading.begin, reading.until):
            match told:
                case SignIn():
                    if reading.take(told):
                        yield reading.store()
                case ReadTo():
                    yield reading.read_to(told.time)
                    late = self._at_once is not None and self._steady() - began >= self._at_once
                    broken_off = late and reading.is_far_behind
                case Gap():
                    reading.gaps.append(told)
            if broken_off:
                break
        yield from reading.finish()
        self._up_to_date = not broken_off and not reading.failed
        ended = self._steady()
        rest = min(SHARE * (ended - began), HOUR)
        self._due = ended if broken_off else max(began + EVERY, ended + rest)


class _Reading:
    """One reading under way: from `begin` to `until`, what is not stored yet, and the cursor behind what is."""

    def __init__(
        self,
        source: SignInSource,
        history: History,
        storing: Storing,
        clock: Callable[[], datetime],
        *,
        fresh: bool,
    ) -> None:
        self._source, self._history, self._storing, self._clock = source, history, storing, clock
        self._fresh = fresh
        self.until = clock().replace(microsecond=0)
        self._now = seconds(self.until)
        self.gaps: list[Gap] = []
        self._notes: tuple[Note, ...] = ()
        self._pending: list[Access] = []
        self._strange = 0
        self._given_up: int | None = None
        known = cursor_of(source.name, storing.cursors(source.name))
        self._cursor = known or Cursor(head=head(source.name), path=PLACE)
        self._mark = self._found(known)
        self._seen = Seen(self._mark.seen)
        self.begin = datetime.fromtimestamp(self._mark.settled, UTC)

    def _found(self, known: Cursor | None) -> Mark:
        """Where to go on; what the service does not keep any more by now is lost."""
        first = first_mark(self._now, self._source.sign_ins_kept)
        if known is None:
            return first
        lateness = self._source.sign_in_lateness
        mark = after_the_clock(
            mark_of(known), _seconds(known.latest), self._now, self._source.sign_ins_kept, lateness
        )
        if mark.settled >= first.settled:
            return mark
        if mark.read_to < first.settled:
            words = (
                f"the sign-ins from {_text(mark.read_to)} to {_text(first.settled)} are lost: nobody asked for them, and the "
                f"service keeps them for {self._source.sign_ins_kept.days} days"
            )
            self._notes = (Note(mishap="gone", path=PLACE, words=words, lost=True, time=self._now * 1000),)
        return replace(mark, read_to=max(mark.read_to, first.settled), settled=first.settled)

    @property
    def failed(self) -> bool:
        """Whether the service could not be read to the end."""
        return any(gap.part is None for gap in self.gaps)

    @property
    def is_far_behind(self) -> bool:
        """Whether there is more to read than what the service may still add to."""
        return self._mark.read_to < self._settling

    @property
    def _settling(self) -> int:
        """What happened before this has been told by now."""
        return self._now - self._source.sign_in_lateness // timedelta(seconds=1)

    def take(self, one: SignIn) -> bool:
        """Takes a sign-in where it is new; whether it is time to store."""
        time = one.access.time // 1000
        if not self._mark.settled <= time <= self._now:
            self._strange += 1
        elif self._seen.add(one.id, time):
            self._pending.append(one.access)
        return len(self._pending) >= BATCH

    def read_to(self, time: datetime) -> Progress:
        """Stores what there is, with the mark at this time."""
        reached = max(self._mark.read_to, seconds(time))
        settled = max(self._mark.settled, min(seconds(time), self._settling))
        self._seen.forget(forgettable(settled, _seconds(self._latest()), self._source.sign_in_lateness))
        dropped = self._seen.shrink(MOST)
        if dropped is not None and dropped > settled:
            settled = self._given_up = dropped
        self._mark = replace(self._mark, read_to=reached, settled=settled)
        return self.store()

    def store(self) -> Progress:
        """What was taken and the cursor behind it, in one transaction; raises HistoryError."""
        first = self._cursor.offset
        events = [replace(one, at=first + place) for place, one in enumerate(self._pending)]
        cursor = replace(
            self._cursor,
            offset=first + len(events),
            state=msgspec.msgpack.encode(replace(self._mark, seen=self._seen.kept())),
            read=_milliseconds(self._clock()),
            latest=self._latest(),
        )
        batch = Batch(
            source=self._source.name,
            cursor=cursor,
            events=[*events],
            unread=[],
            doubtful=[],
            passed=0,
            lines=len(events),
            fresh=self._fresh,
            notes=self._notes,
        )
        (self._cursor,) = self._history.store(
            self._storing, [(batch, IDLE, False)], _milliseconds(self._clock())
        )
        self._pending, self._notes = [], ()
        return Progress(source=self._source.name, path=PLACE, lines=len(events), events=len(events))

    def finish(self) -> Iterator[Progress]:
        """Stores what came before a failure, and takes note of how the service was found."""
        if self._pending:
            yield self.store()
        told = (
            Trouble(path=gap.part or PLACE, reason=gap.reason, message=gap.message, hint=gap.hint)
            for gap in self.gaps
        )
        troubles = (*self._own_troubles(), *told)[:MAX_TROUBLES]
        least = self._source.sign_in_lateness // timedelta(milliseconds=1)
        with self._history.transaction():
            self._storing.looked(self._source.name, troubles, _milliseconds(self._clock()), least=least)
        for gap in self.gaps:
            if gap.part is None:
                error = ConnectorError(gap.message, gap.hint, reason=gap.reason)
                yield Progress(
                    source=self._source.name, path=PLACE, unreadable=Unreadable(path=PLACE, error=error)
                )

    def _own_troubles(self) -> Iterator[Trouble]:
        if self._strange:
            yield Trouble(
                path="sign-ins of other times", reason="malformed",
                message=f"{self._strange} sign-ins came that are not of the time that was asked for; they are not stored",
                hint="look at the server, or at the proxy before it",
            )  # fmt: skip
        if self._given_up is not None:
            yield Trouble(
                path="late sign-ins", reason="unsupported",
                message=f"there are more than {MOST} sign-ins that may still change: those of before {_text(self._given_up)} "
                "that the service tells from now on are not seen",
                hint="export sign-ins by diagnostic settings and read them as a log, or accept this gap",
            )  # fmt: skip

    def _latest(self) -> int | None:
        times = [one.time for one in self._pending]
        if self._cursor.latest is not None:
            times.append(self._cursor.latest)
        return max(times, default=None)


def _seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else milliseconds // 1000


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _text(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"
