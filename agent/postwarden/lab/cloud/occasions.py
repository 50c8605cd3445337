"""A fault that waits, the request that meets it, and how a provider speaks when something is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Any, Protocol

from postwarden.lab.cloud.routing import Answer, Operation, Refused


class Dialect(Protocol):
    """How one provider says that something is wrong, and how its lists go on."""

    @property
    def content_type(self) -> str: ...

    @property
    def next(self) -> str:
        """The member of a list's answer that leads on; empty where a list is asked for by number."""

    @property
    def links(self) -> bool:
        """Whether that member is a link; else it is a token."""

    def rendered(self, refused: Refused, now: datetime, /) -> Answer:
        """The answer that says so."""

    def forbidden(self, operation: Operation | None, /) -> Refused:
        """The bearer lacks the right for this operation, or for what there is no operation for."""

    def crowded(self) -> Refused:
        """More requests at once than the service behind it takes."""

    def throttled(self) -> Refused:
        """Too many requests."""

    def unavailable(self) -> Refused:
        """The service has no time now."""

    def broken(self) -> Refused:
        """Something went wrong inside."""

    def expired(self) -> Refused:
        """The token has ended."""

    def gone(self) -> Refused:
        """A cursor is too old: start again."""


@dataclass(frozen=True)
class Fault:
    """One fault that waits for its requests; None matches every host or operation, or is without end.

    It meets every `every`-th request of those that match, `times` in all; with `part`, only parts of batches, and
    else only whole requests. `retry_after` is the header's text, None for no such header. `reason` is Google's word
    for why. `seconds` is the pace of dripped bytes or of silence, `size` the bytes of a large answer or the levels of
    a deep one; `shown` says whose data is answered instead, by the names in the operation's path. `memory` is for
    faults that go over several requests.
    """

    name: str
    host: str | None = None
    kind: str | None = None
    every: int = 1
    times: int | None = 1
    part: bool = False
    retry_after: str | None = None
    reason: str = "userRateLimitExceeded"
    seconds: float | None = None
    size: int | None = None
    shown: Mapping[str, str] | None = None
    memory: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def pace(self, usual: float) -> float:
        return usual if self.seconds is None else self.seconds


@dataclass(frozen=True)
class Occasion:
    """A request that meets a fault.

    `genuine` makes the answer that it would have got, `about_another` one as if these names had stood in its path.
    `again` names this very request as a next page's cursor, fresh each time, or one and the same for each word.
    `origin` is its host's, `elsewhere` that of a server which no client has any business with.
    """

    fault: Fault
    dialect: Dialect
    operation: Operation | None
    path: str
    query: str
    again: Callable[[str], str]
    genuine: Callable[[], Answer]
    about_another: Callable[[Mapping[str, str]], Answer]
    origin: str
    elsewhere: str
    now: datetime
    stopping: Event

    def refused(self, refused: Refused) -> Answer:
        return self.dialect.rendered(refused, self.now)
