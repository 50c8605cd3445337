"""What `verify` found amiss, one sentence each."""

from dataclasses import dataclass

#: Problems beyond this number are counted, not listed: a file of garbage has one in every line.
MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not sound, as a sentence; `first` and `last` are indices of records it concerns."""

    what: str
    first: int | None = None
    last: int | None = None


class Problems:
    """The problems found so far, in a list that does not grow without end."""

    __slots__ = ("_listed", "count")

    def __init__(self) -> None:
        self._listed: list[Problem] = []
        self.count = 0

    def add(self, what: str, first: int | None = None, last: int | None = None) -> None:
        self.count += 1
        if self.count <= MAX_LISTED:
            self._listed.append(Problem(what, first, last))

    def listed(self) -> tuple[Problem, ...]:
        """The problems in the order they were found; where there are too many, a last one says how many."""
        more = self.count - len(self._listed)
        return (*self._listed, Problem(f"and {more} more")) if more else tuple(self._listed)
