"""Stage four: changes of findings are told to others, driven from a cursor over the ledger.

What was sent is recorded after it was sent: a notice may come twice, with the same key, and none is lost. Sending
holds no lock of the ledger.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct

from postwarden.errors import NotifyError
from postwarden.model.encoding import encodable
from postwarden.model.finding import at_least
from postwarden.model.record import (
    AnyRecord,
    Envelope,
    FindingAcknowledged,
    FindingChanged,
    FindingOpened,
    FindingReopened,
    FindingResolved,
    Notified,
    Record,
)
from postwarden.notify import Attached
from postwarden.notify.notice import Change, Notice
from postwarden.pipeline.record import Recorder

#: Notices that one turn sends at most to one notifier, and seconds after which it begins no further one: what is sent
#: and not yet recorded comes twice after a crash.
BATCH, TURN = 64, 5.0
#: Failures in a row that end a notifier's turn: of one, only its own notice may be the cause.
PATIENCE = 2
#: Seconds until the next attempt: after the first failure, and at most.
FIRST_WAIT, LONGEST_WAIT = 10.0, 3600.0
#: Characters of a failure that a record keeps.
MAX_MESSAGE = 300
LOCK = "notify.lock"

#: Gives the recorder to one thread for a moment.
Held = Callable[[], AbstractContextManager[Recorder]]


class Delivery(Struct, frozen=True, kw_only=True):
    """A notice and who gets it."""

    to: Attached
    notice: Notice


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a delivery; `failure` is None where it was taken."""

    delivery: Delivery
    failure: str | None = None


class _Rest:
    """How often something failed in a row, and when it is tried again."""

    __slots__ = ("failures", "until")

    def __init__(self) -> None:
        self.failures, self.until = 0, 0.0

    def failed(self, now: float) -> None:
        self.until = now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self.failures, 16))
        self.failures += 1


