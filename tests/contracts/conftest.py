"""A server that can be told how to misbehave, on loopback, in a thread."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: What the server does with one connection.
Behaviour = Callable[[socket.socket], None]


class Misbehaving:
    """A listening server; `connections` counts who came."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
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
            with peer:
                peer.settimeout(20)
                try:
                    self._behaviour(peer)
                except OSError:
                    continue  # the client left first, which is what most of these tests want

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(25)


@contextmanager
def misbehaving(behaviour: Behaviour) -> Iterator[Misbehaving]:
    server = Misbehaving(behaviour)
    try:
        yield server
    finally:
        server.close()


def lines(peer: socket.socket) -> Iterator[bytes]:
    """The client's lines, without their ends."""
    with peer.makefile("rb") as stream:
        for line in stream:
            yield line.rstrip(b"\r\n")
