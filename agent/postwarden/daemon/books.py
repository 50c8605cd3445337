"""The ledger and the state store, for one thread at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from postwarden import logs
from postwarden.errors import LedgerError, LedgerUnsound, LedgerUnsynced
from postwarden.pipeline.record import Recorder


class Books:
    """Opens the recorder, and anew after a failure: the ledger refuses further commits until it is read again.

    After a failed sync it is not opened again: nothing more is written, and the daemon is to stop. `begin` is called with each recorder that was opened. `steady` is a clock that nobody sets.
    """

    def __init__(
        self,
        open_recorder: Callable[[], Recorder],
        begin: Callable[[Recorder], None],
        steady: Callable[[], float],
    ) -> None:
        self._open_recorder, self._begin, self._steady = open_recorder, begin, steady
        self._lock = threading.Lock()
        self._recorder: Recorder | None = None
        self._failing_since: float | None = None
        self._unsynced: LedgerUnsynced | None = None
        self._log = logs.get("daemon")

    @contextmanager
    def held(self) -> Iterator[Recorder]:
        """The recorder, for this thread alone; any LedgerError closes it and is passed on."""
        with self._lock:
            if self._unsynced is not None:
                raise self._unsynced
            try:
                if self._recorder is not None and not self._recorder.store.is_in_place():
                    self._log.warning("state_store_replaced")
                    self._close()
                if self._recorder is None:
                    self._recorder = self._open_recorder()
                    self._begin(self._recorder)
                yield self._recorder
            except LedgerError as exc:
                self._close()
                if isinstance(exc, LedgerUnsynced):
                    self._unsynced = exc
                if self._failing_since is None and not isinstance(exc, LedgerUnsound):
                    self._failing_since = self._steady()
                raise
            else:
                self._failing_since = None

    @property
    def failing_for(self) -> float:
        """Seconds since the ledger first failed without a success after it; 0 while it is well."""
        since = self._failing_since
        return self._steady() - since if since is not None else 0.0

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
