"""A clock that a test sets."""

from datetime import datetime


class Clock:
    """Stands still where it is put."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now
