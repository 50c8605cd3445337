"""Ratios against a reference in the same run, for a time alone says more about the machine than about the code."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """How one piece of work compares to its reference.

    `values` are the ratios of single runs; `seconds` what the work took in the middle run, for one of `per`;
    `target` the highest ratio that is good enough, or None where none was set.
    """

    work: str
    reference: str
    values: tuple[float, ...]
    seconds: float | None = None
    per: str = "run"
    target: float | None = None

    @property
    def middle(self) -> float:
        return median(self.values)

    @property
    def missed(self) -> bool:
        return self.target is not None and self.middle > self.target


@dataclass(frozen=True)
class NotMeasured:
    """Why a ratio cannot be measured here."""

    work: str
    why: str


def compare(
    work: str,
    ours: Work,
    reference: str,
    theirs: Work,
    *,
    runs: int,
    parts: tuple[int, int] = (1, 1),
    per: str = "run",
    target: float | None = None,
) -> Ratio:
    """Runs both in turn, so that what else the machine does falls on both.

    `parts` are how many pieces one run of ours and of the reference handles; the ratio is of single pieces.
    """
    ours()
    theirs()
    times = [(_seconds(ours) / parts[0], _seconds(theirs) / parts[1]) for _ in range(runs)]
    return Ratio(
        work,
        reference,
        values=tuple(mine / other for mine, other in times),
        seconds=median(mine for mine, _ in times),
        per=per,
        target=target,
    )


def _seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
