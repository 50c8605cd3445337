"""Roundcube's `userlogins.log` (log_logins): who logged in to the webmail and from where.

`[23-Nov-2026 10:00:00 +0100]: <session> Successful login for NAME (ID: 7) from ADDRESS in session SESSION` and `Failed login for
NAME from ADDRESS in session SESSION (error: 1)`. Behind a proxy the address is the proxy's, with the forwarded ones in
brackets behind it. The form is the source's (program/lib/Roundcube/rcube_utils.php and rcmail.php); a name is what a
visitor typed. Grade: from documentation only.
"""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import About, Decoded
from postwarden.formats.server_logs.framing import Frame, Framing, frame_of
from postwarden.formats.server_logs.framing_lines import Lines, cut, too_long
from postwarden.formats.server_logs.option_types import options_of
from postwarden.formats.server_logs.times import Clock, Noted
from postwarden.model.event import Access
from postwarden.model.reading import Grade

GRADE: Grade = "from documentation only"

_LINE = re.compile(r"\[([^\[\]]{10,40})\]: (?:<[^<>\s]*> )?(.*)", re.DOTALL)
#: Roundcube's default log_date_format.
_DATE: Final = "%d-%b-%Y %H:%M:%S %z"
_SESSION = re.compile(r"(.*) in session (\S+?)(?: \(error: (-?\d+)\))?", re.DOTALL)
_SUCCESS = re.compile(r"Successful login for (.*?) \(ID: \d+\) from (\S.*)", re.DOTALL)
_FAILURE = re.compile(r"Failed login for (.*?) from (\S.*)", re.DOTALL)
_ADDRESS: Final = r"[0-9A-Fa-f.:]{2,45}"
_FROM = re.compile(rf"({_ADDRESS})(?:\((.*)\))?", re.DOTALL)
_FORWARDED = re.compile(rf"(?:^|[,(]\s*)(X-Forwarded-For|X-Real-IP): ?({_ADDRESS})(?=[,\s]|$)")


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`framing` is how the lines come where log_driver is syslog; Roundcube's own file is `plain`."""

    framing: Framing = "plain"


def open_log(about: About, state: bytes = b"") -> "RoundcubeLog":
    """Raises ConfigError where an option or the zone is wrong."""
    return RoundcubeLog(about, msgspec.json.decode(state, type=Noted) if state else Noted())


class RoundcubeLog:
    """One log of log-ins to a webmail; their ends are nowhere written."""

    ends: bool = False

    def __init__(self, about: About, state: Noted) -> None:
        options: Options = options_of("roundcube", about.options, Options)
        self._framing: Framing = options.framing
        self._clock = Clock(about.zone, about.modified, state)

    def state(self) -> bytes:
        return msgspec.json.encode(self._clock.noted())

    def decode(self, data: bytes, start: int) -> Decoded:
        lines = Lines()
        texts, sizes = cut(data)
        lines.count = len(texts)
        at = start
        for text, size in zip(texts, sizes):  # noqa: B905 (behind the last line feed is no line)
            frame = None if too_long(text, size) else self._frame(text)
            if frame is not None:
                self._line(frame, at, text, lines)
            elif text.strip():
                lines.miss(at, text)
            else:
                lines.passed += 1
            at += size + 1
        return lines.decoded()

    def _frame(self, text: str) -> Frame | None:
        if self._framing != "plain":
            return frame_of(text, self._framing)
        match = _LINE.fullmatch(text)
        if match is None:
            return None
        try:
            moment = datetime.strptime(match[1], _DATE).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return Frame(match[2], moment.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def _line(self, frame: Frame, at: int, text: str, lines: Lines) -> None:
        message = re.sub(r"^<[^<>\s]*> ", "", frame.message)
        session = _SESSION.fullmatch(message)
        said = session[1] if session else message
        if success := _SUCCESS.fullmatch(said):
            name, origin = success.groups()
            alone = True
        elif failure := _FAILURE.fullmatch(said):
            name, origin = failure.groups()
            # Both the name and a header behind the address may have the words between them.
            alone = said.count(" from ") == 1
        elif message.startswith(("Successful login for ", "Failed login for ")):
            lines.miss(at, text)
            return
        else:
            lines.passed += 1
            return
        place = _FROM.fullmatch(origin)
        if place is None and alone:
            lines.miss(at, text)
            return
        time = lines.time(self._clock, frame, at, text)
        if time is None:
            return
        lines.events.append(
            Access(
                at=at,
                time=time,
                stage="begun" if success else "refused",
                protocol="webmail",
                name=name,
                address=place[1] if place and alone else None,
                forwarded=_forwarded(place[2] or "") if place and alone else None,
                session=session[2] if session else None,
                reason=f"error: {session[3]}" if session and session[3] is not None else None,
            )
        )


def _forwarded(headers: str) -> str | None:
    """The client's address as the proxy in front gives it: X-Forwarded-For begins with it, X-Real-IP is it."""
    found = dict(reversed(_FORWARDED.findall(headers)))
    return found.get("X-Real-IP") or found.get("X-Forwarded-For")
