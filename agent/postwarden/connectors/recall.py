"""What sources may ask of the history, which whoever keeps it answers."""

from collections.abc import Iterator
from typing import Protocol

from postwarden.formats.asked import Asked
from postwarden.model.reading import Item

#: Where a source's memory holds the history, as far as the source may ask it.
RECALL = "recall"


class SignInRecall(Protocol):
    """The port through which a source says how far its sign-ins are in the history."""

    def of_sign_ins(self, asked: Asked) -> Iterator[Item]: ...
