"""HTTP/1.1 over TLS on the loopback interface (RFC 9112): connections that stay open, one thread for each.

Knows nothing of what is served: a front takes each request and gives the reply. What a reply may do to its connection
(stop in the middle, drip, say a wrong length) is here, since faults need it.
"""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from threading import Event, Lock, Thread, current_thread
from typing import Protocol, cast

#: The most bytes of a request: Exchange's own limit.
MAX_REQUEST_BYTES = 13 * 1024 * 1024
#: Seconds that a connection may be idle, and that a TLS handshake may take.
_IDLE_SECONDS = 120.0
_HANDSHAKE_SECONDS = 10.0
_STOP_SECONDS = 1.0


@dataclass(frozen=True)
class HttpRequest:
    """One request, read whole."""

    method: str
    path: str
    headers: Message
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """What goes back.

    A body in pieces is sent as they come, in chunks where `length` is None. `length` is what Content-Length says,
    right or wrong. With `drop`, the connection is closed after the body without a word.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterator[bytes] = b""
    length: int | None = None
    drop: bool = False


@dataclass
class Connection:
    """What a front remembers about one connection: `state` is its own business."""

    state: object = None


class Front(Protocol):
    """Answers requests, called from many threads at once."""

    def reply(self, request: HttpRequest, connection: Connection, /) -> Reply: ...


class HttpsServer(ThreadingMixIn, HTTPServer):
    """Listens on a free port of 127.0.0.1 from its making, and answers from `start` until `stop`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *, certificate_file: Path, key_file: Path, software: str) -> None:
        """`software` is how the server calls itself."""
        self.software = software
        self.front: Front
        #: Set when the server stops; whoever waits in an answer waits for this.
        self.stopping = Event()
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate_file, key_file)
        self._lock = Lock()
        self._open: dict[Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", 0), _Handler)
        self._accepting = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def start(self, front: Front) -> None:
        self.front = front
        self._accepting.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = self.socket.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The handshake is made by the connection's own thread, so that a client that stalls stops nobody else.
        wrapped = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return wrapped, address

    def process_request(self, request: object, client_address: object) -> None:
        thread = Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = cast("socket.socket", request)
        thread.start()

    def _serve(self, request: socket.socket, address: object) -> None:
        try:
            self.finish_request(request, cast("tuple[str, int]", address))
        except OSError:
            # The client went away, did not trust us, or the server stops.
            return
        finally:
            with self._lock:
                self._open.pop(current_thread())
            request.close()

    def stop(self) -> None:
        """Close every connection and end every thread; harmless when repeated."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            running = dict(self._open)
        for connection in running.values():
            _cut(connection)
        for thread in (self._accepting, *running):
            thread.join(_STOP_SECONDS)


def _cut(connection: socket.socket) -> None:
    """End the TCP connection below TLS: its thread then reads the end, and closes it."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return  # it was closed meanwhile


class _Handler(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    server: HttpsServer
    connection: ssl.SSLSocket

    def setup(self) -> None:
        self.request.settimeout(_HANDSHAKE_SECONDS)
        self.request.do_handshake()
        self.remembered = Connection()
        super().setup()

    def handle_request(self) -> None:
        body = self._body()
        if body is None:
            return
        request = HttpRequest(self.command, self.path, self.headers, body)
        self._send(self.server.front.reply(request, self.remembered))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815 (the names are the base class's)

    def _body(self) -> bytes | None:
        """The request's body, or None where it was refused."""
        declared = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not declared.isdecimal():
            self._send(Reply(411, drop=True))
            return None
        if int(declared) > MAX_REQUEST_BYTES:
            self._send(Reply(413, drop=True))
            return None
        body = self.rfile.read(int(declared))
        return body if len(body) == int(declared) else None

    def _send(self, reply: Reply) -> None:
        whole = isinstance(reply.body, bytes)
        length = len(reply.body) if isinstance(reply.body, bytes) and reply.length is None else reply.length
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(reply, chunked=not whole and length is None)
        if reply.drop or self.server.stopping.is_set():
            self.close_connection = True

    def _send_body(self, reply: Reply, *, chunked: bool) -> None:
        for piece in (reply.body,) if isinstance(reply.body, bytes) else reply.body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked and not reply.drop:
            self.wfile.write(b"0\r\n\r\n")

    def version_string(self) -> str:
        return self.server.software

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Nothing: the journal is kept by the front."""
