"""Events put into a history, against writing the rows that they come to, which somebody made before.

Both write into a new file with the same schema, indexes and pragmas, in as many transactions, and put it onto the disk at
the end. The reference reads tuples from lists and does nothing else: it joins no sessions, looks up no text, and
writes what is remembered of open sessions once, as it stands at the end. `python -m tests.bench.history_store` shows
rates and where our time goes.
"""

import cProfile
import pstats
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from postwarden.connectors.log_files.following import Unreadable
from postwarden.connectors.log_files.source import LogFiles, Options
from postwarden.history.history import FILE, LOCK, open_history
from postwarden.history.schema import ARRIVED
from postwarden.history.storing import INSERT_ACCESS, INSERT_ENDING
from postwarden.lab.logs import Plan, made_up_people, write
from postwarden.model.arrival import Batch
from tests.bench.measure import Ratio, compare

RUNS = 5
#: The issue asks for at least 0.6 of the reference's speed.
TARGET = 1 / 0.6
PLAN = Plan(
    seed=5,
    people=made_up_people(100),
    begin=date(2025, 10, 1),
    days=45,
    logs=("dovecot",),
    rotation="none",
    compress=False,
)
#: Dovecot's login_log_format_elements of `login_format="full"`.
LOGIN_ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k"
    " session=<%{session}>"
)

_NOW = int(datetime(2025, 12, 1, tzinfo=UTC).timestamp() * 1000)
_IDLE = 1_800_000

Row = tuple[object, ...]
#: What one transaction writes: each statement with its rows.
Written = Sequence[tuple[str, list[Row]]]


def ratios() -> Iterator[Ratio]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        yield _ratio(folder, decoded(folder))


def _ratio(folder: Path, batches: Sequence[Batch]) -> Ratio:
    transactions = _rows(folder, batches)
    lines = sum(batch.lines for batch in batches)
    rows = sum(len(rows) for transaction in transactions for _, rows in transaction)
    return compare(
        f"events of {lines} lines of Dovecot stored, in {len(batches)} transactions",
        lambda: _stored(folder, batches),
        f"their {rows} rows written",
        lambda: _bare(folder, transactions),
        runs=RUNS,
        parts=(lines, lines),
        per="line",
        target=TARGET,
    )


def source(folder: Path) -> LogFiles:
    """The log that `PLAN` makes in this folder."""
    options = Options(
        files=("dovecot/*",),
        format="dovecot",
        zone=PLAN.zone,
        format_options={"login_elements": LOGIN_ELEMENTS},
    )
    return LogFiles("mail", options, folder=folder, clock=lambda: datetime.now(UTC), memory={})  # noqa: TID251 - a file's times are real


def decoded(folder: Path) -> list[Batch]:
    """A generated log as the batches in which it comes from its file."""
    write(PLAN, folder)
    log = source(folder)
    batches: list[Batch] = []
    decoder = log.open_log(b"", _NOW)
    for portion in log.look((), _NOW):
        assert not isinstance(portion, Unreadable)
        made = decoder.decode(portion.data, portion.start)
        assert not made.unread
        batches.append(
            Batch(
                source=log.name,
                cursor=replace(portion.cursor, state=decoder.state()),
                events=made.events,
                unread=made.unread,
                doubtful=made.doubtful,
                passed=made.passed,
                lines=made.lines,
            )
        )
    return batches


def _stored(folder: Path, batches: Sequence[Batch]) -> None:
    _clean(folder)
    with open_history(folder, create=True) as history:
        with history.writing() as storing:
            key = 0
            for batch in batches:
                whole = replace(batch, cursor=replace(batch.cursor, key=key))
                (cursor,) = history.store(storing, [(whole, _IDLE, True)], _NOW)
                key = cursor.key
        history.sync()


def _bare(folder: Path, transactions: Sequence[Written]) -> None:
    _clean(folder)
    with open_history(folder, create=True) as history:
        for transaction in transactions:
            with history.transaction():
                for statement, rows in transaction:
                    history.base.executemany(statement, rows)
        history.sync()


def _clean(folder: Path) -> None:
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm", LOCK):
        (folder / name).unlink(missing_ok=True)


def _rows(folder: Path, batches: Sequence[Batch]) -> list[Written]:
    """What each of our transactions left behind, as it stands after the last of them."""
    _clean(folder)
    marks: list[dict[str, int]] = []
    seen: list[set[Row]] = []
    with open_history(folder, create=True) as history, history.writing() as storing:
        key = 0
        for batch in batches:
            whole = replace(batch, cursor=replace(batch.cursor, key=key))
            (cursor,) = history.store(storing, [(whole, _IDLE, True)], _NOW)
            key = cursor.key
            marks.append(_last_rows(history.base))
            seen.append(set(history.base.execute("SELECT name, kind, value FROM first_seen")))
    with closing(sqlite3.connect(folder / FILE)) as base:
        known: set[Row] = set()
        transactions: list[Written] = []
        before = dict.fromkeys(marks[0], 0)
        times = {row[:3]: row for row in base.execute("SELECT * FROM first_seen")}
        for mark, keys in zip(marks, seen, strict=True):
            transactions.append(
                [(_INSERTED[table], _between(base, table, before[table], mark[table])) for table in _INSERTED]
                + [("INSERT INTO first_seen VALUES (?, ?, ?, ?)", [times[one] for one in keys - known])]
            )
            before, known = mark, keys
        left = [
            (f"INSERT INTO {table} VALUES ({marks_of})", base.execute(f"SELECT * FROM {table}").fetchall())
            for table, marks_of in (
                ("content", "?, ?, ?"),
                ("open_session", "?, ?, ?"),
                ("open_end", "?, ?, ?"),
                ("open_group", "?, ?, ?"),
                ("source", "?, ?"),
                ("day", "?, ?, ?"),
            )
        ]
    return [*transactions[:-1], [*transactions[-1], *left]]


_INSERTED = {
    "text": "INSERT INTO text VALUES (?, ?)",
    "address": "INSERT INTO address VALUES (?, ?, ?)",
    "access": INSERT_ACCESS,
    "ending": INSERT_ENDING,
}


def _last_rows(base: sqlite3.Connection) -> dict[str, int]:
    return {
        table: base.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0] for table in _INSERTED
    }


def _between(base: sqlite3.Connection, table: str, after: int, last: int) -> list[Row]:
    columns = "*"
    if table == "ending":
        # It is given its number by the table, as in our run.
        columns = ", ".join(column for column, _ in ARRIVED[table])
    return base.execute(
        f"SELECT {columns} FROM {table} WHERE id > ? AND id <= ? ORDER BY id", (after, last)
    ).fetchall()


def main() -> None:
    """The ratio as a share of the reference's speed, both rates, and a profile of ours."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        batches = decoded(folder)
        found = _ratio(folder, batches)
        assert found.seconds is not None
        print(
            f"{1 / found.middle:.2f} of the speed ({', '.join(f'{1 / one:.2f}' for one in found.values)}): {found.work}"
        )
        print(
            f"ours {1 / found.seconds:.0f} lines/s, {found.reference} at {found.middle / found.seconds:.0f} lines/s"
        )
        with cProfile.Profile() as profile:
            _stored(folder, batches)
        pstats.Stats(profile).sort_stats("tottime").print_stats(16)


if __name__ == "__main__":
    main()
