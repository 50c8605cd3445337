"""Ports on the loopback interface: finding free ones, and waiting until they are free again."""

import secrets
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass

from postwarden.errors import LabError

#: An address of the loopback interface that is not 127.0.0.1. Clients connect to it from 127.0.0.1, and only because
#: the two differ does Dovecot refuse a cleartext log-in: it takes a connection from its own address for a safe one.
HOST = "127.0.0.2"

#: Below the range from which Linux takes the ports of outgoing connections.
_LOWEST, _HIGHEST = 20000, 32000
_TRIES = 200


@dataclass(frozen=True)
class Endpoints:
    """Where the server listens: `imap` and `sieve` offer STARTTLS, `imaps` is TLS from the start."""

    imap: int
    imaps: int
    sieve: int

    def all(self) -> tuple[int, ...]:
        return (self.imap, self.imaps, self.sieve)


def free_endpoints() -> Endpoints:
    """Three different ports that nobody listens on."""
    with ExitStack() as held:
        ports: list[int] = []
        for _ in range(_TRIES):
            port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
            candidate = held.enter_context(socket.socket())
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((HOST, port))
            except OSError:
                continue
            ports.append(port)
            if len(ports) == 3:
                return Endpoints(*ports)
    raise LabError(f"found no free ports on {HOST}", "stop other servers on the loopback interface")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((HOST, port))
        except OSError:
            return False
    return True


def wait_until_free(ports: tuple[int, ...], *, seconds: float = 5) -> None:
    """Return once nobody listens on any of the ports; LabError when that takes longer than `seconds`."""
    end = time.monotonic() + seconds
    for port in ports:
        while not is_free(port):
            if time.monotonic() > end:
                raise LabError(f"port {port} is still in use after the server was stopped")
            time.sleep(0.01)
