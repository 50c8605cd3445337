"""Cyrus imapd's lines in syslog: log-ins, failures, and with `auditlog: yes` what sessions did and how they ended.

Lines of the audit log name the session and not the account, which comes from the session's log-in. Who authenticated on
behalf of an account is nowhere written. Grade: 3.6.1 was observed live (imapd, timsieved).
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import About, Decoded
from postwarden.formats.server_logs.framing import Frame, Framing
from postwarden.formats.server_logs.framing_lines import Lines, framed
from postwarden.formats.server_logs.option_types import options_of
from postwarden.formats.server_logs.times import Clock, Noted
from postwarden.model.event import Access, Act, Deed, Protocol
from postwarden.model.reading import Grade

GRADE: Grade = "observed live"

#: Sessions whose account is remembered.
_MOST: Final = 2048

_SERVICES: Final[dict[str, Protocol]] = {
    "imap": "imap",
    "imaps": "imap",
    "pop3": "pop3",
    "pop3s": "pop3",
    "sieve": "managesieve",
    "timsieved": "managesieve",
    "managesieve": "managesieve",
}
_CLIENT: Final = r"\S* ?\[([0-9A-Fa-f.:]{2,45})\]"
_LOGIN = re.compile(
    rf"login: {_CLIENT} (.*) ([\w-]+)(\+TLS)? User logged in(?: SESSIONID=<([^<>]*)>)?", re.DOTALL
)
_BAD = re.compile(rf"badlogin: {_CLIENT} (\S+) (.*)", re.DOTALL)
#: What is said behind a name, in 3.x with brackets around both, in 2.x with none, and by timsieved without a name.
_BAD_FORMS: Final = tuple(
    re.compile(form, re.DOTALL)
    for form in (r"\((.*)\) (\[.*\]|invalid user|[^()]*)", r"(.+?) (SASL\(-?\d+\): .*)", r"()(.*)")
)
_UNKNOWN: Final = frozenset({"-notset-", ""})
_AUDIT = re.compile(r"auditlog: ([\w-]+):? (.*)", re.DOTALL)
_PAIR = re.compile(r"(?:^| )([\w.-]{1,40})=<([^<>]*)>")
_DEEDS: Final[dict[str, Deed]] = {
    "append": "saved",
    "copy": "copied",
    "expunge": "expunged",
    "touched": "flagged",
    "create": "folder",
    "delete": "folder",
    "rename": "folder",
    "acl": "command",
}
#: What is kept of an audit line's own words.
_MAX_DETAIL: Final = 512


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`auditlog` is the server's setting of that name: only with it are the ends of sessions written."""

    framing: Framing = "auto"
    auditlog: bool = False


class _State(Struct, frozen=True, kw_only=True):
    clock: Noted = Noted()
    names: dict[str, str] = {}


def open_log(about: About, state: bytes = b"") -> "CyrusLog":
    """Raises ConfigError where an option or the zone is wrong."""
    return CyrusLog(about, msgspec.json.decode(state, type=_State) if state else _State())


class CyrusLog:
    """One log of a Cyrus server, with the accounts of sessions under way."""

    ends: bool

    def __init__(self, about: About, state: _State) -> None:
        options: Options = options_of("cyrus", about.options, Options)
        self.ends = options.auditlog
        self._framing: Framing = options.framing
        self._clock = Clock(about.zone, about.modified, state.clock)
        self._names = dict(state.names)

    def state(self) -> bytes:
        return msgspec.json.encode(_State(clock=self._clock.noted(), names=self._names))

    def decode(self, data: bytes, start: int) -> Decoded:
        lines = Lines()
        for at, text, frame in framed(data, start, self._framing, lines):
            protocol = _SERVICES.get((frame.program or "").rpartition("/")[2])
            if protocol is None:
                lines.passed += 1
            elif login := _LOGIN.fullmatch(frame.message):
                self._login(login, protocol, frame, at, text, lines)
            elif bad := _BAD.fullmatch(frame.message):
                self._bad(bad, protocol, frame, at, text, lines)
            elif audit := _AUDIT.fullmatch(frame.message):
                self._audit(audit, protocol, frame, at, text, lines)
            elif frame.message.startswith(("login: ", "badlogin: ")):
                lines.miss(at, text)
            else:
                lines.passed += 1
        return lines.decoded()

    def _login(
        self, login: re.Match[str], protocol: Protocol, frame: Frame, at: int, text: str, lines: Lines
    ) -> None:
        address, name, method, tls, session = login.groups()
        time = lines.time(self._clock, frame, at, text)
        if time is None:
            return
        if session:
            self._names.pop(session, None)
            self._names[session] = name
            if len(self._names) > _MOST:
                del self._names[next(iter(self._names))]
        lines.events.append(
            Access(
                at=at,
                time=time,
                stage="begun",
                protocol=protocol,
                name=name,
                address=address,
                session=session,
                method=method,
                encrypted=tls is not None,
            )
        )

    def _bad(
        self, bad: re.Match[str], protocol: Protocol, frame: Frame, at: int, text: str, lines: Lines
    ) -> None:
        address, method, said = bad.groups()
        name, reason = next(match.groups() for form in _BAD_FORMS if (match := form.fullmatch(said)))
        time = lines.time(self._clock, frame, at, text)
        if time is not None:
            lines.events.append(
                Access(
                    at=at,
                    time=time,
                    stage="refused",
                    protocol=protocol,
                    # Without a name it is still a try from that address.
                    name="" if name in _UNKNOWN else name,
                    address=address,
                    method=method,
                    reason=reason,
                )
            )

    def _audit(
        self, audit: re.Match[str], protocol: Protocol, frame: Frame, at: int, text: str, lines: Lines
    ) -> None:
        action, said = audit.groups()
        pairs: dict[str, str] = {}
        for key, value in _PAIR.findall(said):
            pairs.setdefault(key, value)
        session = pairs.get("sessionid", "")
        name = self._names.get(session)
        if name is None or (action != "traffic" and action not in _DEEDS):
            lines.passed += 1
            return
        time = lines.time(self._clock, frame, at, text)
        if time is None:
            return
        if action == "traffic":
            del self._names[session]
            lines.events.append(
                Access(
                    at=at,
                    time=time,
                    stage="ended",
                    protocol=protocol,
                    name=name,
                    session=session,
                    bytes_in=_number(pairs.get("bytes_in")),
                    bytes_out=_number(pairs.get("bytes_out")),
                )
            )
            return
        folder = pairs.get("mailbox")
        # A server's own notes, in the mailbox of scripts, are what was done to scripts.
        deed: Deed = (
            "script" if folder and folder.endswith(".#sieve") and action == "append" else _DEEDS[action]
        )
        message_id = pairs.get("messageid") or pairs.get("message-id")
        lines.events.append(
            Act(
                at=at,
                time=time,
                deed=deed,
                protocol=protocol,
                name=name,
                session=session,
                folder=folder,
                uid=_number(pairs.get("uid")),
                message_id=None if message_id is None else f"<{message_id}>",
                size=_number(pairs.get("size")),
                detail=_detail(action, said),
            )
        )


def _detail(action: str, said: str) -> str:
    """The flags or rights that changed, in the log's words, or the action alone."""
    kept = [
        f"{key}=<{value}>"
        for key, value in _PAIR.findall(said)
        if key in {"oldflags", "sysflags", "oldacl", "acl", "newmailbox"}
    ]
    return " ".join([action, *kept])[:_MAX_DETAIL]


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 18):
        return None
    return int(text)
