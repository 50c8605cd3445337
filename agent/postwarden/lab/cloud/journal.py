"""What clients asked of the lab's cloud: each request and each part of a batch, and what was wrong with it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

#: The headers of requests that the journal keeps, by their names in small letters.
KEPT_HEADERS = ("accept", "content-type", "prefer", "x-anchormailbox", "x-ms-throttle-priority", "user-agent")


@dataclass(frozen=True)
class RequestRecord:
    """One request, or one part of a batch, and how it ended.

    `time` is in seconds since the lab's start. `host` is which of the lab's servers, `kind` the operation, empty
    where there is none such. `who` is the application and, behind a slash, whom it acts for; `bearer` whether it had
    a token with it. `part` is the part's id in a batch. `fault` is the injected fault, `problem` what was wrong with
    the request: something that no client should send.
    """

    time: float
    host: str
    kind: str
    method: str
    path: str
    query: str
    status: int
    who: str = ""
    bearer: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    part: str | None = None
    fault: str | None = None
    problem: str = ""


class Journal:
    """Written by all connections of all servers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._start = monotonic()
        self._requests: list[RequestRecord] = []
        self._serving: Counter[str] = Counter()
        self._peaks: Counter[str] = Counter()

    def now(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._start

    def add(self, record: RequestRecord) -> None:
        with self._lock:
            self._requests.append(record)

    @contextmanager
    def serving(self, host: str) -> Iterator[None]:
        """For as long as a host serves a request."""
        with self._lock:
            self._serving[host] += 1
            self._peaks[host] = max(self._peaks[host], self._serving[host])
        try:
            yield
        finally:
            with self._lock:
                self._serving[host] -= 1

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """Requests in the order of their ends; the parts of a batch come before it."""
        with self._lock:
            return tuple(self._requests)

    @property
    def peaks(self) -> Mapping[str, int]:
        """By host, the most requests that were there at once."""
        with self._lock:
            return dict(self._peaks)

    @property
    def problems(self) -> tuple[RequestRecord, ...]:
        """Requests that no client should send."""
        return tuple(record for record in self.requests if record.problem)

    def counts(self) -> Mapping[str, int]:
        """Requests by host and kind, `graph.users` for example; parts of a batch have `/` before the kind."""
        return dict(
            Counter(
                f"{record.host}{'.' if record.part is None else '/'}{record.kind or 'unknown'}"
                for record in self.requests
            )
        )

    def clear(self) -> None:
        """Forget requests and peaks."""
        with self._lock:
            self._requests.clear()
            self._peaks.clear()
