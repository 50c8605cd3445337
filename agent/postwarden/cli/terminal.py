"""What may reach a terminal. Results go to stdout, progress and errors to stderr.

Names and texts from mailboxes are input: control characters, escapes and characters that change the
direction of text are shown as escapes, never sent.
"""

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status

# C0 and C1 controls, DEL; zero-width and direction marks (Unicode Bidi_Control and its kin); line and
# paragraph separators; byte order mark; lone surrogates; tags.
_UNSAFE = (
    "\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
_LINE = re.compile(f"[{_UNSAFE}]")
_TEXT = re.compile(f"(?![\n])[{_UNSAFE}]")


def clean(text: str, *, lines: bool = False) -> str:
    """`text` for a terminal, with unsafe characters as `\\u{…}`; with `lines`, line ends stay."""
    return (_TEXT if lines else _LINE).sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)


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
