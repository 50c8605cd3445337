"""A ManageSieve session (RFC 5804) that can only read.

The libraries on PyPI take no TLS context of ours, and one loses step on quoted names; this is the part of
the protocol that an audit needs, with bounds on everything.
"""

import re
import ssl
from collections.abc import Iterator

from msgspec import Struct

from postwarden.connectors.identity import Identity
from postwarden.connectors.wire import Tls, connect
from postwarden.errors import ConnectorError

#: Commands that may leave this host; RFC 5804's others change scripts or are not needed.
ALLOWED = frozenset({"AUTHENTICATE", "CAPABILITY", "GETSCRIPT", "LISTSCRIPTS", "LOGOUT", "NOOP", "STARTTLS"})

#: Scripts are kilobytes; a larger literal is drained by nobody.
MAX_LITERAL = 4 * 1024 * 1024
MAX_LINES = 10_000

_COMMAND = re.compile(rb'([A-Z]+)(?: "(?:[^"\\\r\n\0]|\\["\\])*")*\r\n')
_TOKEN = re.compile(rb'[ \t]*(?:"((?:[^"\\]|\\.)*)"|\{(\d{1,10})\+?\}$|(\()|(\))|([^\s"(){}]+))')

Word = bytes


class Answer(Struct, frozen=True, kw_only=True):
    """The end of an answer: OK, NO or BYE, its response code, and the text for people."""

    status: str
    code: str
    text: str


def check_command(data: bytes) -> None:
    """Raises ConnectorError unless `data` is one allowed command on one line."""
    match = _COMMAND.fullmatch(data)
    if match is None or match[1].decode("ascii") not in ALLOWED:
        name = match[1].decode("ascii") if match else "bytes that are not one plain command"
        raise ConnectorError(
            f"refused to send {name}: postwarden only reads",
            "this is a bug; please report it",
            reason="forbidden",
        )


