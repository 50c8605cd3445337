"""A server that no client has any business with: what reaches it was led astray, and may have brought a token."""

from dataclasses import dataclass
from threading import Lock

from postwarden.lab.https import Connection, HttpRequest, Reply


@dataclass(frozen=True)
class Stray:
    """A request that should not have been made."""

    method: str
    path: str
    authorization: str


class Elsewhere:
    """Answers nothing useful, and remembers."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._strays: list[Stray] = []

    @property
    def strays(self) -> tuple[Stray, ...]:
        with self._lock:
            return tuple(self._strays)

    def reply(self, request: HttpRequest, _: Connection, /) -> Reply:
        with self._lock:
            self._strays.append(Stray(request.method, request.path, request.headers.get("Authorization", "")))
        return Reply(200, (("Content-Type", "application/json"),), b'{"value":[]}')
