"""What judging has learnt from the history: a file beside it that may be deleted, since everything is made of the history."""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from postwarden.errors import HistoryBusy, HistoryError

FILE, LOCK = "habits.sqlite", "habits.lock"
VERSION = 1

_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE account (name TEXT PRIMARY KEY, saved BLOB NOT NULL) WITHOUT ROWID",
    f"PRAGMA user_version = {VERSION}",
)


class Kept:
    """Opaque values by name: some of all, one of each account."""

    def __init__(self, base: sqlite3.Connection, path: Path) -> None:
        self._base, self._path = base, path

    def meta(self) -> dict[str, bytes]:
        return dict(self._base.execute("SELECT key, value FROM meta"))

    def accounts(self) -> Iterator[tuple[str, bytes]]:
        yield from self._base.execute("SELECT name, saved FROM account ORDER BY name")

    def account(self, name: str) -> bytes | None:
        row = self._base.execute("SELECT saved FROM account WHERE name = ?", (name,)).fetchone()
        return row[0] if row is not None else None

    def size(self) -> tuple[int, int]:
        """How many accounts there are, and the bytes of all of them."""
        ((count, total),) = self._base.execute(
            "SELECT count(*), coalesce(sum(length(saved)), 0) FROM account"
        )
        return count, total

    def save(
        self,
        meta: Mapping[str, bytes],
        accounts: Mapping[str, bytes],
        gone: Iterable[str] = (),
        *,
        anew: bool,
    ) -> None:
        """Keeps all of it or nothing, and no more what is `gone`; `anew` forgets all that was there. Raises HistoryError."""
        try:
            with self._base:
                self._base.execute("BEGIN IMMEDIATE")
                if anew:
                    self._base.execute("DELETE FROM account")
                    self._base.execute("DELETE FROM meta")
                self._base.executemany("DELETE FROM account WHERE name = ?", [(name,) for name in gone])
                self._base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(meta.items()))
                self._base.executemany("INSERT OR REPLACE INTO account VALUES (?, ?)", list(accounts.items()))
        except sqlite3.Error as exc:
            raise HistoryError(
                f"{self._path} could not be written: {exc}", "free space on its disk; the file may be deleted"
            ) from exc


class Outline(Struct, frozen=True, kw_only=True):
    """What is kept of all, how many accounts there are, and the bytes of all of them."""

    meta: dict[str, bytes]
    accounts: int
    bytes: int


def look(state: Path) -> Outline | None:
    """What is kept, for who only looks; None where there is no file. Raises HistoryError."""
    path = state / FILE
    if not path.exists():
        return None
    base = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        kept = Kept(base, path)
        accounts, size = kept.size()
        return Outline(meta=kept.meta(), accounts=accounts, bytes=size)
    except sqlite3.Error as exc:
        raise HistoryError(
            f"{path} cannot be read: {exc}", "delete it: it is made anew from the history"
        ) from exc
    finally:
        base.close()


@contextmanager
def open_kept(state: Path) -> Iterator[Kept]:
    """The file in the state folder, made where there is none, and made anew where it is damaged or of another version.

    One process has it at a time: raises HistoryBusy where another one does, HistoryError where it cannot be used.
    """
    with _alone(state):
        yield from _open(state / FILE)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    try:
        lock = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise HistoryError(
            f"{state / LOCK} cannot be opened: {exc.strerror}", "check its folder and owner"
        ) from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as exc:
        raise HistoryBusy(
            "sessions are being scored by another process", "the daemon does so; wait until it has finished"
        ) from exc
    finally:
        os.close(lock)


def _open(path: Path) -> Iterator[Kept]:
    try:
        base = _opened(path)
    except sqlite3.DatabaseError:
        # It is derived.
        _remove(path)
        try:
            base = _opened(path)
        except sqlite3.DatabaseError as exc:
            raise HistoryError(f"{path} cannot be used: {exc}", "delete it") from exc
    try:
        yield Kept(base, path)
    finally:
        base.close()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.touch(mode=0o600)
    except OSError as exc:
        raise HistoryError(f"{path} cannot be opened: {exc.strerror}", "check its folder and owner") from exc
    base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        base.execute("PRAGMA journal_mode = WAL").fetchall()
        base.execute("PRAGMA synchronous = NORMAL")
        ((version,),) = base.execute("PRAGMA user_version").fetchall()
        if version not in {0, VERSION}:
            raise sqlite3.DatabaseError(f"it is of another version ({version})")
        if version == 0:
            with base:
                base.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    base.execute(statement)
    except sqlite3.Error:
        base.close()
        raise
    return base


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        try:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        except OSError as exc:
            raise HistoryError(
                f"{path} is damaged and cannot be removed: {exc.strerror}", "delete it"
            ) from exc
