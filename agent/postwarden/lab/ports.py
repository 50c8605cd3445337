"""Ports on the loopback interface: taking free ones for a lab, and waiting until they are free again."""

import errno
import secrets
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from postwarden.errors import LabError

#: An address of the loopback interface that is not 127.0.0.1. Clients connect to it from 127.0.0.1, and only because
#: the two differ does Dovecot refuse a cleartext log-in: it takes a connection from its own address for a safe one.
HOST = "127.0.0.2"

#: Below the range from which Linux takes the ports of outgoing connections.
_LOWEST, _HIGHEST = 20000, 32000
_TRIES = 200


@dataclass(frozen=True)
class Endpoints:
    """Where the server listens: `imap` and `sieve` offer STARTTLS, `imaps` is TLS from the start.

    `reserved` keeps other labs on this machine away from the ports.
    """

    imap: int
    imaps: int
    sieve: int
    reserved: ExitStack = field(default_factory=ExitStack, kw_only=True, repr=False, compare=False)

    def all(self) -> tuple[int, ...]:
        return (self.imap, self.imaps, self.sieve)

    def give_back(self) -> None:
        """Let other labs have the ports; harmless when repeated."""
        self.reserved.close()


def free_endpoints() -> Endpoints:
    """Three different ports that nobody listens on, and that no other lab takes before they are given back."""
    with ExitStack() as reserved:
        ports: list[int] = []
        for _ in range(_TRIES):
            port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
            if not _reserve(port, reserved) or not is_free(port):
                continue
            ports.append(port)
            if len(ports) == 3:
                return Endpoints(*ports, reserved=reserved.pop_all())
    raise LabError(f"found no free ports on {HOST}", "stop other servers on the loopback interface")


def _reserve(port: int, reserved: ExitStack) -> bool:
    """Keep other labs from the port until `reserved` is closed or this process ends; False where one has it.

    A server takes seconds until it listens, and until then its port looks free. What is bound here is a name in Linux's
    abstract namespace (unix(7)): no file stays behind.
    """
    mark = reserved.enter_context(socket.socket(socket.AF_UNIX))
    try:
        mark.bind(f"\0postwarden-lab-port-{port}")
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        return False
    return True


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
