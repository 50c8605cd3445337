"""The history of one state folder: opened for reading by anybody, for writing by one process at a time."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from postwarden.errors import HistoryBusy, HistoryError
from postwarden.history import days
from postwarden.history.reading import Reading
from postwarden.history.schema import SCHEMA, VERSION
from postwarden.history.storing import Storing
from postwarden.model.arrival import Batch, Cursor

FILE, LOCK = "history.sqlite", "history.lock"
#: KiB of the database that are kept in memory while writing.
CACHE = 65_536


class History:
    """An open history. Use it from one thread at a time."""

    def __init__(self, base: sqlite3.Connection, path: Path) -> None:
        self._base, self.path = base, path
        self.read = Reading(base)
        self._storing = Storing(base)
        self._version: int | None = None
        self._file = path.stat().st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise HistoryError(
                f"the history {self.path} cannot be read: {error}", "check the disk; keep the file as it is"
            ) from error

    def is_in_place(self) -> bool:
        """Whether the file is still the one that others open."""
        try:
            return self.path.stat().st_ino == self._file
        except OSError:
            return False

    def close(self) -> None:
        self._base.close()

    @contextmanager
    def writing(self) -> Iterator[Storing]:
        """Holds the history for this process; raises HistoryBusy where another one writes."""
        try:
            lock = os.open(self.path.with_name(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise HistoryError(
                f"the history {self.path} cannot be held: {exc.strerror}", "check its folder and owner"
            ) from exc
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise HistoryBusy(
                    f"the history {self.path} is being written by another process",
                    "the daemon reads the logs; what it has stored is there",
                ) from exc
            ((version,),) = self._base.execute("PRAGMA data_version").fetchall()
            if version != self._version:
                # Somebody else has written since: what we remember of it may not be so any more.
                self._storing.forget()
                self._version = version
            yield self._storing
        except sqlite3.Error as exc:
            raise HistoryError(
                f"the history {self.path} cannot be used: {exc}", "check the disk; keep the file as it is"
            ) from exc
        finally:
            os.close(lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is stored inside; raises HistoryError where the disk or the file fails."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                self._storing.forget()
                self._base.rollback()
                raise
        except sqlite3.Error as exc:
            raise HistoryError(
                f"the history {self.path} was not written: {exc}", "check the disk and the file's owner"
            ) from exc

    def prune(self, before: int) -> dict[str, int]:
        """Removes what came before that day, inside the caller's transaction; see `days.prune`."""
        gone = days.prune(self._base, before)
        # What is remembered as open may be gone.
        self._storing.forget()
        return gone

    @property
    def base(self) -> sqlite3.Connection:
        """The database, for `history.days`."""
        return self._base

    def sync(self) -> None:
        """Puts all that is stored onto the disk for good."""
        try:
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as exc:
            raise HistoryError(f"the history {self.path} was not synced: {exc}", "check the disk") from exc

    def store(self, storing: Storing, batches: Sequence[tuple[Batch, int, bool]], now: int) -> list[Cursor]:
        """Each batch, with its `idle` and `ends`, in one transaction."""
        with self.transaction():
            return [storing.store(batch, now, idle=idle, ends=ends) for batch, idle, ends in batches]


def exists(state: Path) -> bool:
    return (state / FILE).exists()


def _read_only(path: Path, access: str) -> sqlite3.Connection:
    base = sqlite3.connect(f"{path.absolute().as_uri()}?{access}", uri=True, isolation_level=None, timeout=10)
    try:
        base.execute("PRAGMA user_version").fetchall()
    except sqlite3.Error:
        base.close()
        raise
    # Whoever changed a copy may have put bytes there that are no text; they are compared, too.
    base.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return base


def _not_opened(path: Path, exc: Exception) -> HistoryError:
    return HistoryError(f"the history {path} cannot be opened: {exc}", "name a history.sqlite")


def open_copy(path: Path) -> History:
    """A history that is only looked at, wherever its file is; raises HistoryError where it cannot be."""
    try:
        base = _read_only(path, "mode=ro")
    except (OSError, sqlite3.Error) as exc:
        if os.path.exists(f"{path}-wal"):  # noqa: PTH110 - False also where we may not look
            raise _not_opened(path, exc) from exc
        try:
            # Where nothing can be written SQLite wants to hear that nobody else writes either.
            base = _read_only(path, "mode=ro&immutable=1")
        except (OSError, sqlite3.Error) as again:
            raise _not_opened(path, again) from again
    ((version,),) = base.execute("PRAGMA user_version").fetchall()
    if version != VERSION:
        base.close()
        raise HistoryError(
            f"the history {path} is of another version ({version})", "use the postwarden that wrote it"
        )
    return History(base, path)


def open_history(state: Path, *, create: bool = False) -> History:
    """The history in the state folder. Raises HistoryError where there is none, or it cannot be used."""
    path = state / FILE
    if not create and not path.exists():
        raise HistoryError(
            f"there is no history at {path}",
            "configure a source that has logs, then postwarden history read",
        )
    try:
        if create:
            # The mode is ours from the beginning, whatever the umask.
            path.touch(mode=0o600)
        base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        base.execute("PRAGMA journal_mode = WAL").fetchall()
        # A cursor goes with its rows: what a power cut takes away is read again, and nothing can be torn.
        base.execute("PRAGMA synchronous = NORMAL")
        base.execute(f"PRAGMA cache_size = -{CACHE}")
        ((version,),) = base.execute("PRAGMA user_version").fetchall()
        if version == 0:
            base.execute("BEGIN IMMEDIATE")
            ((version,),) = base.execute("PRAGMA user_version").fetchall()
            if version == 0:
                for statement in SCHEMA:
                    base.execute(statement)
            base.execute("COMMIT")
        elif version != VERSION:
            base.close()
            raise HistoryError(
                f"the history {path} is of another version ({version})", "use the postwarden that wrote it"
            )
    except (OSError, sqlite3.Error) as exc:
        words = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise HistoryError(
            f"the history {path} cannot be opened: {words}", "check its folder and owner"
        ) from exc
    return History(base, path)
