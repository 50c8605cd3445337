"""An IMAP session through imapclient, over our own guarded and bounded transport."""

import imaplib
import ssl
from typing import Any

import imapclient
from imapclient.exceptions import CapabilityError, IMAPClientError, LoginError
from imapclient.imap_utf7 import decode as decode_utf7
from imapclient.response_parser import parse_response

from postwarden import __version__
from postwarden.connectors.identity import Identity
from postwarden.connectors.imap_commands import Guard
from postwarden.connectors.wire import LINE, Tls, Wire, connect
from postwarden.errors import ConnectorError

#: What the library raises where an answer does not have the shape that it takes for granted.
_PARSING = (
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    AssertionError,
    RecursionError,
    OverflowError,
)


class _GuardedImap(imaplib.IMAP4):
    """imaplib's protocol on a Wire. It logs nothing: its own log keeps passwords."""

    debug = 0

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._guard = Guard()
        super().__init__(wire.host)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:  # noqa: ARG002 - as the library calls it
        self.host = host
        self.port = port

    def read(self, size: int) -> bytes:
        return self._wire.read(size)

    def readline(self) -> bytes:
        return self._wire.readline(LINE)

    def send(self, data: Any) -> None:
        self._guard.check(bytes(data))
        self._wire.send(bytes(data))

    def shutdown(self) -> None:
        self._wire.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[Any, list[Any]]:
        if ssl_context is None:
            raise ConnectorError("STARTTLS without a verifying context", reason="forbidden")
        kind, data = self._simple_command("STARTTLS")
        if kind == "OK":
            self._wire.start_tls(ssl_context)
            self._get_capabilities()
        return kind, data

    def _mesg(self, *_: object) -> None:
        """Imaplib's debug output would show log-ins."""

    _log = _mesg

    def print_log(self) -> None:
        """As above."""


