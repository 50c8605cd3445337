"""The one way out over https: what may leave, and how much, how long and what may come back."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from postwarden.errors import ConnectorError

#: An answer may take this many times the wait for its first byte.
LIFETIMES = 3

_CHUNK = 65_536
_MORE = "look at the server: such an answer is not normal"


class Within(threading.local):
    """How long the request at hand may still take, and which of our addresses it went out from."""

    end: float = float("inf")
    address: tuple[str, int] | None = None

    def take_address(self) -> tuple[str, int] | None:
        """The address, and none of it is left."""
        taken, self.address = self.address, None
        return taken


class _Socket(ssl.SSLSocket):
    """A socket whose every wait ends with the request's time: a server that drips costs no more."""

    within: Within
    clock: Callable[[], float]

    def recv_into(self, *arguments: Any, **options: Any) -> int:
        left = self.within.end - self.clock()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        before = self.gettimeout()
        self.settimeout(left if before is None else min(before, left))
        try:
            return super().recv_into(*arguments, **options)
        finally:
            self.settimeout(before)


class _Bounded(requests.Response):
    """An answer of which no more is read than an answer may have."""

    max_bytes: int

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[bytes]:
        if self._content_consumed:
            return super().iter_content(chunk_size, decode_unicode)
        return self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise ConnectorError(
                f"{place(self.url)} sent a compressed answer, which was not asked for",
                _MORE,
                reason="malformed",
            )
        left = self.max_bytes
        try:
            while chunk := self.raw.read1(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise ConnectorError(
                        f"{place(self.url)} sent an answer of more than {self.max_bytes} bytes",
                        _MORE,
                        reason="malformed",
                    )
                yield chunk
        except (HTTPError, OSError, ValueError) as exc:
            raise broken(self.url, exc) from exc
        finally:
            if left < 0:
                self.raw.close()
        self._content_consumed = True


class Adapter(HTTPAdapter):
    """Sends what `permit` lets out; it raises ConnectorError for anything else, before a byte is sent.

    `within` is shared by the connections of one source; `lifetime` is in seconds, for one request with its
    answer, which has `max_bytes` at most.
    """

    def __init__(
        self,
        *,
        permit: Callable[[requests.PreparedRequest], None],
        tls: ssl.SSLContext,
        within: Within,
        lifetime: float,
        max_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self._permit, self._within = permit, within
        self._lifetime, self._max_bytes, self._clock = lifetime, max_bytes, clock
        tls.sslsocket_class = type(
            "_TimedSocket", (_Socket,), {"within": within, "clock": staticmethod(clock)}
        )
        self._tls = tls
        super().__init__(**options)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._tls)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002 - as the library calls it
        """Certificates are verified by our context alone, whatever the environment's variables name."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.__class__ = _Bounded
        assert isinstance(response, _Bounded)
        response.max_bytes = self._max_bytes
        return response

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        self._permit(request)
        request.headers["Accept-Encoding"] = "identity"
        self._within.end = self._clock() + self._lifetime
        options.pop("proxies", None)
        try:
            response = super().send(request, *arguments, **{**options, "stream": True})
        except (requests.RequestException, HTTPError, OSError) as exc:
            raise broken(request.url, exc) from exc
        self._within.address = _local(response) or self._within.address
        return response


class BrokeOff(ConnectorError):
    """The connection ended before the answer did; the same request may fare better."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "look at the server's log", reason="unreachable")


def bare(session: requests.Session) -> requests.Session:
    """The session without what it would take from the environment or keep between accounts."""
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def held_back(what: str) -> ConnectorError:
    """A request that was not sent."""
    return ConnectorError(
        f"the request was held back: {what}", "this is a bug; please report it", reason="forbidden"
    )


def broken(url: str | None, exc: BaseException) -> ConnectorError:
    """What it means that a connection failed."""
    where = place(url)
    for cause in _causes(exc):
        if isinstance(cause, ConnectorError):
            return cause
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectorError(
                f"the certificate of {where} is not trusted: {cause.verify_message}",
                "set ca_file to the CA that signed it, and url to a name that it is for",
                reason="unreachable",
            )
        if isinstance(cause, TimeoutError):
            return ConnectorError(
                f"{where} did not answer in time",
                "look at the server's load, or raise timeout",
                reason="unreachable",
            )
        if isinstance(cause, socket.gaierror):
            return ConnectorError(
                f"{where} cannot be found: {(cause.strerror or '').lower()}",
                "check the url",
                reason="unreachable",
            )
        if isinstance(cause, ConnectionRefusedError):
            return ConnectorError(
                f"{where} cannot be reached: connection refused",
                "check url and firewall",
                reason="unreachable",
            )
    return BrokeOff(f"{where} broke off: {type(exc).__name__}")


def place(url: str | None) -> str:
    """Host and port of a URL, which is what a message shows of it."""
    try:
        return urlsplit(url or "").netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all that stands behind it; libraries hide the reason in arguments too."""
    seen: list[BaseException] = []
    left = [exc]
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.append(one)
        yield one
        behind = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        left += [other for other in behind if isinstance(other, BaseException)]


def _local(response: requests.Response) -> tuple[str, int] | None:
    connection = getattr(response.raw, "connection", None)
    sock = getattr(connection, "sock", None)
    if sock is None:
        return None
    try:
        name = sock.getsockname()
    except OSError:
        return None
    return str(name[0]), int(name[1])
