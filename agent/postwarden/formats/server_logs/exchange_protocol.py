"""Exchange's protocol logs of IMAP4 and POP3: log-ins, refusals, and ends with the bytes since the log-in.

CSV as Microsoft's "Protocol logging for POP3 and IMAP4" describes it, with the columns that Exchange 2013 and later
write; `#Fields` names them, and before any such line they are taken to be those. Times are UTC. The outcome of a command
is `R=…` in `context`.

Session ids count from the start of the service and come again after the next, so a session is known here by its id and
the client's port. A front-end server's log has the client's address; a back end's has the front end's: read the former.
Somebody who opens another's mailbox writes both names (`domain\\user\\mailbox`): the mailbox is the account.
"""

import re

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import About, Decoded
from postwarden.formats.server_logs.endpoints import endpoint
from postwarden.formats.server_logs.exchange_probes import is_probe
from postwarden.formats.server_logs.header_fields import BYTE_ORDER_MARK, cells, field_names
from postwarden.formats.server_logs.iso_times import utc_time
from postwarden.formats.server_logs.line_walk import Told, walk
from postwarden.formats.server_logs.option_types import NoOptions, options_of
from postwarden.model.event import Access, Protocol
from postwarden.model.reading import Grade

GRADE: Grade = "checked against published samples"

#: Sessions under way that are remembered, the latest: an end that comes after so many log-ins is not told.
MAX_SESSIONS = 4096

_FIELDS = (
    "datetime",
    "sessionid",
    "seqnumber",
    "sip",
    "cip",
    "user",
    "duration",
    "rqsize",
    "rpsize",
    "command",
    "parameters",
    "context",
    "puid",
)
#: Commands whose outcome is a log-in's.
_LOG_INS: dict[str, Protocol] = {
    "login": "imap",
    "authenticate": "imap",
    "pass": "pop3",
    "apop": "pop3",
    "auth": "pop3",
}
_MECHANISMS = frozenset({"authenticate", "auth"})
_END = "closesession"
#: One part of a context, `R=OK` or `Msg="…"`, and the semicolon behind it.
_PART = re.compile(r'(\w+)=(?:"((?:[^"]|"")*)"|([^;]*))(?:;|$)')
#: Ports of front ends and back ends.
_PORTS: dict[int, Protocol] = {
    143: "imap",
    993: "imap",
    1143: "imap",
    1993: "imap",
    110: "pop3",
    995: "pop3",
    1110: "pop3",
    1995: "pop3",
}
_ENCRYPTED_PORTS = frozenset({993, 995, 1993, 1995})
#: An answer of a command is at most a mailbox; the sum of a session stays a number that every reader takes.
_MAX_BYTES = 1 << 53


class _Session(Struct, array_like=True, gc=False):
    """A session that was let in: which way, under which names, and the bytes so far."""

    protocol: Protocol
    name: str
    identity: str | None
    bytes_in: int = 0
    bytes_out: int = 0


class _State(Struct, kw_only=True):
    fields: tuple[str, ...] = _FIELDS
    sessions: dict[str, _Session] = {}


def open_log(about: About, state: bytes) -> "ProtocolDecoder":
    """Raises ConfigError where an option is given: there are none."""
    options_of("exchange_protocol", about.options, NoOptions)
    return ProtocolDecoder(msgspec.json.decode(state, type=_State) if state else _State())