class Session(imapclient.IMAPClient):  # type: ignore[misc]  # the library has no types
    """A logged-in, read-only session.

    Raises ConnectorError: `unreachable` for the network and TLS, `refused` for the credential,
    `malformed` for answers that make no sense.
    """

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
        self._wire = connect(
            host, port, tls=tls, cleartext_to=cleartext_to, timeout=timeout, ssl_context=context
        )
        try:
            # Our wire times out by itself; `ssl` only says that there is nothing left to start.
            super().__init__(host, port, ssl=tls == "implicit", ssl_context=context, timeout=None)
            self._imap.debug = 0
            if tls == "starttls":
                self._start_tls(context)
        except BaseException:
            self._wire.close()
            raise

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's name
        try:
            return _GuardedImap(self._wire)
        except (imaplib.IMAP4.error, *_PARSING) as exc:
            raise ConnectorError(
                f"{self.host}:{self.port} does not greet as an IMAP server",
                "check host and port",
                reason="malformed",
            ) from exc

    def _set_read_timeout(self) -> None:
        """Our wire keeps the time."""

    def _start_tls(self, context: ssl.SSLContext) -> None:
        try:
            self.starttls(context)
        except CapabilityError as exc:
            raise ConnectorError(
                f"{self.host}:{self.port} does not offer STARTTLS",
                'use tls = "implicit" with its port, or mend the server',
                reason="unreachable",
            ) from exc
        except (IMAPClientError, *_PARSING) as exc:
            raise _malformed(self, "STARTTLS") from exc

    @property
    def local(self) -> tuple[str, int]:
        return self._wire.local

    def authenticate(self, identity: Identity) -> None:
        """Logs in; the credential never appears in an error."""
        try:
            if identity.mechanism == "login":
                self.login(identity.user, identity.secret.reveal())
            else:
                # A second challenge is the server's error text (RFC 7628 section 3.2.3); it wants a dummy answer.
                answers = iter((identity.sasl(self.host, self.port),))
                self.sasl_login(identity.mechanism.upper(), lambda _: next(answers, b"\x01"))
        except LoginError:
            # The library's message quotes the server, and its cause can carry the command.
            raise ConnectorError(
                f"{self.host}:{self.port} refused the log-in of {identity.name}",
                "check the credential, and that the account exists; nothing more is tried with it in this sweep",
                reason="refused",
            ) from None
        except (imaplib.IMAP4.error, UnicodeEncodeError):
            raise ConnectorError(
                f"{self.host}:{self.port} does not take {identity.mechanism.upper()} for {identity.name}",
                "choose a mechanism that the server lists under AUTH=",
                reason="unsupported",
            ) from None
        except _PARSING:
            raise _malformed(self, "AUTHENTICATE") from None

    def introduce(self) -> None:
        """Exchanges ID (RFC 2971), so that the server's log can name us."""
        if self.can("ID"):
            self.ask("ID", self.id_, {"name": "postwarden", "version": __version__})

    def can(self, capability: str) -> bool:
        """Whether the server has a capability."""
        return bool(self.ask("CAPABILITY", self.has_capability, capability))

    def ask(self, what: str, call: Any, *arguments: Any) -> Any:
        """Calls the library and turns its refusals into `forbidden`, anything odd into `malformed`."""
        try:
            return call(*arguments)
        except imaplib.IMAP4.abort as exc:
            raise _malformed(self, what) from exc
        except (IMAPClientError, imaplib.IMAP4.error) as exc:
            raise ConnectorError(
                f"the server refused {what}", "grant the right, or accept the gap", reason="forbidden"
            ) from exc
        except _PARSING as exc:
            raise _malformed(self, what) from exc

    def acl(self, folder: str) -> list[tuple[str, str]]:
        """Identifiers and rights of `folder` (RFC 4314 section 3.6), for the folder asked and no other."""
        words = self._answer("GETACL", "ACL", folder)
        if len(words) % 2:
            raise _malformed(self, "GETACL")
        return list(zip(words[::2], words[1::2], strict=True))

    def my_rights(self, folder: str) -> str:
        """Our own rights in `folder` (RFC 4314 section 3.8)."""
        words = self._answer("MYRIGHTS", "MYRIGHTS", folder)
        if len(words) != 1:
            raise _malformed(self, "MYRIGHTS")
        return words[0]

    def _answer(self, command: str, answer: str, folder: str) -> list[str]:
        quoted = self.ask(command, self._normalise_folder, folder)
        kind, data = self.ask(f"{command} {folder}", self._imap._simple_command, command, quoted)  # noqa: SLF001 - it has no other way
        if kind != "OK":
            raise ConnectorError(
                f"the server refused {command}", "grant the right to administer (a)", reason="forbidden"
            )
        kind, data = self.ask(command, self._imap._untagged_response, kind, data, answer)  # noqa: SLF001 - as above
        lines = [part for part in data if isinstance(part, bytes)]
        words = self.ask(command, parse_response, [part for part in data if part not in (b"", None)])
        if not all(isinstance(word, bytes | int) for word in words):
            raise _malformed(self, command)
        text = [
            word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else str(word)
            for word in words
        ]
        if len(data) != 1 and len(lines) == len(data):
            raise _other_mailbox(self, command, folder)
        if not text or self.ask(command, decode_utf7, text[0].encode()) != folder:
            raise _other_mailbox(self, command, folder)
        return text[1:]

    def leave(self) -> None:
        """Logs out where that still works, and closes in any case."""
        try:
            self._imap.logout()
        except (ConnectorError, imaplib.IMAP4.error, *_PARSING):
            self._wire.close()


def _other_mailbox(session: Session, command: str, folder: str) -> ConnectorError:
    return ConnectorError(
        f"{session.host}:{session.port} was asked {command} {folder} and answered about something else",
        "look at the server, or at the proxy before it",
        reason="malformed",
    )


def _malformed(session: Session, what: str) -> ConnectorError:
    return ConnectorError(
        f"{session.host}:{session.port} answered {what} in a form that is not IMAP",
        "look at the server's log",
        reason="malformed",
    )
