"""What happens at the servers, before any product has written it down. Times are milliseconds since 1970 in UTC.

`intruder` is the seed of the intrusion that something belongs to, None for everybody else. No log tells of it.
"""

from typing import Literal

from msgspec import Struct

from postwarden.lab.logs.networks import Network

#: How a session ended. `cut`: the server lost power, and nobody wrote anything.
Closing = Literal["logged out", "idle", "finished", "inactive", "reset", "cut"]


class Session(Struct, frozen=True, kw_only=True, gc=False):
    """A session at the mail server.

    `identity` is the master user that opened it. `behind` is the address of a browser where a webmail opened the
    session; its own `address` is then the webmail's. `client` is a name of ours for the program, used by logs that
    tell of it.
    """

    begin: int
    end: int
    name: str
    address: str
    port: int
    network: Network
    client: str
    bytes_in: int
    bytes_out: int
    closing: Closing = "logged out"
    protocol: Literal["imap", "pop3"] = "imap"
    headers: int = 0
    header_bytes: int = 0
    bodies: int = 0
    body_bytes: int = 0
    deleted: int = 0
    expunged: int = 0
    identity: str | None = None
    behind: str | None = None
    intruder: str | None = None


class Refusal(Struct, frozen=True, kw_only=True, gc=False):
    """A connection to the mail server that came to nothing: `attempts` wrong passwords from `begin` to `end`.

    `known` says whether an account of that name exists. `attempts` is 1 or 2.
    """

    begin: int
    end: int
    name: str
    address: str
    port: int
    network: Network
    attempts: int = 1
    known: bool = True
    behind: str | None = None
    intruder: str | None = None


class Visit(Struct, frozen=True, kw_only=True, gc=False):
    """A log-in at the webmail; refused where `let_in` is not set."""

    time: int
    name: str
    address: str
    network: Network
    let_in: bool = True
    intruder: str | None = None


class SignIn(Struct, frozen=True, kw_only=True, gc=False):
    """An interactive sign-in at the identity provider; refused where `error` is not 0. `client` is as in `Session`."""

    time: int
    name: str
    address: str
    network: Network
    client: str
    error: int = 0
    known: bool = True
    intruder: str | None = None


class Message(Struct, frozen=True, kw_only=True, gc=False):
    """A message that the mail server takes at `time` and hands over within seconds, once for each recipient.

    `name` is who submitted it; None where it came from another server. `address` is where it came from.
    """

    time: int
    sender: str
    recipients: tuple[str, ...]
    size: int
    address: str
    name: str | None = None


class Scan(Struct, frozen=True, kw_only=True, gc=False):
    """Somebody looks what answers at the mail server's port, and tries no password: `silent`, with words of another
    protocol, or with a TLS handshake that fails.
    """

    time: int
    address: str
    port: int
    network: Network
    kind: Literal["silent", "words", "handshake"]


class Start(Struct, frozen=True, kw_only=True, gc=False):
    """The servers come up again after a loss of power."""

    time: int


Happening = Session | Refusal | Visit | SignIn | Message | Scan | Start
