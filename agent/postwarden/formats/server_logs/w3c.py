"""IIS's log in front of Exchange: requests to OWA, ECP, EWS, ActiveSync, MAPI, RPC, OAB, PowerShell, Autodiscover, REST.

The W3C extended log file format as Microsoft's "W3C Logging" describes it: `#Fields` names the columns and may change
in the middle of a file; spaces are `+`, nothing is `-`, times are UTC. There are no session ids, so each request is an
event of its own, and sessions are grouped later. A log-in by OWA's form is answered alike whether the password was
right or not, so `auth.owa` says nothing; the requests that follow do.

Option: `forwarded_field`, the column that a proxy's X-Forwarded-For is logged in.
"""

import re
from urllib.parse import unquote_plus

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import About, Decoded
from postwarden.formats.server_logs.endpoints import address_of, forwarded_client
from postwarden.formats.server_logs.exchange_probes import is_probe
from postwarden.formats.server_logs.header_fields import BYTE_ORDER_MARK, directive, field_names
from postwarden.formats.server_logs.iso_times import day_start, utc_time
from postwarden.formats.server_logs.line_walk import Told, walk
from postwarden.formats.server_logs.option_types import options_of
from postwarden.model.encoding import decodable
from postwarden.model.event import Access, Protocol
from postwarden.model.reading import Grade

GRADE: Grade = "checked against published samples"

#: First part of the path, in lower case → front door.
_DOORS: dict[str, Protocol] = {
    "owa": "owa",
    "exchange": "owa",
    "public": "owa",
    "ecp": "ecp",
    "ews": "ews",
    "microsoft-server-activesync": "activesync",
    "mapi": "mapi",
    "rpc": "rpc",
    "rpcwithcert": "rpc",
    "oab": "oab",
    "powershell": "powershell",
    "powershell-liveid": "powershell",
    "autodiscover": "autodiscover",
    "api": "rest",
    "rest": "rest",
}
_REFUSED = frozenset({"401", "403"})
#: The front end's port, and that of the back end, where all is encrypted.
_ENCRYPTED = {"443": True, "444": True, "80": False, "81": False}
_DEVICE = re.compile(r"(?:^|&)(DeviceId|DeviceType)=([^&]*)", re.IGNORECASE)


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`forwarded_field`: the column with what proxies say of the client, as `#Fields` names it."""

    forwarded_field: str | None = None


class _State(Struct, frozen=True, kw_only=True):
    fields: tuple[str, ...] = ()
    day: str | None = None


def open_log(about: About, state: bytes) -> "W3cDecoder":
    """Raises ConfigError where an option is wrong."""
    options: Options = options_of("w3c", about.options, Options)
    return W3cDecoder(options, msgspec.json.decode(state, type=_State) if state else _State())


class W3cDecoder:
    """One log of IIS; remembers the columns, and the day where there is no column for it."""

    ends = False

    def __init__(self, options: Options, state: _State) -> None:
        self._forwarded = (options.forwarded_field or "").lower()
        self._state = state
        self._place = {name: index for index, name in enumerate(state.fields)}
        self._doubtful: list[tuple[int, str]] = []

    def decode(self, data: bytes, start: int) -> Decoded:
        self._doubtful = []
        return walk(data, start, self._line, self._doubtful)

    def state(self) -> bytes:
        return msgspec.json.encode(self._state)

    def _line(self, at: int, line: bytes) -> Access | Told:
        line = line.removeprefix(BYTE_ORDER_MARK)
        if line.startswith(b"#"):
            self._directive(line)
            return Told.PASSED
        if not line.strip(b" \0"):
            # IIS reserves its files in blocks of zeros.
            return Told.PASSED
        values = decodable(line).split(" ")
        if len(values) != len(self._state.fields):
            return Told.UNREAD
        return self._request(at, values)

    def _directive(self, line: bytes) -> None:
        fields = field_names(line, b" ")
        day = directive(line, b"date")
        if fields is not None:
            self._state = _State(fields=fields, day=self._state.day)
            self._place = {name: index for index, name in enumerate(fields)}
        elif day is not None:
            self._state = _State(fields=self._state.fields, day=day[:10])

    def _request(self, at: int, values: list[str]) -> Access | Told:
        stem, status = self._value(values, "cs-uri-stem"), self._value(values, "sc-status")
        name, time = self._value(values, "cs-username"), self._time(at, values)
        if time is None or status is None or not (status.isascii() and status.isdecimal()) or stem is None:
            return Told.UNREAD
        path = stem.lower().strip("/")
        door = _DOORS.get(path.partition("/")[0])
        if door is None or name is None or path == "owa/auth.owa":
            return Told.PASSED
        client_text = self._value(values, "c-ip")
        address = address_of(client_text) if client_text else None
        if client_text and address is None:
            return Told.UNREAD
        if is_probe(name, address):
            return Told.PASSED
        refused = status in _REFUSED
        return Access(
            at=at,
            time=time,
            stage="refused" if refused else "request",
            protocol=door,
            name=name,
            address=address,
            server=address_of(self._value(values, "s-ip") or ""),
            forwarded=self._forwarded_client(values),
            client=self._client(values, door),
            encrypted=_ENCRYPTED.get(self._value(values, "s-port") or ""),
            reason=self._reason(values, status) if refused else None,
            bytes_in=_number(self._value(values, "cs-bytes")),
            bytes_out=_number(self._value(values, "sc-bytes")),
        )

    def _value(self, values: list[str], column: str) -> str | None:
        """What a column says; None where there is no such column, or it is empty."""
        place = self._place.get(column)
        if place is None or (value := values[place]) in {"-", ""}:
            return None
        return value

    def _time(self, at: int, values: list[str]) -> int | None:
        day, clock = self._value(values, "date"), self._value(values, "time")
        if clock is None:
            return None
        if day is None:
            day = self._state.day
            if day is None or day_start(day) is None:
                return None
            self._doubtful.append((at, "the log has no column for the day; it is that of its head"))
        return utc_time(f"{day}T{clock}")

    def _forwarded_client(self, values: list[str]) -> str | None:
        said = self._value(values, self._forwarded) if self._forwarded else None
        return forwarded_client(said.replace("+", " ").split(",")) if said else None

    def _client(self, values: list[str], door: Protocol) -> str | None:
        """The user agent, for ActiveSync with the device's type and id, which stay where agents change."""
        said = self._value(values, "cs(user-agent)")
        agent = said.replace("+", " ") if said else None
        if door != "activesync":
            return agent
        query = self._value(values, "cs-uri-query") or ""
        told = {
            key.lower(): unquote_plus(value, errors="backslashreplace")
            for key, value in _DEVICE.findall(query)
        }
        device = "; ".join(part for part in (told.get("devicetype"), told.get("deviceid")) if part)
        return f"{agent or ''} ({device})".strip() if device else agent

    def _reason(self, values: list[str], status: str) -> str:
        """`401.1 1326`: status, sub-status and the error of Windows."""
        fine, windows = self._value(values, "sc-substatus"), self._value(values, "sc-win32-status")
        return f"{status}.{fine or '0'}" + (f" {windows}" if windows and windows != "0" else "")


def _number(text: str | None) -> int | None:
    return int(text) if text and len(text) < 19 and text.isascii() and text.isdecimal() else None
