"""What an operator does to the ledger itself: old records are removed, blobs are erased."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from postwarden.errors import LedgerError
from postwarden.findings.carried import Part
from postwarden.ledger.blobs import is_name
from postwarden.ledger.own_records import Opened, RecordsPruned, read_own
from postwarden.ledger.segments import LENGTH
from postwarden.ledger.store import Ledger, Position
from postwarden.model import moment
from postwarden.model.encoding import encode
from postwarden.model.record import Before, BlobsErased, CarriedList, Record, StateCarried
from postwarden.model.record import RecordsPruned as PrunedRecord
from postwarden.pipeline.committing import MAX_BLOBS, Committer
from postwarden.pipeline.record import MAX_LINE

#: Fields of `StateCarried` that hold one value.
_SINGLE = {"configuration", "history_pruned"}
#: What goes into blobs, since it names everybody, and the bytes of one.
_LISTED = frozenset(CarriedList.__struct_fields__)
_MAX_LIST = 1 << 22


class _Timed(Struct):
    """Of a record, its time alone."""

    time: str


_TIMED = msgspec.json.Decoder(_Timed)


class Pruned(Struct, frozen=True, kw_only=True):
    """What was removed: the records before `stop`, in so many segments."""

    stop: int
    segments: int


def prune(committer: Committer, before: datetime, reason: str, notifiers: Sequence[str] = ()) -> Pruned:
    """Remove the whole segments at the beginning in which every record is older than `before`.

    Everything that the state store knows is recorded first. What one of `notifiers` was not told of yet stays.
    LedgerError where there is no such segment.
    """
    ledger = committer.ledger
    committer.refresh()
    stop = _stop(ledger, moment.text(before))
    untold = {name: _first_untold(committer, name) for name in notifiers}
    waiting = [name for name, index in untold.items() if index is not None and index < stop]
    if waiting:
        stop = min(index for index in untold.values() if index is not None) // LENGTH * LENGTH
    if stop <= ledger.first and waiting:
        raise LedgerError(
            f"the notifier {waiting[0]} was not told yet of what old records say",
            "mend it, or take it out of agent.toml",
        )
    if stop <= ledger.first:
        raise LedgerError(
            f"no whole segment of {LENGTH} records is older than {moment.text(before)}",
            "records are removed by segments, and only where the next one was begun",
        )

    def decide(_: Position) -> Iterator[Record]:
        parts = list(carried_parts(committer, stop, committer.store.carry()))
        yield PrunedRecord(
            **committer.envelope(),
            stop=stop,
            before_time=moment.text(before),
            before=_opened_before(ledger),
            reason=reason,
        )
        # Behind the record above, for whoever derives the state anew begins there.
        listed = (part.listed for part in parts if part.listed is not None)
        yield from committer.naming([*committer.store.named_blobs(), *listed])
        yield from parts

    def under_lock(position: Position) -> list[bytes]:
        return committer.decided(position, decide)

    gone = committer.change(lambda one: one.prune(stop, under_lock, recovered=committer.recovered))
    committer.refresh()
    return Pruned(stop=stop, segments=gone)


def erase(committer: Committer, names: Sequence[str], reason: str) -> None:
    """Erase blobs; LedgerError where one is no blob that a record names."""
    committer.refresh()
    for name in names:
        if not (is_name(name) and committer.store.is_named(name)):
            raise LedgerError(
                f"no record names a blob {name!r}, or it was erased",
                "postwarden findings show --json has the names of a finding's blobs",
            )

    def decide(_: Position) -> Iterator[Record]:
        for start in range(0, len(names), MAX_BLOBS):
            yield BlobsErased(
                **committer.envelope(), blobs=tuple(names[start : start + MAX_BLOBS]), reason=reason
            )

    def under_lock(position: Position) -> list[bytes]:
        return committer.decided(position, decide)

    committer.change(lambda ledger: ledger.erase(names, under_lock, recovered=committer.recovered))
    committer.refresh()


def _first_untold(committer: Committer, notifier: str) -> int | None:
    """The first record whose change of a finding a notifier is still to be told of."""
    delivered = committer.store.delivered
    seen = delivered.seen(notifier)
    after = delivered.changes_after(seen, 1) if seen is not None else []
    return min([*delivered.undelivered(notifier)[:1], *after], default=None)


def _stop(ledger: Ledger, before: str) -> int:
    """The end of the segments, from the first on, in which no record is of `before` or later; 0 where there are none."""
    stop, first = 0, ledger.first
    closed = ledger.position().size // LENGTH * LENGTH
    for begin in range(first, closed, LENGTH):
        if max(_TIMED.decode(line).time for _, line in ledger.records(begin, begin + LENGTH)) >= before:
            break
        stop = begin + LENGTH
    return stop


def _opened_before(ledger: Ledger) -> Before | None:
    """What the ledger says of the one before it: in its first record, or where that was removed, in who removed it."""
    for _, line in ledger.records(ledger.first):
        own = read_own(line)
        if isinstance(own, Opened | RecordsPruned):
            found = own.before
            return (
                None
                if found is None
                else Before(
                    origin=found.origin,
                    size=found.size,
                    root=found.root,
                    verifier_key=found.verifier_key,
                    folder=found.folder,
                )
            )
    return None


def carried_parts(committer: Committer, stop: int, parts: Iterable[Part]) -> Iterator[StateCarried]:
    """Records of what the state store knows, each of as many parts as fit into a line, or into a blob.

    Whoever asks holds the ledger's lock, and commits them.
    """
    field, items, length = "", list[object](), 0
    for name, item in parts:
        size = len(encode(item)) + 1
        most = _MAX_LIST if name in _LISTED else MAX_LINE
        if size > most:
            raise LedgerError(
                f"one of the {name} is too long to be carried past what is removed", "please report it"
            )
        if items and (name != field or name in _SINGLE or length + size > most):
            yield _part(committer, stop, field, items)
            items, length = [], 0
        field = name
        items.append(item)
        length += size
    if items:
        yield _part(committer, stop, field, items)


def _part(committer: Committer, stop: int, field: str, items: list[object]) -> StateCarried:
    value: Any = items[0] if field in _SINGLE else tuple(items)
    if field in _LISTED:
        blob = committer.put(encode(CarriedList(**{field: value})))
        return StateCarried(**committer.envelope(), stop=stop, listed=blob, count=len(items))
    return StateCarried(**committer.envelope(), stop=stop, **{field: value})
