"""One bounded question over HTTP to a witness or a time stamping authority; every failure is a NotifyError.

No proxy, no redirection, no compression, one request a connection. The whole may take `LIFETIME`, however slowly
the other side drips: then the connection is cut under whatever is waiting for it.
"""

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from postwarden.errors import NotifyError

#: Seconds for a connection and for its next bytes, and for the whole.
PATIENCE, LIFETIME = 10.0, 30.0
#: Bytes that an answer may have: a checkpoint with many signatures, or a token with its certificates.
MAX_ANSWER = 512 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `content_type` is without its parameters, in lower case."""

    status: int
    content_type: str
    body: bytes


def ask(
    url: str,
    body: bytes | None = None,
    *,
    content_type: str = "text/plain; charset=utf-8",
    ca: Path | None = None,
) -> Reply:
    """GET, or POST where there is a `body`; certificates are verified, against the file `ca` where it is given."""
    headers = {"User-Agent": "postwarden", "Connection": "close"}
    if body is not None:
        headers["Content-Type"] = content_type
    parts = urlsplit(url)
    late = threading.Event()
    try:
        with _connected(parts, ca) as connected:
            end = threading.Timer(LIFETIME, _cut, [connected, late])
            end.daemon = True
            end.start()
            try:
                if isinstance(connected, ssl.SSLSocket):
                    connected.do_handshake()
                reply = _exchange(connected, parts, body, headers)
            finally:
                end.cancel()
    except (OSError, HTTPException, ValueError) as exc:
        if late.is_set():
            raise _too_slow(url) from exc
        raise NotifyError(
            f"{url} cannot be asked: {_reason(exc)}", "check the url, and that it runs"
        ) from exc
    if late.is_set():
        raise _too_slow(url)
    if len(reply.body) > MAX_ANSWER:
        raise NotifyError(f"{url} sent more than {MAX_ANSWER} bytes")
    return reply


def _connected(parts: SplitResult, ca: Path | None) -> socket.socket:
    """A connection; over TLS its handshake is still to be done."""
    secure = parts.scheme == "https"
    context = _trust(ca) if secure else None
    host = parts.hostname or ""
    made = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout=PATIENCE)
    if context is None:
        return made
    return context.wrap_socket(made, server_hostname=host, do_handshake_on_connect=False)


def _exchange(
    connected: socket.socket, parts: SplitResult, body: bytes | None, headers: dict[str, str]
) -> Reply:
    connection = HTTPConnection(parts.hostname or "", parts.port)
    connection.sock = connected
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET" if body is None else "POST", target, body, headers)
    with connection.getresponse() as answer:
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Reply(answer.status, kind, answer.read(MAX_ANSWER + 1))


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as exc:
        raise NotifyError(f"the certificates in {ca} cannot be used: {exc}", "it is a PEM file") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        # Below TLS, which another thread is reading from.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _too_slow(url: str) -> NotifyError:
    return NotifyError(f"{url} took longer than {LIFETIME:g} s to answer", "it is asked again later")


def _reason(exc: BaseException) -> str:
    """What went wrong, on one line."""
    return " ".join(str(exc).split())[:300] or type(exc).__name__
