"""Days of the history and the ledger: closing them with a signed digest, removing old ones, and looking whether they still hold."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from postwarden.history import days
from postwarden.history.days import Day
from postwarden.history.history import History
from postwarden.history.storing import DAY
from postwarden.ledger.store import open_ledger
from postwarden.model import moment
from postwarden.model.record import AnyRecord, Envelope, HistoryDay, HistoryPruned, StateCarried
from postwarden.pipeline.record import Recorder

_EPOCH = date(1970, 1, 1)
_HISTORY = msgspec.json.Decoder(AnyRecord)


def close_days(history: History, recorder: Recorder, now: datetime) -> int:
    """Writes a record for each day of arrival that is over; gives how many. The history is held by the caller for writing.

    A day that the ledger has already, since somebody was killed in between, is only marked.
    """
    known = {record.day for record in recorder.store.history_days()}
    closed = 0
    for day in list(days.to_close(history.base, _ms(now))):
        if day_text(day.day) not in known:
            # What is signed must be on the disk.
            history.sync()
            recorder.write(partial(_records, day))
        with history.transaction():
            days.close(history.base, day)
        closed += 1
    return closed


def prune(history: History, recorder: Recorder, now: datetime, keep: int) -> int:
    """Removes rows that came more than `keep` days ago; gives how many. The ledger is told before they go."""
    before = _ms(now) // DAY - keep
    text = day_text(before)
    past = recorder.store.history_pruned()
    old = [
        record
        for record in recorder.store.history_days()
        if record.day < text and (past is None or record.day >= past)
    ]
    if not old:
        return 0
    counts: dict[str, int] = {}
    for record in old:
        for table, count in record.counts.items():
            counts[table] = counts.get(table, 0) + count
    recorder.write(lambda envelope: [HistoryPruned(**envelope, before=text, counts=counts)])
    with history.transaction():
        return sum(history.prune(before).values())


def recorded_days(ledger: Path) -> tuple[list[HistoryDay], str | None]:
    """The closed days that a ledger names, and before which day rows were removed; the ledger was verified before."""
    days_of: dict[str, HistoryDay] = {}
    pruned: str | None = None
    opened = open_ledger(ledger, ledger.parent / "private")
    for _, line in opened.records(opened.first):
        if b'"kind":"history_' not in line and b'"kind":"state_carried"' not in line:
            continue
        record = _HISTORY.decode(line)
        if isinstance(record, HistoryDay):
            days_of[record.day] = record
        elif isinstance(record, HistoryPruned):
            pruned = record.before
        elif isinstance(record, StateCarried):
            # Of days whose own records were removed, or are in the ledger before this one.
            days_of |= {day.day: day for day in record.history_days}
            pruned = record.history_pruned or pruned
    return [days_of[day] for day in sorted(days_of)], pruned


class Checked(Struct, frozen=True, kw_only=True):
    """How one closed day holds: `sound`, `pruned` as recorded, or why it is not sound."""

    day: str
    state: str
    problem: str | None = None


def check_days(history: History, ledger: Path) -> Iterator[Checked]:
    """Compares each day that the ledger names with the history as it stands, and looks for rows that no day covers."""
    try:
        yield from _check_days(history, ledger)
    except (msgspec.MsgspecError, KeyError):
        yield Checked(day="", state="not sound", problem="what it says of its days is damaged")


def _check_days(history: History, ledger: Path) -> Iterator[Checked]:
    # Read before the ledger: a day that is closed meanwhile is in the ledger first.
    closed = days.closed(history.base)
    recorded, pruned = recorded_days(ledger)
    named = {record.day for record in recorded}
    for record in recorded:
        if pruned is not None and record.day < pruned:
            yield Checked(day=record.day, state="pruned")
            continue
        found = days.recompute(history.base, day_number(record.day))
        if found is None:
            yield Checked(day=record.day, state="not sound", problem="the history does not know this day")
        elif found.digest != record.digest:
            yield Checked(day=record.day, state="not sound", problem=_difference(record, found))
        else:
            yield Checked(day=record.day, state="sound")
    for day in closed:
        if day_text(day.day) not in named:
            yield Checked(
                day=day_text(day.day),
                state="not sound",
                problem="the history calls it closed, and no record does",
            )
    for table, number in days.strays(history.base)[:10]:
        yield Checked(day="", state="not sound", problem=f"row {number} of {table} stands outside its day")


def _difference(record: HistoryDay, found: Day) -> str:
    other = [
        f"{record.counts.get(table, 0)} rows of {table} were recorded, {count} are there"
        for table, count in found.counts.items()
        if record.counts.get(table, 0) != count
    ]
    return "; ".join(other) or "its rows are not those that were recorded"


def _records(day: Day, envelope: Envelope) -> list[HistoryDay]:
    return [
        HistoryDay(
            **envelope,
            day=day_text(day.day),
            counts=day.counts,
            digest=day.digest,
            first=_time(day.first),
            latest=_time(day.latest),
        )
    ]


def day_text(day: int) -> str:
    """A day as YYYY-MM-DD."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def day_number(text: str) -> int:
    return (date.fromisoformat(text) - _EPOCH).days


def _time(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return moment.text(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds))


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
