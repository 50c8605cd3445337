"""A history in an empty folder, and short ways to put something into it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postwarden.history.history import History, open_history
from postwarden.model.arrival import Batch, Cursor, Note
from postwarden.model.event import Access, Event

Store = Callable[..., Cursor]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path, create=True) as opened:
        yield opened


@pytest.fixture
def store(history: History) -> Store:
    """Stores events of one source as one batch, at a time in milliseconds since 1970."""

    def put(
        *events: Event,
        now: int = 0,
        source: str = "imap-log",
        cursor: Cursor | None = None,
        unread: tuple[bytes, ...] = (),
        notes: tuple[Note, ...] = (),
        fresh: bool = False,
        ends: bool = True,
    ) -> Cursor:
        batch = Batch(
            source=source,
            cursor=cursor or Cursor(head=b"head"),
            events=list(events),
            unread=list(enumerate(unread)),
            doubtful=[],
            passed=0,
            lines=len(events),
            fresh=fresh,
            notes=notes,
        )
        with history.writing() as storing:
            (stored,) = history.store(storing, [(batch, 1_800_000, ends)], now)
        return stored

    return put


def log_in(time: int, name: str = "alice", *, stage: str = "begun", **fields: object) -> Access:
    """A log-in over IMAP; `fields` are more of it."""
    given = {
        "at": time,
        "time": time,
        "stage": stage,
        "protocol": "imap",
        "name": name,
        "address": "192.0.2.1",
    }
    return Access(**(given | fields))  # type: ignore[arg-type]  # fields of an access
