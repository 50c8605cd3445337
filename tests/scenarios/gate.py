"""A way to a server that can be shut: what connects finds nobody, and who was connected is cut off."""

import socket
import threading
from contextlib import suppress


class Gate:
    """Passes bytes between a port of its own and the server's, while it is open."""

    def __init__(self, host: str, server: int) -> None:
        self._host, self._server = host, server
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._through: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listen()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def open(self) -> None:
        self._listener = socket.create_server((self._host, self.port))
        self._listen()

    def shut(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            through, self._through = self._through, set()
        for one in through:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((self._host, self._server))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._through |= {client, server}
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._through -= {one, other}
        for end in (one, other):
            end.close()
