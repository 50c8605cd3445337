"""What all servers of one lab share, and how many requests at once a service behind one of them takes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from postwarden.lab.assertions import Clock
from postwarden.lab.cloud.faults import Faults
from postwarden.lab.cloud.journal import Journal


@dataclass(frozen=True)
class Seen:
    """One request, or part of a batch, with its answer, as observers see it; answers that a fault made are left out.

    `request` is the body's JSON value, a form's fields, or None; `answer` is the answer's value.
    """

    host: str
    kind: str
    method: str
    path: str
    query: Mapping[str, str]
    request: Any
    status: int
    answer: Any
    part: bool = False


Observer = Callable[[Seen], None]


@dataclass
class Surroundings:
    """What all servers of one lab share; `elsewhere` is the origin of a server that no client has any business with."""

    clock: Clock
    latency: float
    journal: Journal
    faults: Faults
    stopping: Event
    elsewhere: str = ""
    observers: list[Observer] = field(default_factory=list)


class Slots:
    """A service that serves a few requests of an application at a time, and refuses those beyond."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()
        self._taken = 0
        self.peak = 0

    @contextmanager
    def taken(self, wanted: int) -> Iterator[int]:
        """Take up to `wanted` places; yields how many there were."""
        with self._lock:
            got = max(0, min(wanted, self.most - self._taken))
            self._taken += got
            self.peak = max(self.peak, self._taken)
        try:
            yield got
        finally:
            with self._lock:
                self._taken -= got
