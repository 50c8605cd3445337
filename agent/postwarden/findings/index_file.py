"""The file of the state store: opened, or made anew where it is damaged or an older postwarden's, for it is derived."""

import sqlite3
from pathlib import Path

from postwarden.errors import LedgerError


def open_index(path: Path, version: int) -> tuple[sqlite3.Connection, bool]:
    """The file, and whether it is new and empty; LedgerError where it cannot be used or is of a newer postwarden."""
    try:
        base, found = _connect(path)
    except sqlite3.DatabaseError:
        base, found = _anew(path)
    if 0 < found < version:
        # What it lacks is in the ledger.
        base.close()
        base, found = _anew(path)
    if found not in {0, version}:
        base.close()
        raise LedgerError(
            f"the state store {path} is of a newer postwarden", "use that version, or delete the file"
        )
    return base, found == 0


def remove_index(path: Path) -> None:
    """The file goes, with what SQLite keeps beside it; OSError as the system gives it."""
    for suffix in ("", "-wal", "-journal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connect(path: Path) -> tuple[sqlite3.Connection, int]:
    """Opens the file and gives its version; raises sqlite3.DatabaseError where it is damaged."""
    try:
        # The mode is ours from the beginning, whatever the umask.
        path.touch(mode=0o600)
        # Several threads may use it, one at a time: whoever holds the store sees to that.
        base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as exc:
        words = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise LedgerError(
            f"the state store {path} cannot be opened: {words}", "check its folder and owner"
        ) from exc
    try:
        base.execute("PRAGMA synchronous = NORMAL")
        ((found,),) = base.execute("PRAGMA quick_check(1)").fetchall()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        ((version,),) = base.execute("PRAGMA user_version").fetchall()
    except sqlite3.Error:
        base.close()
        raise
    return base, int(version)


def _anew(path: Path) -> tuple[sqlite3.Connection, int]:
    try:
        remove_index(path)
        return _connect(path)
    except (OSError, sqlite3.Error) as exc:
        raise LedgerError(
            f"the state store {path} is damaged and cannot be removed: {exc}", "delete it"
        ) from exc
