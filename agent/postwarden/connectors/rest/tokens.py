"""An application's token: fetched when one is needed, again before it ends, and kept in memory only."""

import re
import threading
from collections.abc import Callable

from msgspec import Struct

from postwarden.connectors.rest.patience import NotLetIn
from postwarden.errors import ConnectorError
from postwarden.secrets import Secret

#: Seconds before its end that a token is no longer used, and the least that one is used for all the same.
MARGIN, LEAST = 60.0, 5.0

#: What a header can carry, without the spaces that would end it.
_PRINTABLE = re.compile(r"[!-~]+")


class Token(Struct, frozen=True):
    """A token and the seconds that it is good for; ConnectorError where it could not be sent in a header."""

    secret: Secret
    life: float

    def __post_init__(self) -> None:
        if _PRINTABLE.fullmatch(self.secret.reveal()) is None:
            raise ConnectorError(
                "the token that was given is none: it has other characters than printable ones of ASCII",
                "look at the token endpoint, or at the proxy before it",
                reason="malformed",
            )


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
