"""Simulated people who are asked about windows: late, sometimes never, and sometimes wrong.

A window is asked about when it is first shown. All is drawn from a seed: how late and how often wrong an organisation's
people are, and for every account's first, second and further window the rest, so that two judges that open the same
windows hear the same answers.
"""

import math
from heapq import heappop, heappush
from random import Random

from postwarden.detect.access.entry import Answer
from postwarden.model.window import Window

HOUR_MS = 3_600_000

#: Ranges that are drawn from. Nobody has published such rates for owners of mailboxes: they are guesses, on the bad side.
DELAY_HOURS = (2.0, 14 * 24.0)
NEVER = (0.0, 0.4)
WRONGLY_YOURS = (0.0, 0.10)
WRONGLY_NOT_MINE = (0.0, 0.05)


class Operators:
    """The people of one organisation, asked about one judge's windows."""

    def __init__(self, seed: str) -> None:
        rng = Random(f"{seed} operators")
        self._seed = seed
        self._never = rng.uniform(*NEVER)
        self._wrongly_yours = rng.uniform(*WRONGLY_YOURS)
        self._wrongly_not_mine = rng.uniform(*WRONGLY_NOT_MINE)
        self._asked: dict[str, int] = {}
        self._due: list[tuple[int, int, str, str, float]] = []
        self._count = 0

    @property
    def next_due(self) -> float:
        """When the next answer comes; infinity where none is to come."""
        return self._due[0][0] if self._due else math.inf

    def ask(self, window: Window, shown: int) -> None:
        """They are told of a window at a time, in milliseconds since 1970."""
        nth = self._asked[window.account] = self._asked.get(window.account, 0) + 1
        rng = Random(f"{self._seed} {window.account} {nth}")
        if rng.random() < self._never:
            return
        low, high = (math.log(hours) for hours in DELAY_HOURS)
        due = shown + int(math.exp(rng.uniform(low, high)) * HOUR_MS)
        self._count += 1
        heappush(self._due, (due, self._count, window.account, window.subject, rng.random()))

    def next_question(self) -> tuple[int, str, str, float]:
        """Whose answer comes next: its time, the account, the window's subject, and the luck of who answers."""
        due, _, account, subject, luck = heappop(self._due)
        return due, account, subject, luck

    def says(self, account: str, subject: str, time: int, luck: float, *, intruder: bool) -> Answer:
        """The answer about a window that cites an intruder's session, or none."""
        wrong = luck < (self._wrongly_yours if intruder else self._wrongly_not_mine)
        return Answer(
            account=account,
            subject=subject,
            verdict="not_mine" if intruder is not wrong else "yours",
            time=time,
        )
