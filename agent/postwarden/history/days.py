"""Days of arrival: each is closed with a digest over what was stored on it, which the ledger signs.

The digest is SHA-256 over the rows of the day, table after table in the order of `schema.ARRIVED`, each in the order of its
numbers: a compact JSON array of the table's name, the row's number and its columns, ASCII, with a line feed; texts and
addresses as themselves. A day is the day on which rows came, so that late and old events never reopen a closed one.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from postwarden.access.joining import Group
from postwarden.history.schema import ARRIVED, NEXT
from postwarden.history.storing import DAY


class Day(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A closed day of arrival, as `days since 1970`, with how many rows of each table came on it.

    `first` and `latest` are the earliest and latest time of what they tell, in milliseconds since 1970, None where
    nothing came.
    """

    day: int
    counts: dict[str, int]
    digest: str
    first: int | None = None
    latest: int | None = None


#: Tables whose time is that of what a line tells; the others have the time at which we noticed something.
_TOLD = frozenset({"access", "ending", "act", "transfer"})

_GROUP = msgspec.msgpack.Decoder(Group)
_DAY = msgspec.json.Decoder(Day)
_FIRSTS = msgspec.json.Decoder(dict[str, int])


def to_close(base: sqlite3.Connection, now: int) -> Iterator[Day]:
    """The days before today that are not closed yet, with their digests."""
    rows = base.execute(
        "SELECT day, firsts FROM day WHERE closed IS NULL AND day < ? ORDER BY day", (now // DAY,)
    ).fetchall()
    for day, firsts in rows:
        yield digest(base, day, _FIRSTS.decode(firsts))


def close(base: sqlite3.Connection, day: Day) -> None:
    """Remembers that the day's digest is in the ledger."""
    base.execute("UPDATE day SET closed = ? WHERE day = ?", (msgspec.json.encode(day).decode(), day.day))


def closed(base: sqlite3.Connection) -> list[Day]:
    """The closed days, oldest first."""
    rows = base.execute("SELECT closed FROM day WHERE closed IS NOT NULL ORDER BY day")
    return [_DAY.decode(one) for (one,) in rows]


def recompute(base: sqlite3.Connection, day: int) -> Day | None:
    """The day as it stands now, or None where the history does not know it."""
    row = base.execute("SELECT firsts FROM day WHERE day = ?", (day,)).fetchone()
    return digest(base, day, _FIRSTS.decode(row[0])) if row is not None else None


def strays(base: sqlite3.Connection) -> list[tuple[str, int]]:
    """Tables and numbers of rows that stand outside the rows of their day: they were not stored by us."""
    begins = [
        (day, _FIRSTS.decode(firsts))
        for day, firsts in base.execute("SELECT day, firsts FROM day ORDER BY day")
    ]
    found: list[tuple[str, int]] = []
    for table in ARRIVED:
        edges = [(day, firsts[table]) for day, firsts in begins]
        for index, (day, first) in enumerate(edges):
            end = edges[index + 1][1] if index + 1 < len(edges) else None
            found += [
                (table, number)
                for (number,) in base.execute(
                    f"SELECT id FROM {table} WHERE id >= ? AND (? IS NULL OR id < ?) AND day <> ? LIMIT 10",
                    (first, end, end, day),
                )
            ]
        first = edges[0][1] if edges else 1
        found += [
            (table, number)
            for (number,) in base.execute(f"SELECT id FROM {table} WHERE id < ? LIMIT 10", (first,))
        ]
    return found


def digest(base: sqlite3.Connection, day: int, firsts: Mapping[str, int]) -> Day:
    """The day's digest from its rows; `firsts` are the numbers of its first rows."""
    nexts = base.execute("SELECT firsts FROM day WHERE day > ? ORDER BY day LIMIT 1", (day,)).fetchone()
    ends = _FIRSTS.decode(nexts[0]) if nexts is not None else {}
    summed = hashlib.sha256()
    counts: dict[str, int] = {}
    first: int | None = None
    latest: int | None = None
    for table, columns in ARRIVED.items():
        time = 1 + next(index for index, (column, _) in enumerate(columns) if column == "time")
        count = 0
        for row in base.execute(_rows_of(table), (firsts[table], ends.get(table), ends.get(table))):
            summed.update(
                json.dumps([table, *row], separators=(",", ":"), default=repr).encode("ascii") + b"\n"
            )
            count += 1
            if table in _TOLD and isinstance(row[time], int):
                first = row[time] if first is None else min(first, row[time])
                latest = row[time] if latest is None else max(latest, row[time])
        counts[table] = count
    return Day(day=day, counts=counts, digest=summed.hexdigest(), first=first, latest=latest)


def _rows_of(table: str) -> str:
    """The rows of a table between two numbers, with texts and addresses as themselves."""
    picked = ["r.id"]
    joined = []
    for index, (column, kind) in enumerate(ARRIVED[table]):
        if kind:
            other = "text" if kind == "t" else "address"
            picked.append(f"j{index}.text")
            joined.append(f"LEFT JOIN {other} j{index} ON j{index}.id = r.{column}")
        else:
            picked.append(f"r.{column}")
    return (
        f"SELECT {', '.join(picked)} FROM {table} r {' '.join(joined)}"
        " WHERE r.id >= ? AND (? IS NULL OR r.id < ?) ORDER BY r.id"
    )


def prune(base: sqlite3.Connection, before: int) -> dict[str, int]:
    """Removes the rows of closed days before `before` (days since 1970), in the caller's transaction; gives how many.

    Their digests stay, here and in the ledger; first-seen times, texts and addresses stay too.
    """
    row = base.execute(
        "SELECT day, firsts FROM day WHERE day >= ? OR closed IS NULL ORDER BY day LIMIT 1", (before,)
    ).fetchone()
    if row is not None:
        before, firsts = min(before, row[0]), _FIRSTS.decode(row[1])
    else:
        firsts = {table: base.execute(NEXT, (table,)).fetchone()[0] for table in ARRIVED}
    gone: dict[str, int] = {}
    for table, first in firsts.items():
        gone[table] = base.execute(f"DELETE FROM {table} WHERE id < ?", (first,)).rowcount
    # Nobody waits for the end of what is removed.
    for table in ("open_session", "open_end"):
        base.execute(f"DELETE FROM {table} WHERE access < ?", (firsts["access"],))
    groups = base.execute("SELECT source, key, grouped FROM open_group").fetchall()
    base.executemany(
        "DELETE FROM open_group WHERE source = ? AND key = ?",
        [(source, key) for source, key, one in groups if _GROUP.decode(one).access < firsts["access"]],
    )
    base.execute("DELETE FROM unread WHERE day < ?", (before,))
    return gone