class ProtocolDecoder:
    """One log of IMAP4 or POP3; remembers the columns and the sessions under way."""

    ends = True

    def __init__(self, state: _State) -> None:
        self._fields = state.fields
        self._place = {name: index for index, name in enumerate(state.fields)}
        self._sessions = state.sessions

    def decode(self, data: bytes, start: int) -> Decoded:
        return walk(data, start, self._line)

    def state(self) -> bytes:
        return msgspec.json.encode(_State(fields=self._fields, sessions=self._sessions))

    def _line(self, at: int, line: bytes) -> Access | Told:
        line = line.removeprefix(BYTE_ORDER_MARK)
        if line.startswith(b"#"):
            fields = field_names(line, b",")
            if fields is not None:
                self._fields = fields
                self._place = {name: index for index, name in enumerate(fields)}
            return Told.PASSED
        if not line.strip():
            return Told.PASSED
        values = cells(line)
        if values is None or len(values) > len(self._fields):
            return Told.UNREAD
        return self._command(at, values)

    def _command(self, at: int, values: list[str]) -> Access | Told:
        time = utc_time(self._value(values, "datetime"))
        command = self._value(values, "command").lower()
        client, session_id = endpoint(self._value(values, "cip")), self._value(values, "sessionid")
        if time is None or client is None or not command or not session_id:
            # Exchange names its columns once more in a line of their own.
            named = [value.lower() for value in values] == list(self._fields[: len(values)])
            return Told.PASSED if named else Told.UNREAD
        session = f"{session_id}@{self._value(values, 'cip')}"
        if command in _LOG_INS:
            return self._log_in(at, time, command, session, values)
        known = self._sessions.pop(session, None) if command == _END else self._sessions.get(session)
        if known is None:
            known = self._from_before(values, client[0]) if command == _END else None
        if known is None:
            return Told.PASSED
        sizes = _number(self._value(values, "rqsize")), _number(self._value(values, "rpsize"))
        if command != _END:
            known.bytes_in = min(known.bytes_in + sizes[0], _MAX_BYTES)
            known.bytes_out = min(known.bytes_out + sizes[1], _MAX_BYTES)
            return Told.KEPT
        # Behind a front end that hands sessions on, only the end knows how much went through.
        return Access(
            at=at,
            time=time,
            stage="ended",
            protocol=known.protocol,
            name=known.name,
            identity=known.identity,
            session=session,
            address=client[0],
            port=client[1],
            ended=time,
            reason=self._value(values, "context") or None,
            bytes_in=max(known.bytes_in, sizes[0]),
            bytes_out=max(known.bytes_out, sizes[1]),
        )

    def _from_before(self, values: list[str], address: str) -> _Session | None:
        """A session of which only the end is in what was read: somebody was let in, for mail went through.

        A session that was refused ends with no bytes, and its end says nothing.
        """
        user = self._value(values, "user")
        server = endpoint(self._value(values, "sip"))
        protocol = _PORTS.get(server[1] or 0) if server else None
        if (
            not user
            or protocol is None
            or is_probe(user, address)
            or not _number(self._value(values, "rpsize"))
        ):
            return None
        identity, name = _names(user)
        return _Session(protocol, name, identity)

    def _log_in(self, at: int, time: int, command: str, session: str, values: list[str]) -> Access | Told:
        context, parameters = self._value(values, "context"), self._value(values, "parameters").split()
        told = _parts(context)
        outcome = told.get("R")
        login = self._value(values, "user") or (parameters[0] if len(parameters) > 1 else "")
        if outcome is None:
            return Told.UNREAD
        client = endpoint(self._value(values, "cip"))
        if not login or client is None or is_probe(login, client[0]):
            return Told.PASSED
        identity, name = _names(login)
        entered = outcome.strip().lower() in {"ok", "+ok"} or outcome.lower().startswith("+ok ")
        server = endpoint(self._value(values, "sip"))
        access = Access(
            at=at,
            time=time,
            stage="begun" if entered else "refused",
            protocol=_LOG_INS[command],
            name=name,
            identity=identity,
            session=session,
            address=client[0],
            port=client[1],
            server=server[0] if server else None,
            method=parameters[0] if command in _MECHANISMS and parameters else None,
            encrypted=True if server and server[1] in _ENCRYPTED_PORTS else None,
            reason=None if entered else told.get("Msg") or told.get("ErrMsg") or outcome,
        )
        if entered:
            self._remember(session, _Session(access.protocol, name, identity))
        return access

    def _remember(self, key: str, session: _Session) -> None:
        self._sessions.pop(key, None)
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[key] = session

    def _value(self, values: list[str], column: str) -> str:
        """What a column says, empty where the line is shorter, as Exchange leaves off what is empty."""
        place = self._place.get(column)
        return values[place].strip() if place is not None and place < len(values) else ""


def _names(login: str) -> tuple[str | None, str]:
    """Who authenticated, where that is somebody else, and the mailbox: `user@domain\\mailbox`, `domain\\user\\mailbox`."""
    parts = re.split(r"[\\/]", login)
    if len(parts) == 3 and all(parts):
        return login[: -len(parts[2]) - 1], parts[2]
    if len(parts) == 2 and "@" in parts[0] and parts[1]:
        return parts[0], parts[1]
    return None, login


def _parts(context: str) -> dict[str, str]:
    """The parts of a context, of each the first: names of users stand inside of quotes, and may look like parts."""
    found: dict[str, str] = {}
    at = 0
    while match := _PART.match(context, at):
        name, quoted, plain = match.groups()
        found.setdefault(name, plain if quoted is None else quoted.replace('""', '"'))
        at = match.end()
    return found


def _number(text: str) -> int:
    return int(text) if len(text) < 16 and text.isascii() and text.isdecimal() else 0
