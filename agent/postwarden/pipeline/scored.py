"""How far sessions were scored."""

from pathlib import Path

import msgspec
from msgspec import Struct

from postwarden.history.kept import Outline, look
from postwarden.history.replay import Marks


class Progress(Struct, frozen=True, kw_only=True):
    """Where scoring stands. `form` is a digest of what everything depends on. `looked` is when it was last done, `horizon` the
    time until which sessions are scored finally; `marks` says how far the history was read, and `low` from where what was
    not final then is read again. `answers` were taken in. `late` came behind the horizon: they were looked at and not
    learnt, until everything is scored anew. Times are milliseconds since 1970.
    """

    form: str
    looked: int = 0
    horizon: int = 0
    marks: Marks = Marks()
    low: Marks = Marks()
    answers: int = 0
    scored: int = 0
    late: int = 0


PROGRESS = msgspec.msgpack.Decoder(Progress)


def scored_until(state: Path) -> Progress | None:
    """Where scoring stands in a state folder, None where nothing was scored yet. Raises HistoryError."""
    known = look(state)
    return progress_of(known) if known is not None else None


def progress_of(known: Outline) -> Progress | None:
    """Where scoring stands, by what is kept."""
    saved = known.meta.get("progress")
    if saved is None:
        return None
    try:
        return PROGRESS.decode(saved)
    except msgspec.MsgspecError:
        # Of another postwarden: what reads the logs makes it anew.
        return None
