"""How far the reading of logs is, on a terminal."""

from typing import TYPE_CHECKING

from postwarden.cli.terminal import Progress

if TYPE_CHECKING:
    from postwarden.pipeline.ingest import Progress as Step


class LogProgress:
    """Told of each step; `lines` and `events` are the sums so far."""

    def __init__(self) -> None:
        self._progress = Progress()
        self.lines = self.events = 0
        self.unreadable: list[Step] = []

    def __call__(self, step: "Step") -> None:
        if step.unreadable is not None:
            self.unreadable.append(step)
            return
        self.lines += step.lines
        self.events += step.events
        self._progress.show(f"{step.source}: {self.lines} lines, {self.events} events, at {step.path}")

    def clear(self) -> None:
        self._progress.clear()
