"""The state store: an SQLite index derived from the ledger, deletable at any time.

It remembers the ledger's position that it reflects. It is brought up to date and changed only while the
ledger's lock is held.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from postwarden.errors import LedgerError, LedgerFull, LedgerUnsound
from postwarden.findings import delivered, held, own_sessions, sweeps
from postwarden.findings.carried import Part, carry
from postwarden.findings.delivered import Delivered
from postwarden.findings.derivation import ContentOf, Derivation, is_named
from postwarden.findings.held import Held
from postwarden.findings.index_file import open_index, remove_index
from postwarden.findings.own_sessions import OwnSessions
from postwarden.findings.sweeps import Sweeps
from postwarden.model.account import Account
from postwarden.model.record import (
    AnyRecord,
    ConfigurationChanged,
    FindingAnswered,
    HistoryDay,
)
from postwarden.model.scope import Scope
from postwarden.model.standing import Standing

VERSION = 7

_SCHEMA = (
    "CREATE TABLE position (size INTEGER NOT NULL, root BLOB NOT NULL)",
    "CREATE TABLE edge (size INTEGER NOT NULL, peaks BLOB NOT NULL)",
    (
        "CREATE TABLE finding (id TEXT PRIMARY KEY, scope_kind TEXT, scope_key TEXT, status TEXT, standing BLOB)"
        " WITHOUT ROWID"
    ),
    "CREATE INDEX finding_scope ON finding (scope_kind, scope_key)",
    "CREATE INDEX finding_open ON finding (scope_kind, scope_key) WHERE status = 'open'",
    "CREATE TABLE history (id TEXT NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (id, record)) WITHOUT ROWID",
    "CREATE TABLE answer (record INTEGER PRIMARY KEY, answer BLOB NOT NULL)",
    "CREATE TABLE account (key TEXT PRIMARY KEY, account BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE blob (content BLOB PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE named_blob (name BLOB PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE configuration (record BLOB NOT NULL)",
    "CREATE TABLE history_day (day TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE history_pruned (before TEXT NOT NULL)",
    *sweeps.SCHEMA,
    *delivered.SCHEMA,
    *held.SCHEMA,
    *own_sessions.SCHEMA,
    f"PRAGMA user_version = {VERSION}",
)

#: Bytes of one of the tree's peaks.
_HASH = 32

_RECORD = msgspec.json.Decoder(AnyRecord)
_STANDING = msgspec.json.Decoder(Standing)
_ACCOUNT = msgspec.json.Decoder(Account)
_CONFIGURATION = msgspec.json.Decoder(ConfigurationChanged)
_ANSWER = msgspec.json.Decoder(FindingAnswered)
_HISTORY_DAY = msgspec.json.Decoder(HistoryDay)


class StateStore:
    """The index at `path`. Raises LedgerError where the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self._base, new = open_index(self._path, VERSION)
        if new:
            with self._transaction():
                for statement in _SCHEMA:
                    self._base.execute(statement)
        self._file = self._path.stat().st_ino
        self.sweeps = Sweeps(self._base)
        self.delivered = Delivered(self._base)
        self.held = Held(self._base)
        self.own_sessions = OwnSessions(self._base)

    def close(self) -> None:
        self._base.close()

    def is_in_place(self) -> bool:
        """Whether the file is still the one that others open: it may be deleted at any time."""
        try:
            return self._path.stat().st_ino == self._file
        except OSError:
            return False

    def change_sweeps(self, change: Callable[[Sweeps], None]) -> None:
        """Changes what is planned; the ledger's lock is held."""
        with self._transaction():
            change(self.sweeps)

    def catch_up(
        self,
        size: int,
        root: bytes,
        records: Callable[[int], Iterable[tuple[int, bytes]]],
        blobs: Callable[[], Iterable[tuple[str, bytes]]],
        content_of: ContentOf,
        first: int = 0,
    ) -> None:
        """Takes in the ledger's records up to its position; the ledger's lock is held.

        `records(start)` yields index and line from `start`, `blobs()` name and content of each, `content_of`
        gives that of one, None where it is not there. The records before `first` were removed: what they came to
        is in the records that say so. Raises LedgerUnsound where the ledger is shorter than, or differs from,
        what was taken in before, and where no record says who removed what is not there.
        """
        row = self._base.execute("SELECT size, root FROM position").fetchone()
        if row and row[0] < first:
            self.rebuild()
            row = None
        start = row[0] if row else first
        if row and (size < start or (size == start and root != row[1])):
            raise LedgerUnsound(
                f"the ledger has {size} records where {start} were seen before, or other ones",
                f"if it was restored on purpose, delete {self._path}; else keep both and find out why",
            )
        if row and size == start:
            return
        with self._transaction():
            derivation = Derivation(self._base, content_of, first if row is None and first else None)
            for index, line in records(start):
                derivation.take(index, line)
            derivation.close()
            if row is None:
                for name, content in blobs():
                    self._remember_blob(content, name)
            self._base.execute("DELETE FROM position")
            self._base.execute("INSERT INTO position VALUES (?, ?)", (size, root))

    def rebuild(self) -> None:
        """Forgets everything; the next `catch_up` reads the whole ledger."""
        self._base.close()
        remove_index(self._path)
        self._open()

    def findings(self, scope: Scope | None = None) -> Iterator[Standing]:
        """Findings of one scope, or all, by id."""
        if scope is None:
            rows = self._base.execute("SELECT standing FROM finding ORDER BY id")
        else:
            rows = self._base.execute(
                "SELECT standing FROM finding WHERE scope_kind = ? AND scope_key = ? ORDER BY id",
                (scope.kind, scope.key),
            )
        for (standing,) in rows:
            yield _STANDING.decode(standing)

    def finding(self, prefix: str) -> list[Standing]:
        """The findings whose id starts with `prefix`."""
        rows = self._base.execute(
            "SELECT standing FROM finding WHERE substr(id, 1, ?) = ? ORDER BY id",
            (len(prefix), prefix.upper()),
        )
        return [_STANDING.decode(standing) for (standing,) in rows]

    def scope_of(self, key: str) -> Scope | None:
        """The scope of the finding with this id, `None` where there is none."""
        row = self._base.execute("SELECT scope_kind, scope_key FROM finding WHERE id = ?", (key,)).fetchone()
        return Scope(kind=row[0], key=row[1]) if row else None

    def history(self, key: str) -> list[int]:
        """Indices of the records about a finding, oldest first."""
        rows = self._base.execute("SELECT record FROM history WHERE id = ? ORDER BY record", (key,))
        return [index for (index,) in rows]

    def answers(self) -> tuple[FindingAnswered, ...]:
        """All that was said of access windows and counts, in the order of the ledger."""
        rows = self._base.execute("SELECT answer FROM answer ORDER BY record")
        return tuple(_ANSWER.decode(answer) for (answer,) in rows)

    def account(self, key: str) -> Account | None:
        row = self._base.execute("SELECT account FROM account WHERE key = ?", (key,)).fetchone()
        return _ACCOUNT.decode(row[0]) if row else None

    def accounts(self) -> Iterator[Account]:
        """Every account that was ever seen, as it was last, by key."""
        for (account,) in self._base.execute("SELECT account FROM account ORDER BY key"):
            yield _ACCOUNT.decode(account)

    def configuration(self) -> ConfigurationChanged | None:
        """The configuration last recorded."""
        row = self._base.execute("SELECT record FROM configuration").fetchone()
        return _CONFIGURATION.decode(row[0]) if row else None

    def history_days(self) -> list[HistoryDay]:
        """The closed days of the history, oldest first."""
        rows = self._base.execute("SELECT record FROM history_day ORDER BY day")
        return [_HISTORY_DAY.decode(record) for (record,) in rows]

    def history_pruned(self) -> str | None:
        """The day before which the history's rows were removed, or None."""
        ((before,),) = self._base.execute("SELECT max(before) FROM history_pruned").fetchall()
        return str(before) if before is not None else None

    def carry(self) -> Iterator[Part]:
        """All that is derived from the ledger, in parts for `state_carried` records."""
        return carry(self._base)

    def blob_of(self, content: bytes) -> str | None:
        """The name of the blob that keeps this content, if one is known."""
        row = self._base.execute("SELECT name FROM blob WHERE content = ?", (_digest(content),)).fetchone()
        return str(row[0]) if row else None

    def is_named(self, blob: str) -> bool:
        """Whether a record names this blob, and none says that it was erased."""
        return is_named(self._base, blob)

    def named_blobs(self) -> Iterator[str]:
        """The blobs that records name and that were not erased, by name."""
        for (name,) in self._base.execute("SELECT name FROM named_blob ORDER BY name"):
            yield name.hex()

    def remember_blobs(self, blobs: Iterable[tuple[bytes, str]]) -> None:
        """Adds contents and names to the index; the ledger's lock is held."""
        with self._transaction():
            for content, name in blobs:
                self._remember_blob(content, name)

    def edge(self) -> tuple[int, tuple[bytes, ...]] | None:
        """The size and the tree's peaks that were remembered; whoever uses them compares what they lead to."""
        row = self._base.execute("SELECT size, peaks FROM edge").fetchone()
        if row is None:
            return None
        size, peaks = int(row[0]), bytes(row[1])
        return size, tuple(peaks[at : at + _HASH] for at in range(0, len(peaks), _HASH))

    def remember_edge(self, size: int, peaks: tuple[bytes, ...]) -> None:
        """Remembers where the ledger's last full segment ends, in place of what was; the ledger's lock is held."""
        if size and self.edge() != (size, peaks):
            with self._transaction():
                self._base.execute("DELETE FROM edge")
                self._base.execute("INSERT INTO edge VALUES (?, ?)", (size, b"".join(peaks)))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._base:
                self._base.execute("BEGIN IMMEDIATE")
                yield
        except sqlite3.Error as exc:
            full = getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            raise (LedgerFull if full else LedgerError)(
                f"the state store {self._path} could not be written: {exc}",
                "free space on its disk; the file may be deleted, the ledger has everything",
            ) from exc

    def _remember_blob(self, content: bytes, name: str) -> None:
        self._base.execute("INSERT OR REPLACE INTO blob VALUES (?, ?)", (_digest(content), name))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
