"""What the lab's users do over IMAP and ManageSieve: small clients that trust one authority.

They change mailboxes, which postwarden's own connectors never do, and so have nothing in common with them.
"""

import base64
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imapclient import imap_utf7

from postwarden.errors import LabError
from postwarden.lab.ports import HOST

_SECONDS = 20
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|\{(\d+)\+?\}$|([^\s"{]+)')


@contextmanager
def imap_session(port: int, ca_file: Path, login: str, password: str) -> Iterator[imaplib.IMAP4_SSL]:
    """Log in over TLS, and out at the end; everything that goes wrong is a LabError."""
    try:
        with imaplib.IMAP4_SSL(HOST, port, ssl_context=trusting(ca_file), timeout=_SECONDS) as session:
            session.login(login, password)
            yield session
    except (imaplib.IMAP4.error, OSError) as exc:
        raise LabError(f"imap as {login}: {_text(*exc.args)}") from exc


def imap_done(answer: tuple[str, Sequence[object]], what: str) -> None:
    """Raise LabError unless the server said OK."""
    if answer[0] != "OK":
        raise LabError(f"the mail server refused to {what}: {_text(*answer[1])}")


def _text(*said: object) -> str:
    """What a server said, for people; imaplib leaves it as bytes."""
    words = (
        part.decode(errors="backslashreplace") if isinstance(part, bytes) else str(part) for part in said
    )
    return " ".join(words)


def folder_argument(name: str) -> str:
    """A folder's name as IMAP wants it: modified UTF-7, quoted."""
    return quoted(str(imap_utf7.encode(name), "ascii"))


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def trusting(ca_file: Path) -> ssl.SSLContext:
    """A TLS context that verifies, and trusts this authority only."""
    return ssl.create_default_context(cafile=str(ca_file))


class _Atom(bytes):
    """A word without quotes: the result of a command is one, a script's name or text never."""


class SieveSession:
    """A ManageSieve connection (RFC 5804)."""

    def __init__(self, connection: socket.socket) -> None:
        """Take a connection on which the server now states its capabilities."""
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._answer()

    def log_in(self, login: str, password: str, authzid: str = "") -> None:
        message = base64.b64encode(f"{authzid}\0{login}\0{password}".encode())
        self.command(b'AUTHENTICATE "PLAIN" "%s"' % message)

    def put(self, name: str, text: str) -> None:
        body = text.encode()
        self.command(b"PUTSCRIPT %s {%d+}\r\n%s" % (quoted(name).encode(), len(body), body))

    def activate(self, name: str) -> None:
        """Make this script the active one; the empty name leaves none active."""
        self.command(b"SETACTIVE " + quoted(name).encode())

    def delete(self, name: str) -> None:
        self.command(b"DELETESCRIPT " + quoted(name).encode())

    def scripts(self) -> dict[str, bool]:
        """The names of the scripts, and whether each is the active one."""
        return {row[0].decode(): len(row) > 1 for row in self.command(b"LISTSCRIPTS")}

    def text(self, name: str) -> str:
        return self.command(b"GETSCRIPT " + quoted(name).encode())[0][0].decode()

    def command(self, line: bytes) -> list[list[bytes]]:
        """Send a command and return the lines of its answer, as words; LabError unless it ends with OK."""
        self._connection.sendall(line + b"\r\n")
        return self._answer()

    def _answer(self) -> list[list[bytes]]:
        rows: list[list[bytes]] = []
        while True:
            words = self._line()
            if words and isinstance(words[0], _Atom) and words[0] in {b"OK", b"BYE"}:
                return rows
            if words and isinstance(words[0], _Atom) and words[0] == b"NO":
                said = b" ".join(words[1:]).decode(errors="backslashreplace")
                raise LabError(f"the mail server refused a sieve command: {' '.join(said.split())}")
            rows.append(words)

    def _line(self) -> list[bytes]:
        words: list[bytes] = []
        while True:
            line = self._stream.readline()
            if not line:
                raise ConnectionAbortedError("the server closed the connection")
            literal = None
            for match in _WORD.finditer(line.rstrip(b"\r\n")):
                string, length, atom = match.groups()
                if length is not None:
                    literal = self._stream.read(int(length))
                    words.append(literal)
                else:
                    words.append(_Atom(atom) if string is None else re.sub(rb"\\(.)", rb"\1", string))
            if literal is None:
                return words


@contextmanager
def sieve_session(
    port: int, ca_file: Path, login: str, password: str, authzid: str = ""
) -> Iterator[SieveSession]:
    """Log in after STARTTLS, and out at the end; everything that goes wrong is a LabError."""
    try:
        with socket.create_connection((HOST, port), timeout=_SECONDS) as plain:
            SieveSession(plain).command(b"STARTTLS")
            with trusting(ca_file).wrap_socket(plain, server_hostname=HOST) as secured:
                session = SieveSession(secured)
                session.log_in(login, password, authzid)
                yield session
                session.command(b"LOGOUT")
    except OSError as exc:
        raise LabError(f"managesieve as {login}: {exc}") from exc
