"""Something that is read once, however many threads ask for it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from postwarden.errors import ConnectorError

Value = TypeVar("Value")


class Once(Generic[Value]):
    """What `read` returned, or the ConnectorError that it raised, each time it is asked for."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._value: Value | None = None
        self._error: ConnectorError | None = None

    def get(self) -> Value:
        with self._lock:
            if self._error is not None:
                raise ConnectorError(self._error.message, self._error.hint, reason=self._error.reason)
            if self._value is None:
                try:
                    self._value = self._read()
                except ConnectorError as error:
                    self._error = error
                    raise
            return self._value

    def get_or(self, default: Value) -> Value:
        """The value, or `default` where it could not be read: whoever asks so must have said elsewhere that it is missing."""
        try:
            return self.get()
        except ConnectorError:
            return default
