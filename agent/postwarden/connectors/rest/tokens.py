"""An application's token: fetched when one is needed, again before it ends, and kept in memory only."""

import threading
from collections.abc import Callable

from msgspec import Struct

from postwarden.connectors.rest.patience import NotLetIn
from postwarden.secrets import Secret

#: Seconds before its end that a token is no longer used, and the least that one is used for all the same.
MARGIN, LEAST = 60.0, 5.0


class Token(Struct, frozen=True):
    """A token and the seconds that it is good for."""

    secret: Secret
    life: float


class Tokens:
    """One token for all threads; `fetch` asks for a new one and raises ConnectorError or SecretError."""

    def __init__(self, fetch: Callable[[], Token], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._until = 0.0
        self._refused: NotLetIn | None = None

    def current(self) -> Secret:
        """A token that is good for a while; who was refused once is not tried again."""
        with self._lock:
            if self._refused is not None:
                raise NotLetIn(f"not tried again: {self._refused.message}", self._refused.hint or "")
            if self._token is None or self._clock() >= self._until:
                try:
                    token = self._fetch()
                except NotLetIn as error:
                    self._refused = error
                    raise
                self._token = token.secret
                self._until = self._clock() + max(min(LEAST, token.life), token.life - MARGIN)
            return self._token

    def forget(self, token: Secret) -> None:
        """The service did not take it; a token that another thread has fetched since then stays."""
        with self._lock:
            if self._token is token:
                self._token = None
