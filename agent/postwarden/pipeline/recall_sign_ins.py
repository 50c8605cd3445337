"""What the history says about how far a source's sign-ins were read."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from postwarden.errors import HistoryError
from postwarden.formats.asked import Asked
from postwarden.history.history import History, open_history
from postwarden.history.standing import Standing
from postwarden.model.reading import Gap, Item
from postwarden.pipeline.sign_in_mark import cursor_of, mark_of

#: Milliseconds that a reading may lie back, beside what the service itself is late.
BEHIND = 2 * 3_600_000
#: Milliseconds for which sign-ins that were lost are spoken of.
SPOKEN_OF = 30 * 86_400_000
_READ = "run the daemon, or postwarden history read"


class HistoryOfSignIns:
    """Fills the port `connectors.recall.SignInRecall`. Threads may share it."""

    def __init__(self, state: Path, clock: Callable[[], datetime]) -> None:
        self._state, self._clock = state, clock

    def of_sign_ins(self, asked: Asked) -> Iterator[Item]:
        """The gaps there are, and that the check was looked at."""
        now = int(self._clock().timestamp() * 1000)
        try:
            with open_history(self._state) as history:
                yield from _found(asked, history, now)
        except (HistoryError, sqlite3.Error) as exc:
            hint = exc.hint if isinstance(exc, HistoryError) else "run the command again"
            yield asked.gap("unreachable", f"the history could not be asked: {exc}", hint=hint)
            return
        yield asked.done()


def _found(asked: Asked, history: History, now: int) -> Iterator[Gap]:
    standing = history.read.sources().get(asked.source, Standing())
    cursor = cursor_of(asked.source, history.read.cursors(asked.source))
    for trouble in standing.troubles:
        yield asked.gap(trouble.reason, trouble.message, part=trouble.path, hint=trouble.hint)
    if standing.looked is None:
        yield asked.gap("unreachable", "nobody has asked for the sign-ins yet", hint=_READ)
    elif now - standing.looked > BEHIND:
        yield asked.gap(
            "unreachable", f"nobody has asked for the sign-ins since {_text(standing.looked)}", hint=_READ
        )
    elif cursor is None:
        yield asked.gap("unreachable", "no sign-ins were read yet", hint=_READ)
    elif now - (reached := mark_of(cursor).read_to * 1000) > BEHIND + standing.lateness:
        yield asked.gap("unreachable", f"the sign-ins are read up to {_text(reached)} so far", hint=_READ)
    for one in history.read.mishaps(asked.source, now - SPOKEN_OF):
        if one.lost:
            yield asked.gap("malformed", one.words, part=one.path, hint=_READ)


def _text(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%Y-%m-%d %H:%M} UTC"
