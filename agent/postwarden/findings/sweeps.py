"""When each scope was last swept at each source, how that ended, and when it is due: a part of the state store.

What `apply` writes is derived from the ledger. What is `wanted`, and the interval, are the daemon's; without the
file it plans them anew. Times are microseconds since 1970.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from postwarden.errors import Reason
from postwarden.findings.due import first_due, next_due
from postwarden.model.reading import Coverage
from postwarden.model.record import AuditFinished, CarriedSweep
from postwarden.model.scope import Scope

#: The interval until a daemon says another.
INTERVAL = 900_000_000

SCHEMA = (
    (
        "CREATE TABLE sweep (kind TEXT NOT NULL, key TEXT NOT NULL, source TEXT NOT NULL, finished INTEGER,"
        " clean INTEGER, failures INTEGER NOT NULL DEFAULT 0, reason TEXT, could TEXT NOT NULL DEFAULT '',"
        " lost TEXT NOT NULL DEFAULT '', due INTEGER NOT NULL, wanted INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY (kind, key, source)) WITHOUT ROWID"
    ),
    "CREATE INDEX sweep_due ON sweep (due) WHERE wanted = 1",
    "CREATE INDEX sweep_reason ON sweep (reason) WHERE reason IS NOT NULL",
    "CREATE INDEX sweep_lost ON sweep (lost) WHERE lost <> ''",
    "CREATE TABLE schedule (interval INTEGER NOT NULL)",
)

#: The worst first: what a source's state is called by where several reasons meet.
_WORST: tuple[Reason, ...] = ("refused", "forbidden", "unreachable", "malformed", "unsupported")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_PLAN = (
    "INSERT INTO sweep (kind, key, source, due, wanted) SELECT kind, key, source, due, 1 FROM temp.planned WHERE true"
    " ON CONFLICT DO UPDATE SET wanted = 1,"
    " due = CASE WHEN sweep.finished IS NULL THEN excluded.due ELSE sweep.due END WHERE sweep.wanted = 0"
)
_DUE = "SELECT kind, key FROM sweep WHERE wanted = 1 AND due <= ? ORDER BY due LIMIT ?"
_DUE_WITH_FINDINGS = (
    "SELECT kind, key FROM finding CROSS JOIN sweep ON kind = scope_kind AND key = scope_key"
    " WHERE status = 'open' AND wanted = 1 AND due <= ? ORDER BY due LIMIT ?"
)
_APPLY = (
    "INSERT INTO sweep (kind, key, source, finished, clean, failures, reason, could, lost, due)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET finished = excluded.finished, clean = excluded.clean,"
    " failures = excluded.failures, reason = excluded.reason, could = excluded.could, lost = excluded.lost,"
    " due = excluded.due"
)


class Progress(Struct, frozen=True, kw_only=True):
    """How the accounts of one source stand.

    `never` were not swept yet; `due` are due now, those of them that missed a whole interval are `overdue`;
    the last sweep of `failing` left a gap that nobody accepted; `clean_since`: every account was read whole at
    that time or later, None where one never was.
    """

    source: str
    accounts: int
    never: int
    due: int
    overdue: int
    failing: int
    clean_since: datetime | None
    last: datetime | None


def count(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(counted: int) -> datetime:
    return _EPOCH + counted * _MICROSECOND


class Sweeps:
    """The tables over a connection of the state store, which sees to transactions and the ledger's lock."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    @property
    def interval(self) -> int:
        row = self._base.execute("SELECT interval FROM schedule").fetchone()
        return int(row[0]) if row else INTERVAL

    def apply(self, record: AuditFinished, time: datetime, interval: int) -> None:
        """Takes in one record, in the order of the ledger."""
        scope = record.scope
        if scope.kind not in {"account", "source"}:
            return
        finished = count(time)
        due = next_due(scope.key, finished, interval)
        by_source: dict[str, list[Coverage]] = {}
        for row in record.coverage:
            by_source.setdefault(row.source, []).append(row)
        for source, rows in by_source.items():
            before = self._base.execute(
                "SELECT clean, failures, could, lost FROM sweep WHERE kind = ? AND key = ? AND source = ?",
                (scope.kind, scope.key, source),
            ).fetchone()
            clean, failures, could, lost = before or (None, 0, "", "")
            reason = _reason(rows)
            could, lost = _rights(rows, could, lost)
            if reason is None:
                clean, failures = finished, 0
            else:
                failures += 1
            self._base.execute(
                _APPLY,
                (scope.kind, scope.key, source, finished, clean, failures, reason, could, lost, due),
            )

    def carried(self) -> Iterator[CarriedSweep]:
        """What is derived from the ledger, by scope and source."""
        for row in self._base.execute(
            "SELECT kind, key, source, finished, clean, failures, reason, could, lost FROM sweep"
            " WHERE finished IS NOT NULL ORDER BY kind, key, source"
        ):
            kind, key, source, finished, clean, failures, reason, could, lost = row
            yield CarriedSweep(
                scope=Scope(kind=kind, key=key), source=source, finished=finished, clean=clean, failures=failures,
                reason=reason, could=could, lost=lost,
            )  # fmt: skip

    def restore(self, carried: Iterable[CarriedSweep], interval: int) -> None:
        """Takes in what was carried."""
        for one in carried:
            due = next_due(one.scope.key, one.finished, interval)
            self._base.execute(
                _APPLY,
                (
                    one.scope.kind, one.scope.key, one.source, one.finished, one.clean, one.failures, one.reason,
                    one.could, one.lost, due,
                ),
            )  # fmt: skip

    def plan(self, wanted: Iterable[tuple[Scope, str]], now: datetime, interval: timedelta) -> None:
        """These scopes at these sources are wanted from now on, and no others; new ones find their place."""
        every = interval // _MICROSECOND
        if every != self.interval:
            self._base.execute("DELETE FROM schedule")
            self._base.execute("INSERT INTO schedule VALUES (?)", (every,))
            self._replan(every)
        begin = count(now)
        self._base.execute(
            "CREATE TEMP TABLE planned (kind TEXT, key TEXT, source TEXT, due INTEGER,"
            " PRIMARY KEY (kind, key, source)) WITHOUT ROWID"
        )
        self._base.executemany(
            "INSERT OR IGNORE INTO temp.planned VALUES (?, ?, ?, ?)",
            ((scope.kind, scope.key, source, first_due(scope.key, begin, every)) for scope, source in wanted),
        )
        self._base.execute(
            "UPDATE sweep SET wanted = 0 WHERE wanted = 1 AND NOT EXISTS (SELECT 1 FROM temp.planned p"
            " WHERE p.kind = sweep.kind AND p.key = sweep.key AND p.source = sweep.source)"
        )
        self._base.execute(_PLAN)
        self._base.execute("DROP TABLE temp.planned")

    def _replan(self, interval: int) -> None:
        rows = self._base.execute(
            "SELECT kind, key, source, finished FROM sweep WHERE finished IS NOT NULL"
        ).fetchall()
        self._base.executemany(
            "UPDATE sweep SET due = ? WHERE kind = ? AND key = ? AND source = ?",
            ((next_due(key, done, interval), kind, key, source) for kind, key, source, done in rows),
        )
        self._base.execute("DELETE FROM sweep WHERE finished IS NULL")

    def due(self, now: datetime, most: int) -> list[Scope]:
        """What is due, accounts with an open finding first, then who waits longest."""
        found: dict[Scope, None] = {}
        time = count(now)
        for query in (_DUE_WITH_FINDINGS, _DUE):
            for kind, key in self._base.execute(query, (time, most)):
                found[Scope(kind=kind, key=key)] = None
        return list(found)

    def ahead(self, now: datetime) -> bool:
        """Whether something is due later than a whole interval from now, as only a wrong clock makes it."""
        limit = count(now) + self.interval
        return (
            self._base.execute(
                "SELECT 1 FROM sweep WHERE wanted = 1 AND due > ? LIMIT 1", (limit,)
            ).fetchone()
            is not None
        )

    def pull_in(self, now: datetime) -> None:
        """Gives what is due too late a place in the interval that begins now."""
        interval, begin = self.interval, count(now)
        rows = self._base.execute(
            "SELECT kind, key, source FROM sweep WHERE wanted = 1 AND due > ?", (begin + interval,)
        ).fetchall()
        self._base.executemany(
            "UPDATE sweep SET due = ? WHERE kind = ? AND key = ? AND source = ?",
            ((first_due(key, begin, interval), kind, key, source) for kind, key, source in rows),
        )

    def shift(self, step: timedelta, now: datetime) -> None:
        """The clock was set by `step` and shows `now`: waiting times stay what they were.

        What was finished since then, by the new clock, is due by the new clock already.
        """
        by = step // _MICROSECOND
        here = count(now)
        recent = (here - abs(by) // 2, here) if by > 0 else (here - 2_000_000, here)
        self._base.execute(
            "UPDATE sweep SET due = due + ? WHERE wanted = 1"
            " AND (finished IS NULL OR finished NOT BETWEEN ? AND ?)",
            (by, *recent),
        )

    def latest(self) -> datetime | None:
        """When the last sweep was finished that the ledger has."""
        row = self._base.execute("SELECT max(finished) FROM sweep").fetchone()
        return moment(row[0]) if row[0] is not None else None

    def progress(self, now: datetime) -> Iterator[Progress]:
        """How each source's accounts stand, by the source's name."""
        time = count(now)
        for row in self._base.execute(
            "SELECT source, count(*), sum(finished IS NULL), sum(due <= ?), sum(due <= ?), sum(reason IS NOT NULL),"
            " min(clean), sum(clean IS NULL), max(finished)"
            " FROM sweep WHERE wanted = 1 AND kind = 'account' GROUP BY source ORDER BY source",
            (time, time - self.interval),
        ):
            source, accounts, never, due, overdue, failing, clean, unclean, last = row
            yield Progress(
                source=source,
                accounts=accounts,
                never=never,
                due=due,
                overdue=overdue,
                failing=failing,
                clean_since=moment(clean) if clean is not None and not unclean else None,
                last=moment(last) if last is not None else None,
            )

    def overdue(self, now: datetime) -> list[str]:
        """The sources at which something has missed a whole interval."""
        rows = self._base.execute(
            "SELECT DISTINCT source FROM sweep WHERE wanted = 1 AND due <= ? ORDER BY source",
            (count(now) - self.interval,),
        )
        return [source for (source,) in rows]

    def refused(self) -> list[str]:
        """The sources that refused a log-in of ours in somebody's last sweep, or whose secret was not there."""
        rows = self._base.execute(
            "SELECT DISTINCT source FROM sweep WHERE wanted = 1 AND reason = 'refused' ORDER BY source"
        )
        return [source for (source,) in rows]

    def lost(self) -> list[str]:
        """Source and check of what was read once and is denied, or not there, now."""
        rows = self._base.execute("SELECT DISTINCT source, lost FROM sweep WHERE lost <> '' AND wanted = 1")
        return sorted({f"{source} {check}" for source, lost in rows for check in lost.split(" ")})

    def failing(self, most: int) -> list[tuple[Scope, str, str, int]]:
        """Scope, source, reason and number of sweeps in a row that left a gap; the most stubborn first."""
        rows = self._base.execute(
            "SELECT kind, key, source, reason, failures FROM sweep WHERE reason IS NOT NULL AND wanted = 1"
            " ORDER BY failures DESC, source, key LIMIT ?",
            (most,),
        )
        return [
            (Scope(kind=kind, key=key), source, reason, failures)
            for kind, key, source, reason, failures in rows
        ]


def _reason(rows: Sequence[Coverage]) -> Reason | None:
    """The worst reason of the gaps that nobody accepted, or None where there are none."""
    gaps = [row for row in rows if row.status == "gap" and row.accepted is None]
    if not gaps:
        return None
    given = {gap.reason for row in gaps for gap in row.gaps}
    return next((reason for reason in _WORST if reason in given), "malformed")


def _rights(rows: Sequence[Coverage], could: str, lost: str) -> tuple[str, str]:
    """Which checks were ever read, and which of them the source no longer lets us read."""
    read = {row.check for row in rows if row.status == "read"}
    denied = {
        row.check
        for row in rows
        if row.status == "not_supported"
        or (row.status == "gap" and any(gap.reason in {"forbidden", "unsupported"} for gap in row.gaps))
    }
    ever = set(could.split()) | read
    gone = (set(lost.split()) - read) | (ever & denied)
    return " ".join(sorted(ever)), " ".join(sorted(gone))
