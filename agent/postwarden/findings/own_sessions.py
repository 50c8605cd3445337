"""The sessions that we opened lately, derived from the ledger: what logs are compared with."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from postwarden.model.reading import OwnSession

#: How long they are kept for looking up; the ledger keeps them for good. A log that comes later is not compared.
KEPT = timedelta(days=10)

SCHEMA = (
    (
        "CREATE TABLE own_session (account TEXT NOT NULL, opened INTEGER NOT NULL, source TEXT NOT NULL, local_port INTEGER NOT NULL,"
        " protocol TEXT NOT NULL, identity TEXT NOT NULL, server TEXT NOT NULL, local_address TEXT NOT NULL,"
        " PRIMARY KEY (account, opened, source, local_port)) WITHOUT ROWID"
    ),
    "CREATE INDEX own_session_opened ON own_session (opened)",
)

_PARTS = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = "account, opened, source, local_port, protocol, identity, server, local_address"


class OwnSessions:
    """The part of the state store that knows them; changed only while the ledger's lock is held."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def add(self, sessions: Iterable[OwnSession]) -> None:
        """Takes in what a record names; one that is there already is the same."""
        rows = [
            (
                one.account, (one.opened - _EPOCH) // _PARTS, one.source, one.local_port, one.protocol, one.identity, one.server,
                one.local_address,
            )
            for one in sessions
        ]  # fmt: skip
        if rows:
            self._base.executemany("INSERT OR REPLACE INTO own_session VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            latest = max(row[1] for row in rows)
            self._base.execute("DELETE FROM own_session WHERE opened < ?", (latest - KEPT // _PARTS,))

    def of(self, account: str | None, sources: Iterable[str]) -> Iterator[OwnSession]:
        """Those of an account (of all, for None) at these sources, oldest first."""
        wanted = frozenset(sources)
        rows = self._base.execute(
            f"SELECT {_COLUMNS} FROM own_session WHERE ? IS NULL OR account = ? ORDER BY opened",  # noqa: S608 - our own columns
            (account, account),
        )
        for account_key, opened, source, port, protocol, identity, server, address in rows:
            if source in wanted:
                yield OwnSession(
                    source=source, protocol=protocol, identity=identity, account=account_key, server=server,
                    local_address=address, local_port=port, opened=_EPOCH + opened * _PARTS,
                )  # fmt: skip

    def of_all(self) -> Iterator[OwnSession]:
        """All that are kept, oldest first."""
        places = [source for (source,) in self._base.execute("SELECT DISTINCT source FROM own_session")]
        return self.of(None, places)

    def since(self) -> datetime | None:
        """From when on they are known, or None where there are none."""
        ((first,),) = self._base.execute("SELECT min(opened) FROM own_session").fetchall()
        return _EPOCH + first * _PARTS if first is not None else None
