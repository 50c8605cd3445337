"""The lock of a ledger's writers: `flock` on a file of its own, held for one commit.

It is asked for again and again rather than waited for, so that the wait has an end, and given back by name: a
child process that inherited the descriptor would hold it beyond our closing of it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from postwarden.errors import LedgerBusy
from postwarden.ledger import files

NAME = "lock"
_PAUSE = 0.01


@contextmanager
def hold(folder: int, *, owner: int, deadline: float) -> Iterator[None]:
    """Hold the lock in `folder`; LedgerBusy where it is not ours by `deadline` (of `time.monotonic`)."""
    descriptor = _take(folder, owner=owner, deadline=deadline)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def busy() -> LedgerBusy:
    return LedgerBusy(
        "another writer holds the ledger's lock",
        "run again in a moment; if it stays so, look for a postwarden that hangs",
    )


def _take(folder: int, *, owner: int, deadline: float) -> int:
    while True:
        try:
            descriptor = files.open_regular(folder, NAME, os.O_RDWR | os.O_CREAT, owner=owner)
        except OSError as exc:
            raise files.failure("the ledger's lock cannot be opened", exc) from exc
        try:
            _wait(descriptor, deadline)
            if _is_named(folder, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _wait(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() >= deadline:
                raise busy() from exc
            time.sleep(_PAUSE)
        except OSError as exc:
            raise files.failure("the ledger's lock cannot be taken", exc) from exc
        else:
            return


def _is_named(folder: int, descriptor: int) -> bool:
    """Whether the locked file is still the one that others will open: somebody may have replaced it."""
    try:
        named = os.stat(NAME, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
