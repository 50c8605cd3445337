"""Which changes of findings each notifier was sent, derived from the ledger's `notified` records."""

import sqlite3
from collections.abc import Iterable, Iterator

from postwarden.model.record import CarriedNotifier, Notified

SCHEMA = (
    "CREATE TABLE notifier (name TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE undelivered (name TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (name, record))"
        " WITHOUT ROWID"
    ),
    "CREATE INDEX history_record ON history (record)",
)


class Delivered:
    """The part of the state store that knows it; changed only while the ledger's lock is held."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def seen(self, name: str) -> int | None:
        """The last record that the notifier is done with, but for the undelivered ones; None for a new notifier."""
        row = self._base.execute("SELECT seen FROM notifier WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else None

    def undelivered(self, name: str) -> list[int]:
        """Records that could not be sent so far, oldest first."""
        rows = self._base.execute("SELECT record FROM undelivered WHERE name = ? ORDER BY record", (name,))
        return [index for (index,) in rows]

    def failing(self) -> list[str]:
        """The notifiers that something could not be sent to so far."""
        return [name for (name,) in self._base.execute("SELECT DISTINCT name FROM undelivered ORDER BY name")]

    def changes_after(self, record: int, most: int) -> list[int]:
        """The records after this one that change a finding, oldest first."""
        rows = self._base.execute(
            "SELECT DISTINCT record FROM history WHERE record > ? ORDER BY record LIMIT ?", (record, most)
        )
        return [index for (index,) in rows]

    def pass_by(self, name: str, record: int) -> None:
        """Takes note that nothing up to this record is for the notifier."""
        self._base.execute("UPDATE notifier SET seen = ? WHERE name = ? AND seen < ?", (record, name, record))

    def carried(self) -> Iterator[CarriedNotifier]:
        """Everything, by name."""
        for name, seen in self._base.execute("SELECT name, seen FROM notifier ORDER BY name").fetchall():
            yield CarriedNotifier(name=name, seen=seen, undelivered=tuple(self.undelivered(name)))

    def restore(self, carried: Iterable[CarriedNotifier]) -> None:
        """Takes in what was carried."""
        for one in carried:
            self._base.execute("INSERT OR REPLACE INTO notifier VALUES (?, ?)", (one.name, one.seen))
            self._base.executemany(
                "INSERT OR IGNORE INTO undelivered VALUES (?, ?)",
                ((one.name, index) for index in one.undelivered),
            )

    def apply(self, record: Notified) -> None:
        last = max(record.records, default=-1)
        self._base.execute(
            "INSERT INTO notifier VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET seen = max(seen, excluded.seen)",
            (record.notifier, last),
        )
        rows = [(record.notifier, index) for index in record.records]
        if record.outcome == "failed":
            self._base.executemany("INSERT OR IGNORE INTO undelivered VALUES (?, ?)", rows)
        else:
            self._base.executemany("DELETE FROM undelivered WHERE name = ? AND record = ?", rows)
