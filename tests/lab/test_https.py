"""How much and how long an answer over https may be."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import pytest
import requests

from postwarden.connectors.https import Adapter, Within, bare, broken, place
from postwarden.errors import ConnectorError
from postwarden.lab import certificates

MAX_BYTES = 100_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"


class Server:
    """Answers each connection with `pieces`, and counts the bytes that it could send."""

    def __init__(self, folder: Path, pieces: Callable[[], Iterator[bytes]]) -> None:
        made = certificates.make(folder)
        self.ca_file = made.ca_file
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(made.certificate_file, made.key_file)
        self._pieces = pieces
        self._listener = create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}/"
        self.sent = 0
        self.connections = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                with self._tls.wrap_socket(peer, server_side=True) as wrapped:
                    wrapped.recv(65_536)
                    for piece in self._pieces():
                        wrapped.sendall(piece)
                        self.sent += len(piece)
            except OSError:
                continue  # the client left first, which is what these tests want

    def close(self) -> None:
        self._listener.shutdown(2)
        self._thread.join(10)
        self._listener.close()


@contextmanager
def serving(folder: Path, pieces: Callable[[], Iterator[bytes]]) -> Iterator[Server]:
    server = Server(folder, pieces)
    try:
        yield server
    finally:
        server.close()


def session(server: Server, clock: Callable[[], float] | None = None) -> requests.Session:
    options = {"clock": clock} if clock is not None else {}
    made = bare(requests.Session())
    made.mount(
        server.url,
        Adapter(
            permit=lambda _: None,
            tls=ssl.create_default_context(cafile=str(server.ca_file)),
            within=Within(),
            lifetime=30,
            max_bytes=MAX_BYTES,
            **options,
        ),
    )
    return made


def test_an_answer_that_is_too_large_is_not_read_on(tmp_path: Path) -> None:
    """Beyond the limit the connection is closed: a server that floods cannot send the rest."""

    def flood() -> Iterator[bytes]:
        yield HEAD + b"\r\n"
        for _ in range(400):
            yield b"x" * 250_000

    with (
        serving(tmp_path, flood) as server,
        session(server) as made,
        pytest.raises(ConnectorError, match="sent an answer of more than") as caught,
    ):
        _ = made.get(server.url).content
    assert caught.value.reason == "malformed"
    assert str(MAX_BYTES) in caught.value.message
    assert server.sent < 50_000_000


def test_an_answer_as_large_as_the_limit_is_read(tmp_path: Path) -> None:
    """The limit itself is still an answer, and one byte more is not."""
    for size in (MAX_BYTES, MAX_BYTES + 1):

        def answer(size: int = size) -> Iterator[bytes]:
            yield HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size

        folder = tmp_path / str(size)
        folder.mkdir()
        with serving(folder, answer) as server, session(server) as made:
            if size == MAX_BYTES:
                assert len(made.get(server.url).content) == size
            else:
                with pytest.raises(ConnectorError, match="sent an answer of more than"):
                    _ = made.get(server.url).content


@pytest.mark.parametrize("late", [0.0, 0.001, 1_000.0])
def test_an_answer_has_a_time_in_all(late: float, tmp_path: Path) -> None:
    """Once a request's time is over nothing more is waited for, however quickly each byte comes."""
    times = iter([100.0])

    def answer() -> Iterator[bytes]:
        yield HEAD + b"Content-Length: 2\r\n\r\nok"

    with (
        serving(tmp_path, answer) as server,
        session(server, lambda: next(times, 130.0 + late)) as made,
        pytest.raises(ConnectorError, match="did not answer in time") as caught,
    ):
        _ = made.get(server.url).content
    assert caught.value.reason == "unreachable"


def test_messages_name_host_and_port_and_nothing_that_is_secret() -> None:
    """A URL in a message has neither user nor path nor query."""
    assert place("https://user:pw@host.example:8443/path?token=x") == "host.example:8443"
    assert place("https://[::1") == ""
    assert "host.example" in broken("https://host.example/x?y", OSError("y")).message
