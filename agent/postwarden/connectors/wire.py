"""One connection to a server that may be hostile: every read is bounded in time, size and total.

Cleartext leaves this host only where the source's options name the host (design, hard lines).
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from typing import Literal

from postwarden.errors import ConfigError, ConnectorError

Tls = Literal["implicit", "starttls", "none"]

#: Seconds that one connection may live, whatever the server does: a server that drips costs no more.
LIFETIME = 120.0
#: Bytes that one connection may bring: what an audit reads of one account is far below.
BUDGET = 32 * 1024 * 1024
#: The longest line; folder lists and capabilities stay far below.
LINE = 65_536

_CHUNK = 65_536


def context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificates and host names, against `ca_file` where given, else the system's."""
    try:
        made = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"the CA file {ca_file} cannot be used: {exc}", "it must hold certificates in PEM", key="ca_file"
        ) from exc
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


class Wire:
    """A socket with a reading buffer. All methods raise ConnectorError."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout: float,
        lifetime: float = LIFETIME,
        budget: int = BUDGET,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self._place = f"{host}:{port}"
        self._timeout = timeout
        self._clock = clock
        self._end = clock() + lifetime
        self._left = budget
        self._buffer = bytearray()
        try:
            self._socket: socket.socket = socket.create_connection((host, port), timeout)
        except (OSError, UnicodeError, OverflowError) as exc:
            raise ConnectorError(
                f"{self._place} cannot be reached: {_words(exc)}",
                "check host, port and firewall",
                reason="unreachable",
            ) from exc

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port, as the server's log has them."""
        try:
            name = self._socket.getsockname()
        except OSError as exc:
            raise self._broken(exc) from exc
        return str(name[0]), int(name[1])

    @property
    def peer_is_loopback(self) -> bool:
        try:
            peer = str(self._socket.getpeername()[0]).partition("%")[0]
        except OSError as exc:
            raise self._broken(exc) from exc
        address = ipaddress.ip_address(peer)
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)

    def start_tls(self, tls: ssl.SSLContext) -> None:
        """TLS from here on. What the server sent before is dropped: it is not protected."""
        self._buffer.clear()
        try:
            self._socket.settimeout(self._wait())
            self._socket = tls.wrap_socket(self._socket, server_hostname=self.host)
        except ssl.SSLCertVerificationError as exc:
            raise ConnectorError(
                f"the certificate of {self._place} is not trusted: {exc.verify_message}",
                "set ca_file to the CA that signed it, and host to a name that it is for",
                reason="unreachable",
            ) from exc
        except OSError as exc:
            raise ConnectorError(
                f"TLS with {self._place} failed: {_words(exc)}",
                "check the port and the tls option (implicit or starttls)",
                reason="unreachable",
            ) from exc

    def send(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self._wait())
            self._socket.sendall(data)
        except OSError as exc:
            raise self._broken(exc) from exc

    def readline(self, limit: int = LINE) -> bytes:
        """One line with its end, of at most `limit` bytes."""
        start = 0
        while True:
            end = self._buffer.find(b"\n", start)
            if 0 <= end < limit:
                return self._take(end + 1)
            if len(self._buffer) >= limit:
                raise ConnectorError(
                    f"{self._place} sent a line of more than {limit} bytes",
                    "is it the right kind of server?",
                    reason="malformed",
                )
            start = len(self._buffer)
            self._fill()

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; refused before reading where they exceed what the connection may bring."""
        if count > len(self._buffer) + self._left:
            raise ConnectorError(
                f"{self._place} announced {count} bytes, more than this connection may bring",
                "look at the server: such an answer is not normal",
                reason="malformed",
            )
        while len(self._buffer) < count:
            self._fill()
        return self._take(count)

    def close(self) -> None:
        self._socket.close()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def _fill(self) -> None:
        if self._left <= 0:
            raise ConnectorError(
                f"{self._place} sent more than this connection may bring",
                "look at the server: such an answer is not normal",
                reason="malformed",
            )
        try:
            self._socket.settimeout(self._wait())
            chunk = self._socket.recv(min(_CHUNK, self._left))
        except OSError as exc:
            raise self._broken(exc) from exc
        if not chunk:
            raise ConnectorError(
                f"{self._place} closed the connection in the middle of an answer",
                "look at the server's log",
                reason="unreachable",
            )
        self._left -= len(chunk)
        self._buffer += chunk

    def _wait(self) -> float:
        left = self._end - self._clock()
        if left <= 0:
            raise ConnectorError(
                f"{self._place} took too long for one account",
                "look at the server's load, or raise timeout",
                reason="unreachable",
            )
        return min(left, self._timeout)

    def _broken(self, exc: OSError) -> ConnectorError:
        what = "stalled" if isinstance(exc, TimeoutError) else f"broke off: {_words(exc)}"
        return ConnectorError(f"{self._place} {what}", "look at the server's log", reason="unreachable")


def connect(
    host: str, port: int, *, tls: Tls, cleartext_to: str | None, timeout: float, ssl_context: ssl.SSLContext
) -> Wire:
    """Connects, with TLS at once where it is implicit; without TLS only to loopback or a host named so."""
    wire = Wire(host, port, timeout=timeout)
    try:
        if tls == "implicit":
            wire.start_tls(ssl_context)
        elif tls == "none" and not wire.peer_is_loopback and cleartext_to != host:
            raise ConnectorError(
                f"{host} is not this machine, and cleartext would show the password to the network",
                f'set tls = "starttls", or accept it by name with cleartext_to = "{host}"',
                reason="forbidden",
            )
    except ConnectorError:
        wire.close()
        raise
    return wire


def _words(exc: Exception) -> str:
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    words = exc.strerror if isinstance(exc, OSError) else None
    return (words or str(exc) or type(exc).__name__).lower()
