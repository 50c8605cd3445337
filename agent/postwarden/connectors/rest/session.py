"""Asking one service: every request is on its list, carries the token, and is sent again where that helps."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests
from msgspec import Struct

from postwarden import __version__
from postwarden.connectors import quiet
from postwarden.connectors.https import LIFETIMES, Adapter, Within, bare, place
from postwarden.connectors.rest.allowed import Allowed, Row, url
from postwarden.connectors.rest.patience import Patience, Pause
from postwarden.connectors.rest.tokens import Tokens
from postwarden.errors import ConnectorError
from postwarden.formats.json_text import MAX_BYTES
from postwarden.secrets import Secret

#: Bytes of an answer that says what is wrong; of a longer one only the status is looked at.
MAX_ERROR = 65_536


class Answer(Struct, frozen=True):
    """A whole answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: What is wrong with an answer to a request of a row, or None: a Busy is waited for, a TokenEnded replaced.
Judge = Callable[[Answer, Row], ConnectorError | None]


class Bare(requests.Session):
    """A session that follows no redirect, waits `timeout` seconds at most, and reaches only what `allowed` lists."""

    def __init__(
        self,
        allowed: Allowed,
        *,
        tls: ssl.SSLContext,
        within: Within,
        timeout: float,
        connections: int = 1,
    ) -> None:
        quiet.silence()
        super().__init__()
        bare(self)
        self._timeout = timeout
        self.adapters.clear()
        self.headers.clear()
        self.headers["User-Agent"] = f"postwarden/{__version__}"
        self.mount(
            allowed.origin + "/",
            Adapter(
                permit=allowed.permit,
                tls=tls,
                within=within,
                lifetime=timeout * LIFETIMES,
                max_bytes=MAX_BYTES,
                pool_connections=1,
                pool_maxsize=connections,
            ),
        )

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """The whole answer; where it cannot be read to its end, its connection is closed. Raises ConnectorError."""
        ours = {"timeout": self._timeout, "allow_redirects": False, "verify": True, "stream": True}
        try:
            response = super().request(*arguments, **{**options, **ours})
        except (requests.RequestException, ValueError) as exc:
            # The library's error may quote a header, and the token is one: it must not become this one's cause.
            raise ConnectorError(
                f"a request to {next(iter(self.adapters))} cannot be written: {type(exc).__name__}",
                "look at the account's login and the urls of this source: headers take characters of Latin-1 only",
                reason="malformed",
            ) from None
        try:
            _ = response.content
        except ConnectorError:
            response.close()
            raise
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No redirect is looked at: the library would resolve even one that is not to be followed."""

    def get_adapter(self, url: str) -> Any:
        try:
            return super().get_adapter(url)
        except requests.exceptions.InvalidSchema:
            raise ConnectorError(
                f"a request to {place(url)} was held back: it goes elsewhere than {next(iter(self.adapters))}",
                "check the urls of this source",
                reason="forbidden",
            ) from None


class Slots:
    """So many requests at once, taken several at a time or not at all; whoever wants more than there are gets all."""

    def __init__(self, count: int) -> None:
        self._total = self._free = count
        self._change = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        count = min(count, self._total)
        with self._change:
            self._change.wait_for(lambda: self._free >= count)
            self._free -= count
        try:
            yield
        finally:
            with self._change:
                self._free += count
                self._change.notify_all()


class Session:
    """One service, for several threads. `headers` go with every request; `prefix` is before every path."""

    def __init__(
        self,
        allowed: Allowed,
        bare_session: Bare,
        tokens: Tokens,
        judge: Judge,
        *,
        pause: Pause,
        clock: Callable[[], datetime],
        prefix: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.allowed, self.pause, self.clock, self.prefix = allowed, pause, clock, prefix
        self._bare, self._tokens, self._judge = bare_session, tokens, judge
        self._headers = {"Accept": "application/json", **(headers or {})}

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        return url(self.allowed.origin, self.prefix + path, query)

    def get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        patience: Patience,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer's body; raises ConnectorError."""
        return self.send("GET", self.url(path, query), patience=patience, headers=headers)

    def send(
        self,
        method: str,
        address: str,
        *,
        patience: Patience,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        row = self.allowed.row(method, address)
        used: list[Secret] = []

        def once() -> bytes:
            used[:] = [self._tokens.current()]
            answer = self._once(method, address, body, headers, used[0])
            error = self.error(answer, row)
            if error is not None:
                raise error
            return answer.body

        return patience.ask(once, lambda: self._tokens.forget(used[0]))

    def error(self, answer: Answer, row: Row) -> ConnectorError | None:
        """What is wrong with an answer, or with one inside a batch."""
        if 300 <= answer.status < 400:
            where = place(answer.headers.get("location"))
            return ConnectorError(
                f"{place(self.allowed.origin)} sends us on to {where or 'another place'}, which is not followed",
                "check the urls of this source, and the proxy before it",
                reason="malformed",
            )
        if answer.status != 200 and len(answer.body) > MAX_ERROR:
            answer = Answer(answer.status, answer.headers, b"")
        return self._judge(answer, row)

    def _once(
        self, method: str, address: str, body: bytes | None, headers: Mapping[str, str] | None, token: Secret
    ) -> Answer:
        sent = {**self._headers, **(headers or {}), "Authorization": f"Bearer {token.reveal()}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        with self._bare.request(method, address, data=body, headers=sent) as response:
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, told, response.content)
