"""One judge at work in one organisation: what it opens, what people answer, and what of it was an intruder's."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from postwarden.detect.access.entry import End, Entry
from postwarden.model.window import Window
from tests.quality.access.judge import Judge
from tests.quality.access.operators import Operators


@dataclass
class Truth:
    """Whose the sessions are, filled while they pass: row → the intruder's id, and when each intruder came in.

    An intruder came in with the first session or sign-in that was let in; what was refused before is no entry.
    """

    rows: dict[int, str] = field(default_factory=dict)
    entered: dict[str, int] = field(default_factory=dict)
    victims: dict[str, str] = field(default_factory=dict)

    def note(self, entry: Entry, intruder: str) -> None:
        if not entry.refused:
            self.rows[entry.row] = intruder
            self.entered.setdefault(intruder, entry.time)
            self.victims.setdefault(intruder, entry.account)


@dataclass(frozen=True)
class Sighting:
    """A window as it was last shown; `shown` is when it was first, in milliseconds since 1970."""

    window: Window
    shown: int


class Watch:
    """Feeds a judge, asks people about what it opens, and keeps what it said.

    `installed` is when somebody began to look: what a judge opens while it reads older logs is shown then.
    `found` has, for each intruder, when a window first cited one of the sessions, if that window was opened at or
    after the entry; `swallowed` are the intruders cited by a window that was open before they came.
    """

    def __init__(self, judge: Judge, operators: Operators, truth: Truth, installed: int = 0) -> None:
        self.windows: dict[tuple[str, str], Sighting] = {}
        self.found: dict[str, int] = {}
        self.swallowed: set[str] = set()
        self._judge = judge
        self._operators = operators
        self._truth = truth
        self._installed = installed

    def take(self, entry: Entry) -> None:
        """One more entry; answers that came before it are given first."""
        while self._operators.next_due <= entry.time:
            self._answer()
        for window in self._judge.take(entry):
            self._see(window, max(entry.time, self._installed))

    def end(self, end: End) -> None:
        """The end of a session."""
        self._judge.end(end)

    def _see(self, window: Window, now: int) -> None:
        key = window.account, window.subject
        before = self.windows.get(key)
        self.windows[key] = Sighting(window, before.shown if before else now)
        if before is None:
            self._operators.ask(window, now)
        elif before.window.cited == window.cited:
            return
        for intruder in cited(window, self._truth.rows):
            if window.opened >= self._truth.entered[intruder]:
                self.found.setdefault(intruder, now)
            else:
                self.swallowed.add(intruder)

    def _answer(self) -> None:
        due, account, subject, luck = self._operators.next_question()
        window = self.windows[account, subject].window
        cites = bool(cited(window, self._truth.rows))
        self._judge.answer(self._operators.says(account, subject, due, luck, intruder=cites))

    def false_windows(self) -> list[Sighting]:
        """Those that cite no session of an intruder who was in when they were opened."""
        return [one for one in self.windows.values() if not self._is_true(one.window)]

    def _is_true(self, window: Window) -> bool:
        return any(
            window.opened >= self._truth.entered[intruder] for intruder in cited(window, self._truth.rows)
        )


def cited(window: Window, rows: Mapping[int, str]) -> set[str]:
    """The intruders whose sessions a window cites."""
    return {rows[row] for row in window.cited if row in rows}
