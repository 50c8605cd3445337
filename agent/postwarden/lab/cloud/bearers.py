"""Access tokens that the lab's platforms have given out: whose they are, what for, and for how long they hold."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal

from postwarden.lab.assertions import Clock


@dataclass(frozen=True)
class Bearer:
    """What a token says: the application, whom it acts for (empty: itself), at which resource, with which rights."""

    client_id: str
    audience: str
    permissions: frozenset[str]
    expires: datetime
    subject: str = ""
    uses: int | None = None

    @property
    def who(self) -> str:
        return f"{self.client_id}/{self.subject}" if self.subject else self.client_id


class Bearers:
    """The tokens of one platform.

    `seconds` is how long new ones live and say that they do; with `uses`, they end after so many requests, whatever
    they said.
    """

    def __init__(self, clock: Clock, *, seconds: float = 3600, uses: int | None = None) -> None:
        self.seconds = seconds
        self.uses = uses
        #: How often a token was given out, and refused.
        self.given = 0
        self.refused = 0
        self._clock = clock
        self._lock = Lock()
        self._known: dict[str, Bearer] = {}

    def expiry(self) -> datetime:
        """When a token that is made now ends."""
        return self._clock() + timedelta(seconds=self.seconds)

    def give(self, token: str, bearer: Bearer) -> None:
        """Remember a token."""
        with self._lock:
            self.given += 1
            self._known[token] = replace(bearer, uses=self.uses)

    def refuse(self) -> None:
        """Count a request for a token that was refused."""
        with self._lock:
            self.refused += 1

    def use(self, token: str) -> Bearer | Literal["expired", "unknown"]:
        """Whose the token is, or what is wrong with it; counts the use."""
        now = self._clock()
        with self._lock:
            bearer = self._known.get(token)
            if bearer is None:
                return "unknown"
            if bearer.expires <= now or bearer.uses == 0:
                return "expired"
            if bearer.uses is not None:
                self._known[token] = replace(bearer, uses=bearer.uses - 1)
            return bearer

    def expire_all(self) -> None:
        """From now on, every token given out has ended, whatever it said."""
        now = self._clock()
        with self._lock:
            self._known = {token: replace(bearer, expires=now) for token, bearer in self._known.items()}
