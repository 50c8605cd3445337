"""The one way out to the server: what may leave, and how much, how long and what may come back."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from postwarden.connectors.ews.operations import permitted
from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.tree import MAX_BYTES

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

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> Iterator[bytes]:
        if self._content_consumed:
            return super().iter_content(chunk_size, decode_unicode)
        return self._chunks()

    def _chunks(self) -> Iterator[bytes]:
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise ConnectorError(
                f"{_place(self.url)} sent a compressed answer, which was not asked for",
                _MORE,
                reason="malformed",
            )
        left = MAX_BYTES
        try:
            while chunk := self.raw.read1(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise ConnectorError(
                        f"{_place(self.url)} sent an answer of more than {MAX_BYTES} bytes",
                        _MORE,
                        reason="malformed",
                    )
                yield chunk
        except (HTTPError, OSError, ValueError) as exc:
            raise _broken(self.url, exc) from exc
        finally:
            if left < 0:
                self.raw.close()
        self._content_consumed = True


class Adapter(HTTPAdapter):
    """Sends to one endpoint only: listed operations to the server, or a form to a token endpoint.

    `within` is shared by the connections of this adapter's source; `lifetime` is in seconds, for one request
    with its answer.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        is_soap: bool,
        tls: ssl.SSLContext,
        within: Within,
        lifetime: float,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        self._endpoint, self._is_soap = endpoint, is_soap
        self._within, self._lifetime, self._clock = within, lifetime, clock
        tls.sslsocket_class = type(
            "_TimedSocket", (_Socket,), {"within": within, "clock": staticmethod(clock)}
        )
        self._tls = tls
        super().__init__(**options)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._tls)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002
        """Certificates are verified by our context alone, whatever the environment's variables name."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = super().build_response(req, resp)
        response.__class__ = _Bounded
        return response

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        if request.url != self._endpoint or request.method != "POST":
            raise ConnectorError(
                f"a request to {_place(request.url or '')} was held back: only {self._endpoint} is configured",
                "this is a bug; please report it",
                reason="forbidden",
            )
        if self._is_soap:
            permitted(_bytes(request.body), request.headers)
        request.headers["Accept-Encoding"] = "identity"
        self._within.end = self._clock() + self._lifetime
        options.pop("proxies", None)
        try:
            response = super().send(request, *arguments, **{**options, "stream": True})
        except (requests.RequestException, HTTPError, OSError) as exc:
            raise _broken(self._endpoint, exc) from exc
        self._within.address = _local(response) or self._within.address
        if self._is_soap and response.status_code not in {200, 401, 500}:
            raise _status(self._endpoint, response)
        return response


def bare(session: requests.Session) -> requests.Session:
    """The session without what it would take from the environment or keep between accounts."""
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Busy(ConnectorError):
    """The server asks us to come back later; `wait` is in seconds, where it says so."""

    def __init__(self, message: str, wait: float | None) -> None:
        super().__init__(
            message, "lower connections, or raise the server's throttling budget", reason="unreachable"
        )
        self.wait = wait


def _status(endpoint: str, response: requests.Response) -> ConnectorError:
    """What a status without an answer of EWS means."""
    status, place = response.status_code, _place(endpoint)
    response.close()
    if status == 403:
        # Exchange Online answers so since October 2026, and servers of one's own by access policy.
        return ConnectorError(
            f"EWS is blocked here: {place} answered 403",
            "Exchange Online: use Graph, or list this application in EwsAllowedAppIDs until April 2027; "
            "a server of your own: look at EwsEnabled and EwsApplicationAccessPolicy",
            reason="forbidden",
        )
    if status in {429, 503}:
        return Busy(f"{place} is busy (status {status})", _seconds(response.headers))
    if 300 <= status < 400:
        where = _place(response.headers.get("Location", ""))
        return ConnectorError(
            f"{place} sends us on to {where or 'another place'}, which is not followed",
            "set url to the server that answers EWS itself",
            reason="malformed",
        )
    return ConnectorError(
        f"{place} answered with status {status}",
        "check the url: it usually ends in /EWS/Exchange.asmx",
        reason="unreachable" if status >= 500 else "malformed",
    )


def _seconds(headers: Mapping[str, str]) -> float | None:
    wait = headers.get("Retry-After", "")
    return float(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 6 else None


def _broken(endpoint: str, exc: BaseException) -> ConnectorError:
    place = _place(endpoint)
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectorError(
                f"the certificate of {place} is not trusted: {cause.verify_message}",
                "set ca_file to the CA that signed it, and url to a name that it is for",
                reason="unreachable",
            )
        if isinstance(cause, TimeoutError):
            return ConnectorError(
                f"{place} did not answer in time",
                "look at the server's load, or raise timeout",
                reason="unreachable",
            )
        if isinstance(cause, socket.gaierror):
            return ConnectorError(
                f"{place} cannot be found: {(cause.strerror or '').lower()}",
                "check the url",
                reason="unreachable",
            )
        if isinstance(cause, ConnectionRefusedError):
            return ConnectorError(
                f"{place} cannot be reached: connection refused",
                "check url and firewall",
                reason="unreachable",
            )
    return ConnectorError(
        f"{place} broke off: {type(exc).__name__}", "look at the server's log", reason="unreachable"
    )


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


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _place(url: str | None) -> str:
    """Host and port of a URL, which is what a message shows of it."""
    try:
        return urlsplit(url or "").netloc.rpartition("@")[2]
    except ValueError:
        return ""
