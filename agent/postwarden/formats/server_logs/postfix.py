"""Logs of Postfix: who submitted mail, who was refused, and what became of each message.

A message's lines share a queue id: smtpd says who handed it in, cleanup its message id, qmgr its sender and size, and each
delivery is one line. Each of these is one transfer; a message whose sender was not seen is not told, for an empty sender means
another thing. A log-in is only told where a message follows it. Grade: 3.7.11 was observed live.
"""

import re
from typing import Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.formats.server_logs import About, Decoded
from postwarden.formats.server_logs.framing import Frame, Framing
from postwarden.formats.server_logs.framing_lines import Lines, framed
from postwarden.formats.server_logs.option_types import options_of
from postwarden.formats.server_logs.times import Clock, Noted
from postwarden.model.event import Access, Transfer
from postwarden.model.reading import Grade

GRADE: Grade = "observed live"

#: Messages under way that are remembered.
_MOST: Final = 2048

_QUEUE: Final = r"([0-9A-Za-z]{5,24})"
_CLIENT: Final = r"[^\s\[\]]*\[([0-9A-Fa-f.:]{2,45}|unknown)\](?::(\d{1,5}))?"
#: An address as Postfix writes it: only between quotation marks may anything stand.
_ADDRESS: Final = r'("(?:[^"\\]|\\.)*"(?:@[^<>\s]*)?|[^<>"]*)'

