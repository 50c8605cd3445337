"""What reaches a terminal."""

import io
import sys

import pytest

from postwarden.cli.terminal import Progress, clean, paragraph


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, caf\u00e9 \U0001f600", "plain text, caf\u00e9 \U0001f600"),
        ("\x1b[2J\x1b]0;x\x07", "\\u{1b}[2J\\u{1b}]0;x\\u{7}"),
        ("a\nb\r\tc", "a\\u{a}b\\u{d}\\u{9}c"),
        ("\x9b31m\x85", "\\u{9b}31m\\u{85}"),
        ("\x7f\x00", "\\u{7f}\\u{0}"),
        ("abc\u202edcb\u2069", "abc\\u{202e}dcb\\u{2069}"),
        ("a\u200bb\u200db\ufeff", "a\\u{200b}b\\u{200d}b\\u{feff}"),
        ("\u2028\u2029", "\\u{2028}\\u{2029}"),
        ("\U000e0041", "\\u{e0041}"),
        ("\ud800", "\\u{d800}"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    """Escapes, controls, and marks that hide or turn text become visible, everything else stays."""
    assert clean(text) == shown


def test_line_ends_stay_where_lines_are_meant() -> None:
    """Text of several lines of our own keeps its lines and nothing else."""
    assert clean("a\nb\x1b\r\n", lines=True) == "a\nb\\u{1b}\\u{d}\n"


def test_a_paragraph_is_wrapped_below_its_start() -> None:
    """A long sentence is wrapped without breaking words, and one that holds line ends is one line."""
    text = paragraph("word " * 40 + "x" * 200 + " a\nb", "  - ")
    lines = text.splitlines()
    assert lines[0].startswith("  - word")
    assert all(line.startswith("    ") for line in lines[1:])
    assert all(len(line) <= 110 or "x" * 200 in line for line in lines)
    assert "a\\u{a}b" in text


def test_nothing_is_shown_of_progress_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file gets no progress line."""
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    progress = Progress()
    progress.show("1 of 2")
    progress.clear()
    assert err.getvalue() == ""


def test_progress_shows_no_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account's name in the progress line cannot speak to the terminal or be taken for markup."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    progress = Progress()
    progress.show("1 of 2: \x1b]0;owned\x07[bold]x")
    progress.clear()
    assert "\x1b]0;owned" not in err.getvalue()
    assert "\x07" not in err.getvalue()
