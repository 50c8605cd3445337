"""The IMAP commands that may leave this host: one table, enforced in the transport, tested against the RFCs.

Everything else is refused before a byte is sent: all that RFC 3501, 4314, 5464 and their kin offer to
change a mailbox, and what we do not know.
"""

import re

from postwarden.errors import ConnectorError

#: Commands that read, or that open and close a session.
ALLOWED = frozenset(
    {
        "AUTHENTICATE",
        "CAPABILITY",
        "EXAMINE",
        "GETACL",
        "ID",
        "LIST",
        "LOGIN",
        "LOGOUT",
        "LSUB",
        "MYRIGHTS",
        "NAMESPACE",
        "NOOP",
        "STARTTLS",
    }
)

_COMMAND = re.compile(rb"[A-Za-z0-9]+ ([A-Za-z]+)(?: ([^\r\n]*))?\r\n")
_LITERAL = re.compile(rb"\{\d+\+?\}\r\n\Z")
_SASL = re.compile(rb"[A-Za-z0-9+/=*]*(?:\r\n)?")


class Guard:
    """Lets the bytes of a client's commands through, or refuses them."""

    def __init__(self) -> None:
        self._authenticating = False

    def check(self, data: bytes) -> None:
        """Raises ConnectorError unless `data` is one allowed command, or an answer within AUTHENTICATE.

        A line that announces a literal is refused: nothing that we send needs one, and what follows it
        could not be told from a command.
        """
        if self._authenticating and _SASL.fullmatch(data):
            return
        match = _COMMAND.fullmatch(data)
        if match is None or _LITERAL.search(data):
            raise _refused("bytes that are not one plain command")
        name = match[1].decode("ascii").upper()
        if name not in ALLOWED:
            raise _refused(name)
        self._authenticating = name == "AUTHENTICATE"


def _refused(what: str) -> ConnectorError:
    return ConnectorError(
        f"refused to send {what}: postwarden only reads",
        "this is a bug; please report it",
        reason="forbidden",
    )
