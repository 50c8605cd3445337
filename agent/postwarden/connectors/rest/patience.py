"""How often and how long a service is asked again, and what it means when nothing comes of it."""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from postwarden.connectors.https import BrokeOff
from postwarden.errors import ConnectorError

Answer = TypeVar("Answer")

#: Times that one request is sent at most, and seconds that one scope may wait for a busy service in all.
MAX_TRIES, MAX_WAIT = 6, 240.0
#: Times that one is sent at most to a service that breaks off.
MAX_BREAKS = 3
#: Seconds of the first wait where the service names none; each further one is twice as long.
FIRST_WAIT = 1.0
#: The most seconds that a service's word is taken for: one that asks for more is left alone until the next sweep.
LONGEST = 120.0


class Busy(ConnectorError):
    """The service asks us to come back later; `wait` is in seconds, where it says so."""

    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(
            message, "it is asked again in the next sweep; fewer sources at once help", reason="unreachable"
        )
        self.wait = wait


class NotLetIn(ConnectorError):
    """The log-in was refused: nothing else needs to be asked."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint, reason="refused")


class TokenEnded(NotLetIn):
    """The service did not take the token, which may have ended."""


class Pause:
    """When the service may be asked again, for all threads that ask it; in seconds of a monotonic clock."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        scatter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.sleep, self.scatter = sleep, scatter
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
    """For one scope: the waiting that it may cost."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._waited = 0.0

    def ask(self, send: Callable[[], Answer], forget: Callable[[], None]) -> Answer:
        """What `send` returns; raises ConnectorError where nothing comes of it.

        A service that is busy, or breaks off, is asked again; a token that is not taken is dropped by
        `forget` and replaced once.
        """
        tries, broke, wait, replaced = 0, 0, FIRST_WAIT, False
        while True:
            self._rest(self._pause.left())
            tries += 1
            try:
                return send()
            except (Busy, BrokeOff) as error:
                broke += isinstance(error, BrokeOff)
                if tries == MAX_TRIES or broke == MAX_BREAKS:
                    raise
                self._back_off(error, wait)
                wait *= 2
            except TokenEnded:
                if replaced:
                    raise
                forget()
                replaced = True

    def _back_off(self, error: Busy | BrokeOff, wait: float) -> None:
        """All threads leave the service alone for as long as it asks; raises the error where that is too long."""
        asked = error.wait if isinstance(error, Busy) and error.wait is not None else None
        if asked is None:
            # So that not all that met the same trouble come back in the same moment.
            asked = self._pause.scatter(wait / 2, wait)
        if asked > LONGEST or self._waited + asked > MAX_WAIT:
            raise error
        self._pause.extend(asked)

    def _rest(self, left: float) -> None:
        if left > 0:
            self._waited += left
            self._pause.sleep(left)


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110 section 10.2.3), or None where it says nothing.

    It is seconds or a date; one in the past, or below zero, asks for nothing.
    """
    told = (value or "").strip()
    if not told or len(told) > 60:
        return None
    digits = told.removeprefix("-")
    if digits.isascii() and digits.replace(".", "", 1).isdigit():
        return max(0.0, float(told)) if len(digits) < 12 else LONGEST * 2
    try:
        moment = parsedate_to_datetime(told)
        return max(0.0, (moment - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        # Not a date, or one without a zone.
        return None
