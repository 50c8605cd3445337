"""A witness's HTTP service, as C2SP's tlog-witness describes it (https://c2sp.org/tlog-witness).

    POST /add-checkpoint          a submission; 200 with the cosignature's line, or 400, 403, 404, 409, 422
    GET  /<hex>/checkpoint        the newest cosigned checkpoint of the log whose origin has this SHA-256, or 404
    POST /add-epoch               ours, not C2SP's: the certificate of a log's next key, in a submission's form

Whoever can reach it may ask; what it answers follows from signatures alone. Bodies, connections and the time that
one may take are bounded. Each connection carries one request.
"""

import socket
import ssl
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from postwarden import logs
from postwarden.errors import ConfigError, LedgerBusy, LedgerError, LedgerUnsound
from postwarden.ledger.checkpoint import parse_size
from postwarden.witness.decision import Refusal
from postwarden.witness.keeping import Keeping
from postwarden.witness.submission import MAX_SUBMISSION

#: Connections at a time; more are closed unheard.
MOST = 32
#: Seconds that a connection may last, and wait for its next bytes.
LIFETIME, PATIENCE = 30.0, 10.0
_TEXT = "text/plain; charset=utf-8"


class Service(ThreadingHTTPServer):
    """The service at an address; `serve_forever` answers until `shutdown`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST

    def __init__(self, address: tuple[str, int], keeping: Keeping, tls: ssl.SSLContext | None = None) -> None:
        self.keeping = keeping
        self._tls = tls
        self._room = threading.BoundedSemaphore(MOST)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        try:
            super().__init__(address, _Handler)
        except OSError as exc:
            raise LedgerError(
                f"{address[0]} port {address[1]} cannot be listened on: {(exc.strerror or str(exc)).lower()}",
                "choose another address with --listen",
            ) from exc

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # Whoever drips, in the handshake, the head or the body, is cut off.
        end = threading.Timer(LIFETIME, _cut, [request])
        end.daemon = True
        end.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            end.cancel()
            self._room.release()

    def get_request(self) -> tuple[Any, Any]:
        request, client = super().get_request()
        request.settimeout(PATIENCE)
        if self._tls is not None:
            # The handshake comes with the first read, in the connection's own thread.
            request = self._tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        return request, client

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - as the library calls it
        """What went wrong with one connection, in one line; the service goes on."""
        failure = sys.exception()
        if not isinstance(failure, OSError):
            logs.get("witness").error("request_failed", error=repr(failure))


class _Handler(BaseHTTPRequestHandler):
    server: Service
    server_version = "postwarden-witness"
    sys_version = ""

    def do_POST(self) -> None:
        take = {
            "/add-checkpoint": self.server.keeping.take_checkpoint,
            "/add-epoch": self.server.keeping.take_certificate,
        }.get(self.path)
        if take is None:
            self._answer(HTTPStatus.NOT_FOUND, "there is nothing here\n")
            return
        try:
            length = parse_size(self.headers.get("Content-Length", ""))
        except LedgerError:
            self._answer(HTTPStatus.LENGTH_REQUIRED, "a length is needed\n")
            return
        if length > MAX_SUBMISSION:
            self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_SUBMISSION} bytes\n")
            return
        try:
            outcome = take(self.rfile.read(length))
        except (LedgerBusy, LedgerUnsound) as exc:
            self._fail(exc)
        except LedgerError as exc:
            # Not being able to write is ours; anything else is what was sent.
            if isinstance(exc.__cause__, OSError):
                self._fail(exc)
            else:
                self._answer(HTTPStatus.BAD_REQUEST, f"{exc}\n")
        else:
            if isinstance(outcome, Refusal):
                logs.get("witness").info("refused", status=int(outcome.status), why=outcome.body)
                self._answer(outcome.status, f"{outcome.body}\n", outcome.content_type)
            else:
                self._answer(HTTPStatus.OK, outcome.decode())

    def do_GET(self) -> None:
        before, _, name = self.path.removeprefix("/").partition("/")
        try:
            newest = self.server.keeping.newest(before) if name == "checkpoint" else None
        except LedgerError as exc:
            self._fail(exc)
            return
        if newest is None:
            self._answer(HTTPStatus.NOT_FOUND, "there is nothing here\n")
        else:
            self._answer(HTTPStatus.OK, newest.decode())

    def _fail(self, exc: LedgerError) -> None:
        logs.get("witness").error("failed", error=str(exc), hint=exc.hint)
        self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "the witness has a problem of its own; see its log\n")

    def _answer(self, status: HTTPStatus, body: str, content_type: str = _TEXT) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Requests are told by what became of them."""


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """The context of a server with this certificate (PEM, with those between it and its root) and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"certificate {certificate} and key {key} cannot be used: {exc}",
            "both are PEM files, and belong together",
        ) from exc
    return context


def _cut(request: socket.socket) -> None:
    with suppress(OSError):
        # Below TLS, which another thread is reading from.
        socket.socket.shutdown(request, socket.SHUT_RDWR)
