"""What may reach a terminal. Results go to stdout, progress and errors to stderr.

Names and texts from mailboxes are input: control characters, escapes and characters that change the
direction of text are shown as escapes, never sent.
"""

import sys
from typing import TYPE_CHECKING

from postwarden.logs.escaping import clean

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["Progress", "clean", "paragraph"]


def paragraph(text: str, start: str) -> str:
    """One cleaned sentence that begins with `start`, wrapped to a usual terminal's width below it."""
    import textwrap

    return textwrap.fill(
        clean(text),
        width=110,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


class Progress:
    """One line on stderr for long work; silent, and without loading rich, unless stderr is a terminal."""

    def __init__(self) -> None:
        self._status: Status | None = None
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True, highlight=False).status("")

    def show(self, text: str) -> None:
        if self._status is not None:
            from rich.text import Text

            # A Text is not searched for markup; the name in it may come from a mailbox.
            self._status.update(Text(clean(text)[:100]))
            self._status.start()

    def clear(self) -> None:
        if self._status is not None:
            self._status.stop()
