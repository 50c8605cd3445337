"""What clients did to the lab's Exchange: requests, log-ons, and how much was served at once."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Literal

from postwarden.lab.exchange.soap import Impersonated

Scheme = Literal["basic", "ntlm", "oauth"]


@dataclass(frozen=True)
class RequestRecord:
    """One EWS request of somebody who had logged on, and how it ended.

    `time` is in seconds since the server's start; `user` who logged on; `operation` the name of the body's element,
    empty where the request could not be read; `anchor` the header X-AnchorMailbox; `size` the request's bytes;
    `busy` says that it was ErrorServerBusy, `fault` which fault was injected. `raw` is empty unless the server keeps requests.
    """

    time: float
    operation: str
    user: str
    impersonated: Impersonated | None
    anchor: str
    scheme: Scheme
    size: int
    status: int
    busy: bool = False
    fault: str | None = None
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Logon:
    """One attempt to log on: by the name that the client gave, and what was wrong, empty where it succeeded."""

    time: float
    user: str
    scheme: Scheme
    why: str = ""

    @property
    def succeeded(self) -> bool:
        return not self.why


class Journal:
    """Written by all connections."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._start = monotonic()
        self._requests: list[RequestRecord] = []
        self._logons: list[Logon] = []
        self._serving: Counter[str] = Counter()
        self._peak = 0

    def now(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._start

    def add(self, entry: RequestRecord | Logon) -> None:
        with self._lock:
            if isinstance(entry, Logon):
                self._logons.append(entry)
            else:
                self._requests.append(entry)

    @contextmanager
    def serving(self, user: str) -> Iterator[int]:
        """For as long as a request is served; yields how many of this user's are, this one included."""
        with self._lock:
            self._serving[user] += 1
            now = self._serving[user]
            self._peak = max(self._peak, self._serving.total())
        try:
            yield now
        finally:
            with self._lock:
                self._serving[user] -= 1

    @property
    def peak(self) -> int:
        """The most requests that were there at once, those that were told to wait included."""
        with self._lock:
            return self._peak

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """Requests in the order of their ends."""
        with self._lock:
            return tuple(self._requests)

    @property
    def logons(self) -> tuple[Logon, ...]:
        with self._lock:
            return tuple(self._logons)

    def clear(self) -> None:
        """Forget requests, log-ons and peak."""
        with self._lock:
            self._requests.clear()
            self._logons.clear()
            self._peak = 0