_PROGRAM = re.compile(r"(?:[\w-]+/)*([\w-]+)")
_RECEIVED = re.compile(rf"{_QUEUE}: client={_CLIENT}(.*)", re.DOTALL)
_LOGIN = re.compile(r", sasl_method=([\w-]+), sasl_username=(.+?)(?:, sasl_sender=.*)?", re.DOTALL)
_FAILED = re.compile(
    rf"warning: {_CLIENT}: SASL ([\w-]+) authentication failed: (.*?)(?:, sasl_username=(.*))?", re.DOTALL
)
_IDENTIFIED = re.compile(rf"{_QUEUE}: (?:resent-)?message-id=(.*)", re.DOTALL)
_QUEUED = re.compile(
    rf"{_QUEUE}: from=<{_ADDRESS}>, size=(\d{{1,18}}), nrcpt=\d+ \(queue active\)", re.DOTALL
)
_EXPIRED = re.compile(
    rf"{_QUEUE}: from=<{_ADDRESS}>, status=(?:force-)?expired, returned to sender", re.DOTALL
)
_DELIVERY = re.compile(
    rf"{_QUEUE}: to=<{_ADDRESS}>, (?:orig_to=<{_ADDRESS}>, )?relay=([^,]*), (?:[a-z_]+=[^,]*, )*?"
    r"status=([a-z-]+) \((.*)\)",
    re.DOTALL,
)
_REMOVED = re.compile(rf"{_QUEUE}: removed")
_RELAY = re.compile(r"[^\[]*\[([0-9A-Fa-f.:]{2,45})\](?::\d+)?")
_OUTCOMES: Final[dict[str, Literal["delivered", "deferred", "failed"]]] = {
    "sent": "delivered",
    "deferred": "deferred",
    "bounced": "failed",
    "expired": "failed",
}
#: Programs that hand a message to a mailbox of this server, or on its behalf.
_HOME: Final = frozenset({"local", "virtual", "lmtp", "pipe"})


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`syslog_name` is the server's setting of that name: what its programs' names begin with."""

    framing: Framing = "auto"
    syslog_name: str = "postfix"


class _Message(Struct, frozen=True, omit_defaults=True):
    """What is known of a message under way."""

    sender: str | None = None
    size: int | None = None
    message_id: str | None = None
    name: str | None = None
    client: str | None = None


class _State(Struct, frozen=True, kw_only=True):
    clock: Noted = Noted()
    messages: dict[str, _Message] = {}


def open_log(about: About, state: bytes = b"") -> "PostfixLog":
    """Raises ConfigError where an option or the zone is wrong."""
    return PostfixLog(about, msgspec.json.decode(state, type=_State) if state else _State())


class PostfixLog:
    """One log of a Postfix, with the messages under way."""

    ends: bool = False

    def __init__(self, about: About, state: _State) -> None:
        options: Options = options_of("postfix", about.options, Options)
        self._framing: Framing = options.framing
        self._begin = options.syslog_name + "/"
        self._clock = Clock(about.zone, about.modified, state.clock)
        self._messages = dict(state.messages)

    def state(self) -> bytes:
        return msgspec.json.encode(_State(clock=self._clock.noted(), messages=self._messages))

    def decode(self, data: bytes, start: int) -> Decoded:
        lines = Lines()
        for at, text, frame in framed(data, start, self._framing, lines):
            if frame.program is None or not frame.program.startswith(self._begin):
                lines.passed += 1
                continue
            program = _PROGRAM.fullmatch(frame.program)
            match program and program[1]:
                case "smtpd":
                    self._smtpd(frame, at, text, lines)
                case "cleanup":
                    self._cleanup(frame, lines)
                case "qmgr":
                    self._qmgr(frame, at, text, lines)
                case (
                    "smtp"
                    | "relay"
                    | "lmtp"
                    | "local"
                    | "virtual"
                    | "pipe"
                    | "error"
                    | "retry"
                    | "discard" as agent
                ):
                    self._delivery(agent, frame, at, text, lines)
                case _:
                    lines.passed += 1
        return lines.decoded()

    def _smtpd(self, frame: Frame, at: int, text: str, lines: Lines) -> None:
        if failed := _FAILED.fullmatch(frame.message):
            client, port, method, reason, name = failed.groups()
            time = lines.time(self._clock, frame, at, text)
            if time is not None:
                lines.events.append(
                    Access(
                        at=at,
                        time=time,
                        stage="refused",
                        protocol="submission",
                        # Without a name it is still a try from that address.
                        name=name or "",
                        address=_known(client),
                        port=None if port is None else int(port),
                        method=method,
                        reason=reason,
                    )
                )
            return
        received = _RECEIVED.fullmatch(frame.message)
        if received is None:
            lines.passed += 1
            return
        queue, client, port, rest = received.groups()
        login = _LOGIN.fullmatch(rest)
        name = login[2] if login else None
        self._remember(queue, _Message(name=name, client=_known(client)))
        if login is None:
            return
        time = lines.time(self._clock, frame, at, text)
        if time is not None:
            lines.events.append(
                Access(
                    at=at,
                    time=time,
                    stage="request",
                    protocol="submission",
                    name=login[2],
                    address=_known(client),
                    port=None if port is None else int(port),
                    method=login[1],
                )
            )

    def _cleanup(self, frame: Frame, lines: Lines) -> None:
        if match := _IDENTIFIED.fullmatch(frame.message):
            queue, message_id = match.groups()
            known = self._messages.get(queue, _Message())
            self._remember(queue, replace(known, message_id=message_id or None))
        else:
            lines.passed += 1

    def _qmgr(self, frame: Frame, at: int, text: str, lines: Lines) -> None:
        if match := _QUEUED.fullmatch(frame.message):
            queue, sender, size = match.groups()
            known = self._messages.get(queue, _Message())
            self._remember(queue, replace(known, sender=sender, size=int(size)))
        elif removed := _REMOVED.fullmatch(frame.message):
            self._messages.pop(removed[1], None)
            lines.passed += 1
        elif ": from=<" in frame.message and not _EXPIRED.fullmatch(frame.message):
            lines.miss(at, text)
        else:
            lines.passed += 1

    def _delivery(self, agent: str, frame: Frame, at: int, text: str, lines: Lines) -> None:
        match = _DELIVERY.fullmatch(frame.message)
        if match is None:
            if ": to=<" in frame.message:
                lines.miss(at, text)
            else:
                lines.passed += 1
            return
        queue, recipient, original, relay, status, said = match.groups()
        outcome = _OUTCOMES.get(status)
        message = self._messages.get(queue)
        if outcome is None:
            # Probes of addresses move no mail.
            lines.passed += 1
            return
        if message is None or message.sender is None:
            lines.miss(at, text)
            return
        time = lines.time(self._clock, frame, at, text)
        if time is None:
            return
        peer = _RELAY.fullmatch(relay)
        address = message.client if agent in _HOME else peer[1] if peer else None
        lines.events.append(
            Transfer(
                at=at,
                time=time,
                sender=message.sender,
                recipients=(recipient,),
                original=original,
                message_id=message.message_id,
                size=message.size,
                direction=_direction(agent, address, message),
                outcome="expanded" if status == "sent" and said.startswith("forwarded as ") else outcome,
                name=message.name,
                address=address,
                queue=queue,
            )
        )

    def _remember(self, queue: str, message: _Message) -> None:
        self._messages.pop(queue, None)
        self._messages[queue] = message
        if len(self._messages) > _MOST:
            del self._messages[next(iter(self._messages))]


def _known(client: str) -> str | None:
    return None if client == "unknown" else client


def _direction(agent: str, address: str | None, message: _Message) -> Literal["in", "out", "local"] | None:
    """Which way a delivery goes; a filter on this very host is no way out."""
    if agent in _HOME:
        return "in" if message.client is not None and message.name is None else "local"
    if agent not in {"smtp", "relay"} or (address is not None and address.startswith(("127.", "::1"))):
        return None
    return "out"