class Courier:
    """Delivers to some notifiers. `steady` is a clock in seconds that nobody sets; one thread uses it."""

    def __init__(self, attached: Sequence[Attached], steady: Callable[[], float] = time.monotonic) -> None:
        self._attached, self._steady = tuple(attached), steady
        self._rests: dict[tuple[str, int | None], _Rest] = {}

    def begin(self, recorder: Recorder) -> None:
        """Says from where a new notifier is told; to be called before anything is audited."""

        def decide(common: Envelope) -> list[Record]:
            last = recorder.ledger.position().size - 1
            return [
                Notified(**common, notifier=one.name, records=(last,), outcome="began")
                for one in self._attached
                if recorder.store.delivered.seen(one.name) is None
            ]

        if self._attached:
            recorder.write(decide)

    def turn(self, held: Held, state: Path, *, wait: float = 0.0) -> list[Outcome]:
        """Sends what is due, a batch for each notifier, and records it.

        Does nothing where another process is at it and does not finish within `wait` seconds. Raises LedgerError
        where it cannot be recorded; the same is sent again then.
        """
        if not self._attached:
            return []
        with _alone(state, wait) as free:
            if not free:
                return []
            with held() as recorder:
                deliveries = self.take(recorder)
            outcomes = self.send(deliveries)
            if outcomes:
                with held() as recorder:
                    self.settle(recorder, outcomes)
        return outcomes

    def take(self, recorder: Recorder) -> list[Delivery]:
        """What is due now for each notifier, oldest first."""
        recorder.refresh()
        return [delivery for one in self._attached for delivery in self._due(one, recorder)]

    def send(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Sends them one after the other; those that were not tried have no outcome."""
        outcomes = []
        begin: dict[str, float] = {}
        in_a_row: dict[str, int] = {}
        for delivery in deliveries:
            name = delivery.to.name
            started = begin.setdefault(name, self._steady())
            if in_a_row.get(name, 0) >= PATIENCE or self._steady() - started > TURN:
                continue
            try:
                delivery.to.notifier.send(delivery.notice)
            except NotifyError as exc:
                in_a_row[name] = in_a_row.get(name, 0) + 1
                self._rests.setdefault((name, delivery.notice.record), _Rest()).failed(self._steady())
                outcomes.append(Outcome(delivery=delivery, failure=encodable(str(exc))[:MAX_MESSAGE]))
            else:
                in_a_row[name] = 0
                self._rests.pop((name, delivery.notice.record), None)
                outcomes.append(Outcome(delivery=delivery))
        for name in begin:
            own = [one.failure for one in outcomes if one.delivery.to.name == name]
            if own and None not in own:
                self._rests.setdefault((name, None), _Rest()).failed(self._steady())
            elif own:
                self._rests.pop((name, None), None)
        return outcomes

    def settle(self, recorder: Recorder, outcomes: Sequence[Outcome]) -> None:
        """Records what became of them."""
        groups: dict[tuple[str, str | None], list[int]] = {}
        for one in outcomes:
            groups.setdefault((one.delivery.to.name, one.failure), []).append(one.delivery.notice.record)
        recorder.write(
            lambda common: [
                Notified(
                    **common,
                    notifier=name,
                    records=tuple(records),
                    outcome="delivered" if failure is None else "failed",
                    message=failure or "",
                )
                for (name, failure), records in groups.items()
            ]
        )

    def _due(self, one: Attached, recorder: Recorder) -> Iterator[Delivery]:
        known, now = recorder.store.delivered, self._steady()
        seen = known.seen(one.name)
        if seen is None or self._rests.get((one.name, None), _NEVER).until > now:
            return
        again = [
            index
            for index in known.undelivered(one.name)
            if self._rests.get((one.name, index), _NEVER).until <= now
        ][:BATCH]
        new = known.changes_after(seen, BATCH - len(again)) if len(again) < BATCH else []
        for index in again:
            notice = _notice(index, recorder)
            if notice is not None:
                yield Delivery(to=one, notice=notice)
        passed, sending = None, False
        for index in new:
            notice = _notice(index, recorder)
            if notice is not None and at_least(notice.finding.level, one.level) and not notice.finding.quiet:
                sending = True
                yield Delivery(to=one, notice=notice)
            elif not sending:
                passed = index
        if passed is not None:
            last = passed

            def decide(_: Envelope) -> list[Record]:
                known.pass_by(one.name, last)
                return []

            recorder.write(decide)


_NEVER = _Rest()


def _notice(index: int, recorder: Recorder) -> Notice | None:
    """The change that a record tells; None for one that changes nothing that anybody would see."""
    record = recorder.read(index)
    told = _told(record)
    if told is None or not isinstance(record, Record):
        return None
    change, key, changes, reason, until = told
    (standing,) = recorder.store.finding(key)
    finding = standing.finding
    account = recorder.store.account(finding.scope.key) if finding.scope.kind == "account" else None
    return Notice(
        key=f"{finding.id}-{index}",
        change=change,
        ledger=recorder.ledger.origin,
        record=index,
        time=record.time,
        actor=record.actor,
        agent=record.agent,
        account=account.address if account is not None else f"{finding.scope.kind} {finding.scope.key}",
        finding=finding,
        changes=changes,
        reason=reason,
        until=until,
        checkpoint=recorder.newest_checkpoint(),
    )


_Told = tuple[Change, str, tuple[str, ...], str, str | None]


def _told(record: AnyRecord) -> _Told | None:
    match record:
        case FindingOpened(finding=finding):
            return "opened", finding.id, (), "", None
        case FindingChanged(finding=finding, changes=changes) if changes:
            return "changed", finding.id, changes, "", None
        case FindingResolved(id=key, reason=reason):
            return "resolved", key, (), reason, None
        case FindingReopened(id=key, reason=reason):
            return "reopened", key, (), reason, None
        case FindingAcknowledged(id=key, reason=reason, until=until):
            return "acknowledged", key, (), reason, until
        case _:
            return None


@contextmanager
def _alone(state: Path, wait: float) -> Iterator[bool]:
    """Whether we are the only process that delivers from this state folder, waiting up to `wait` seconds."""
    deadline = time.monotonic() + wait
    lock = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        free = _try(lock)
        while not free and time.monotonic() < deadline:
            time.sleep(0.05)
            free = _try(lock)
        yield free
    finally:
        os.close(lock)


def _try(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
