"""What is evaluated: anything that takes entries in the order of time and opens windows, as the detector does."""

from collections.abc import Callable, Sequence
from typing import Protocol

from postwarden.detect.access.entry import Answer, End, Entry
from postwarden.model.window import Window


class Judge(Protocol):
    """The detector's own interface, which the baselines have too."""

    def take(self, entry: Entry) -> Sequence[Window]:
        """Windows that this entry opened or changed."""
        ...

    def end(self, end: End) -> None:
        """The end of a session, at its own time."""
        ...

    def answer(self, answer: Answer) -> None:
        """What somebody said about a window."""
        ...


#: Makes a judge that knows nothing yet.
Make = Callable[[], Judge]
