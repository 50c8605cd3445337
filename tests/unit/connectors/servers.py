"""Ends of connections without a network: a wire on a socket pair, and servers that answer from a table."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from postwarden.connectors.wire import LINE, Wire
from postwarden.errors import ConnectorError

#: Exchanges after which a server has had its time: what the wire's lifetime is for the real one.
MAX_EXCHANGES = 300


class Far:
    """The server's end of a socket pair."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        end.setblocking(False)

    def heard(self) -> bytes:
        """All bytes that arrived since the last call."""
        got = b""
        while True:
            try:
                chunk = self.end.recv(65_536)
            except BlockingIOError:
                return got
            if not chunk:
                return got
            got += chunk

    def say(self, data: bytes) -> None:
        self.end.sendall(data)


@contextmanager
def wired(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Iterator[tuple[Wire, Far]]:
    """A Wire whose connection ends in this process."""
    near, far = socket.socketpair()
    monkeypatch.setattr("postwarden.connectors.wire.socket.create_connection", lambda *_: near)
    with near, far:
        yield Wire("mail.example.org", 993, **{"timeout": 5.0, **options}), Far(far)


class Answering:
    """Stands in for a Wire: what a server says to each command, from a table, without a socket.

    In an answer `%s` is the command's tag. A server that is waited for and says nothing more has closed.
    """

    local = ("127.0.0.1", 49152)

    def __init__(self, greeting: bytes) -> None:
        self.host = "mail.example.org"
        self.said = bytearray(greeting)
        self.commands: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.commands.append(bytes(data))
        if len(self.commands) > MAX_EXCHANGES:
            raise ConnectorError("took too long", "wait", reason="unreachable")
        self.said += self.answer(bytes(data))

    def answer(self, data: bytes) -> bytes:
        raise NotImplementedError

    def readline(self, limit: int = LINE) -> bytes:
        end = self.said.find(b"\n") + 1
        if not end or end > limit:
            raise ConnectorError("closed, or a line too long", "look", reason="unreachable")
        return self.read(end)

    def read(self, count: int) -> bytes:
        if count > len(self.said):
            raise ConnectorError("closed, or announced too much", "look", reason="unreachable")
        taken = bytes(self.said[:count])
        del self.said[:count]
        return taken

    def start_tls(self, _: object) -> None:
        self.said.clear()

    def close(self) -> None:
        self.said.clear()


#: What an ordinary IMAP server says; `SASL` is the answer to the client's response within AUTHENTICATE.
IMAP: Mapping[str, bytes] = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN ACL NAMESPACE ID\r\n%s OK done\r\n",
    "AUTHENTICATE": b"+ \r\n",
    "SASL": b"%s OK logged in\r\n",
    "ID": b'* ID ("name" "x")\r\n%s OK done\r\n',
    "NAMESPACE": b'* NAMESPACE (("" "/")) NIL NIL\r\n%s OK done\r\n',
    "LIST": b'* LIST (\\HasNoChildren) "/" INBOX\r\n* LIST () "/" Old\r\n%s OK done\r\n',
    "LSUB": b'* LSUB () "/" INBOX\r\n%s OK done\r\n',
    "EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 1] ok\r\n%s OK [READ-ONLY] done\r\n",
    "MYRIGHTS": b"* MYRIGHTS %f lra\r\n%s OK done\r\n",
    "GETACL": b"* ACL %f alice lrwstipekxa bob lr\r\n%s OK done\r\n",
    "LOGOUT": b"* BYE\r\n%s OK done\r\n",
}


class ImapServer(Answering):
    """An IMAP server; `answers` override the ordinary ones by command. `%f` is the folder asked about."""

    def __init__(self, answers: Mapping[str, bytes], greeting: bytes = b"* OK ready\r\n") -> None:
        super().__init__(greeting)
        self._answers = {**IMAP, **answers}
        self._tag = b""

    def answer(self, data: bytes) -> bytes:
        if b" " not in data:
            return self._filled("SASL", b"") if data.endswith(b"\n") else b""
        self._tag, command, *rest = data.split(None, 2)
        return self._filled(command.decode().upper(), b"".join(rest).strip())

    def _filled(self, command: str, folder: bytes) -> bytes:
        said = self._answers.get(command, b"%s OK done\r\n")
        return said.replace(b"%s", self._tag).replace(b"%f", folder)


#: What an ordinary ManageSieve server says.
SIEVE: Mapping[str, bytes] = {
    "AUTHENTICATE": b"OK\r\n",
    "CAPABILITY": b'"SASL" "PLAIN"\r\nOK\r\n',
    "LISTSCRIPTS": b'"main" ACTIVE\r\n"old"\r\nOK\r\n',
    "GETSCRIPT": b"{7}\r\nkeep;\r\n\r\nOK\r\n",
    "LOGOUT": b"OK\r\n",
}
GREETING = b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\n"STARTTLS"\r\nOK "ready"\r\n'


class SieveServer(Answering):
    """A ManageSieve server; `answers` override the ordinary ones by command."""

    def __init__(self, answers: Mapping[str, bytes], greeting: bytes = GREETING) -> None:
        super().__init__(greeting)
        self._answers = {**SIEVE, **answers}

    def answer(self, data: bytes) -> bytes:
        command = re.match(rb"[A-Z]*", data)
        assert command is not None
        return self._answers.get(command[0].decode(), b"OK\r\n")
