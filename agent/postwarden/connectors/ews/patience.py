"""How often and how long a server is asked, and what it means when nothing comes of it."""

import random
import threading
import time
from collections.abc import Callable

from exchangelib.errors import EWSError, UnauthorizedError
from spnego.exceptions import SpnegoError

from postwarden.connectors.ews.adapter import Busy
from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml import refusal
from postwarden.formats.ews_xml.tree import Element

#: Times that one request is sent at most, and seconds that one mailbox may wait for a busy server in all.
MAX_TRIES, MAX_WAIT = 5, 120.0
#: Seconds of the first wait where the server names none; each further one is twice as long.
FIRST_WAIT = 2.0

_BUSY = frozenset(
    {
        "ErrorServerBusy",
        "ErrorExceededConnectionCount",
        "ErrorTooManyObjectsOpened",
        "ErrorInternalServerTransientError",
        "ErrorTimeoutExpired",
        "ErrorMailboxStoreUnavailable",
        "ErrorMailboxMoveInProgress",
    }
)
#: The words of them as they stand in an answer: only one that has any is looked at twice.
_BUSY_WORDS = tuple(word.encode() for word in _BUSY)

#: Sends a request once, and returns the raw answer.
Send = Callable[[Element], bytes]


class NotLetIn(ConnectorError):
    """The log-in was refused: nothing else needs to be asked."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint, reason="refused")


class Pause:
    """When the server may be asked again, for all threads that ask it; in seconds of a monotonic clock."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0

    def extend(self, wait: float) -> None:
        with self._lock:
            self._until = max(self._until, self._clock() + wait)

    def left(self) -> float:
        with self._lock:
            return max(0.0, self._until - self._clock())


class Patience:
    """For one mailbox: the waiting that it may cost. `identity` is who asks, for messages.

    `forget` drops a token that was not taken, where the log-in has one: then it is tried once more. A
    password is tried once only, since directories lock accounts.
    """

    def __init__(self, identity: str, pause: Pause, forget: Callable[[], None] | None) -> None:
        self._identity, self._pause, self._forget = identity, pause, forget
        self._waited = 0.0

    def ask(self, send: Send, request: Element) -> bytes:
        """The raw answer; raises ConnectorError where there is none. A refusal that is an answer is returned."""
        forget, tries, wait = self._forget, 0, FIRST_WAIT
        while True:
            self._rest(self._pause.left())
            tries += 1
            try:
                return self._once(send, request)
            except Busy as busy:
                if tries == MAX_TRIES:
                    raise
                self._back_off(busy, wait)
                wait *= 2
            except NotLetIn:
                if forget is None:
                    raise
                forget()
                forget = None

    def _once(self, send: Send, request: Element) -> bytes:
        try:
            raw = send(request)
        except UnauthorizedError as exc:
            raise NotLetIn(
                f"the server refused {self._identity}",
                "check user and secret, and that the server offers this mechanism",
            ) from exc
        except (OSError, SpnegoError) as exc:
            # The handshakes' own errors: whatever the connection does is a ConnectorError already.
            raise NotLetIn(
                f"the log-in of {self._identity} failed: {type(exc).__name__}",
                "check user, secret or ticket, and that the server offers this mechanism",
            ) from exc
        except EWSError as exc:
            raise ConnectorError(
                f"the answer is none of EWS ({type(exc).__name__})", "check the url", reason="malformed"
            ) from exc
        if any(word in raw for word in _BUSY_WORDS):
            found = refusal(raw)
            if found is not None and found.code in _BUSY:
                raise Busy(found.words, found.back_off / 1000 if found.back_off is not None else None)
        return raw

    def _back_off(self, busy: Busy, wait: float) -> None:
        """All threads leave the server alone for as long as it asks; raises it where that is beyond our bound."""
        asked = busy.wait if busy.wait is not None else wait
        if self._waited + asked > MAX_WAIT:
            raise busy
        self._pause.extend(asked)

    def _rest(self, left: float) -> None:
        if left > 0:
            # So that not all come back in the same moment.
            left += random.uniform(0, min(1.0, left))  # noqa: S311 - no secret hangs on it
            self._waited += left
            self._pause.sleep(left)