class Session:
    """A connection that can be logged in and asked. Raises ConnectorError."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: Tls,
        cleartext_to: str | None,
        timeout: float,
        context: ssl.SSLContext,
    ) -> None:
        self._place = f"{host}:{port}"
        self._address = (host, port)
        self._wire = connect(
            host, port, tls=tls, cleartext_to=cleartext_to, timeout=timeout, ssl_context=context
        )
        try:
            self.capabilities = self._capabilities(*self._answer())
            if tls == "starttls":
                if "STARTTLS" not in self.capabilities:
                    raise ConnectorError(
                        f"{self._place} does not offer STARTTLS",
                        'use tls = "implicit" with its port, or mend the server',
                        reason="unreachable",
                    )
                self._ask(b"STARTTLS")
                self._wire.start_tls(context)
                self.capabilities = self._capabilities(*self._answer())
        except ConnectorError:
            self._wire.close()
            raise

    @property
    def local(self) -> tuple[str, int]:
        return self._wire.local

    def authenticate(self, identity: Identity) -> None:
        """Logs in with an initial response; the credential never appears in an error."""
        mechanism = "PLAIN" if identity.mechanism == "login" else identity.mechanism.upper()
        if mechanism not in self.capabilities.get("SASL", "").upper().split():
            raise ConnectorError(
                f"{self._place} does not take {mechanism}",
                f"it offers {self.capabilities.get('SASL') or 'nothing before TLS'}",
                reason="unsupported",
            )
        self._send(b"AUTHENTICATE", mechanism.encode(), identity.sasl_base64(*self._address))
        rows, answer = self._answer(challenges=True)
        if rows and answer is None:
            # The error text of OAUTHBEARER (RFC 7628 section 3.2.3) wants a dummy answer.
            self._wire.send(b'"AQ=="\r\n')
            rows, answer = self._answer()
        if answer is None or answer.status != "OK":
            raise ConnectorError(
                f"{self._place} refused the log-in of {identity.name}",
                "check the credential, and that the account exists; nothing more is tried with it in this sweep",
                reason="refused",
            )

    def owner(self) -> str | None:
        """Whose scripts these are (OWNER, RFC 5804 section 1.7), where the server says it."""
        self._send(b"CAPABILITY")
        return self._capabilities(*self._answer()).get("OWNER")

    def scripts(self) -> list[tuple[bytes, bool]]:
        """Names of all scripts, and which is active (RFC 5804 section 2.7)."""
        rows = self._ask(b"LISTSCRIPTS")
        found = []
        for row in rows:
            if not row or len(row) > 2 or (len(row) == 2 and row[1].upper() != b"ACTIVE"):
                raise self._malformed("LISTSCRIPTS")
            found.append((row[0], len(row) == 2))
        if sum(active for _, active in found) > 1 or len({name for name, _ in found}) != len(found):
            raise self._malformed("LISTSCRIPTS")
        return found

    def script(self, name: bytes) -> bytes:
        """The text of a script (RFC 5804 section 2.9)."""
        if any(byte < 0x20 or byte == 0x7F for byte in name):
            raise ConnectorError(
                "the name has control characters, so the script cannot be asked for",
                "look at the server: RFC 5804 section 1.6 allows no such name",
                reason="forbidden",
            )
        rows = self._ask(b"GETSCRIPT", name)
        if len(rows) != 1 or len(rows[0]) != 1:
            raise self._malformed("GETSCRIPT")
        return rows[0][0]

    def leave(self) -> None:
        """Logs out where that still works, and closes in any case."""
        try:
            self._ask(b"LOGOUT")
        except ConnectorError:
            # The session is over either way; what mattered has been read, or is a gap already.
            return
        finally:
            self._wire.close()

    def _capabilities(self, rows: list[list[Word]], answer: Answer | None) -> dict[str, str]:
        if answer is None or answer.status != "OK":
            raise ConnectorError(
                f"{self._place} turned us away: {answer.text if answer else 'no greeting'}",
                "look at the server's log",
                reason="unreachable",
            )
        text = [[word.decode("utf-8", "backslashreplace") for word in row] for row in rows if row]
        return {row[0].upper(): " ".join(row[1:]) for row in text}

    def _ask(self, command: bytes, *arguments: bytes) -> list[list[Word]]:
        self._send(command, *arguments)
        rows, answer = self._answer()
        if answer is None:
            raise self._malformed(command.decode())
        if answer.status != "OK":
            code = f" ({answer.code})" if answer.code else ""
            raise ConnectorError(
                f"the server refused {command.decode()}{code}: {answer.text}",
                "grant the right, or accept the gap",
                reason="forbidden",
            )
        return rows

    def _send(self, command: bytes, *arguments: bytes) -> None:
        data = command
        for argument in arguments:
            data += b' "' + argument.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        check_command(data + b"\r\n")
        self._wire.send(data + b"\r\n")

    def _answer(self, *, challenges: bool = False) -> tuple[list[list[Word]], Answer | None]:
        """Rows up to OK, NO or BYE; with `challenges`, a lone string ends it too, without an Answer."""
        rows: list[list[Word]] = []
        for _ in range(MAX_LINES):
            atoms, words = self._line()
            if atoms and words[0].upper() in {b"OK", b"NO", b"BYE"}:
                return rows, _answer_of(words)
            rows.append(words)
            if challenges and len(words) == 1:
                return rows, None
        raise ConnectorError(
            f"{self._place} answered with more than {MAX_LINES} lines",
            "look at the server",
            reason="malformed",
        )

    def _line(self) -> tuple[bool, list[Word]]:
        """The words of one line, literals included, and whether the first is an atom."""
        words: list[Word] = []
        first_is_atom = False
        for token in self._tokens():
            atom, word = token
            if not words:
                first_is_atom = atom
            words.append(word)
        return first_is_atom, words

    def _tokens(self) -> Iterator[tuple[bool, Word]]:
        while True:
            line = self._wire.readline()
            if not line.endswith(b"\r\n"):
                raise self._malformed("a line")
            line = line[:-2]
            place = 0
            literal = False
            while place < len(line):
                match = _TOKEN.match(line, place)
                if match is None:
                    if line[place:].strip(b" \t"):
                        raise self._malformed("a line")
                    break
                place = match.end()
                if match[1] is not None:
                    yield False, re.sub(rb"\\(.)", rb"\1", match[1])
                elif match[2] is not None:
                    yield False, self._literal(int(match[2]))
                    literal = True
                else:
                    yield True, match[3] or match[4] or match[5]
            if not literal:
                return

    def _literal(self, size: int) -> bytes:
        if size > MAX_LITERAL:
            raise ConnectorError(
                f"{self._place} announced {size} bytes where a script is at most {MAX_LITERAL}",
                "look at the server: such an answer is not normal",
                reason="malformed",
            )
        return self._wire.read(size)

    def _malformed(self, what: str) -> ConnectorError:
        return ConnectorError(
            f"{self._place} answered {what} in a form that is not ManageSieve",
            "check host and port, and look at the server's log",
            reason="malformed",
        )


def _answer_of(words: list[Word]) -> Answer:
    text = [word.decode("utf-8", "backslashreplace") for word in words]
    code = ""
    if text[1:2] == ["("] and ")" in text:
        end = text.index(")")
        code = " ".join(text[2:end])
        text = [text[0], *text[end + 1 :]]
    return Answer(status=text[0].upper(), code=code, text=" ".join(text[1:])[:500])
