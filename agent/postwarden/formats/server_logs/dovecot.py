"""Logs of Dovecot, 2.3 and (from documentation) 2.4: log-ins, their ends and failures, and what sessions did.

Grade: 2.3.19 was observed live (IMAP, POP3, ManageSieve, `mail_log`, JSON events). From documentation only: 2.4's words for
the same lines ("Logged in", "Login aborted", its authentication process), submission, and what a proxy writes.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.formats.server_logs import About, Decoded, Shows
from postwarden.formats.server_logs.dovecot_acts import act_of_event, act_of_mail
from postwarden.formats.server_logs.dovecot_elements import LEVEL, SHOWING
from postwarden.formats.server_logs.dovecot_elements import shows as shown_by
from postwarden.formats.server_logs.dovecot_refusals import Tries, Try, is_authentication, master_of, try_of
from postwarden.formats.server_logs.dovecot_sessions import ENDS, PROTOCOLS, Options, Sessions, is_log_in
from postwarden.formats.server_logs.framing import Frame, Framing, frame_of
from postwarden.formats.server_logs.framing_lines import Lines, cut, too_long
from postwarden.formats.server_logs.option_types import options_of
from postwarden.formats.server_logs.times import Clock, Noted
from postwarden.model.event import Access, Act
from postwarden.model.reading import Grade

GRADE: Grade = "observed live"

#: A master's line is followed by the log-in at once.
_MASTER_WAIT: Final = 10_000
_MASTERS: Final = 256
#: Who authenticated, in the log's words, where it does not name them.
_MASTER: Final = "Master user"

_USER_LINE = re.compile(rf"([a-z][a-z0-9-]*)\((.*?)\)(?:<\d+>)?(?:<([^<>\s]*)>)?: {LEVEL}(.*)", re.DOTALL)
#: A session's end without the prefix that tells whose: Dovecot 2.3.19 now and then writes one so while it is busy.
_NAMELESS_END = re.compile(rf"(?:imap|pop3|managesieve|submission): {LEVEL}(?:{'|'.join(ENDS)}).*", re.DOTALL)
_EVENT_LINE = re.compile(r"stats: (?:Info: )?(\{.*\})", re.DOTALL)


class _State(Struct, frozen=True, kw_only=True):
    clock: Noted = Noted()
    tries: list[Try] = []
    masters: dict[str, int] = {}


def open_log(about: About, state: bytes = b"") -> "DovecotLog":
    """Raises ConfigError where an option or the zone is wrong."""
    return DovecotLog(about, msgspec.json.decode(state, type=_State) if state else _State())


def shows(options: Mapping[str, object]) -> Shows:
    """What its log-ins tell of who authenticated and from which port; the options are right."""
    told = shown_by(msgspec.convert(dict(options), Options).login_elements)
    return Shows(
        identity=told.identity,
        port=told.port,
        cure=f"set in dovecot.conf, and as login_elements here: {SHOWING}",
    )


class DovecotLog:
    """Two patterns for the lines that come by the million, and a slower way for all others."""

    ends: bool = True

    def __init__(self, about: About, state: _State) -> None:
        options: Options = options_of("dovecot", about.options, Options)
        self._framing: Framing = options.framing
        self._instance = options.instance_name
        self._sessions = Sessions(options)
        self._clock = Clock(about.zone, about.modified, state.clock)
        self._tries = Tries(state.tries)
        #: Accounts that a master logged in to, and when; only where the log-in's own line does not tell.
        self._masters = dict(state.masters)

    def state(self) -> bytes:
        return msgspec.json.encode(
            _State(clock=self._clock.noted(), tries=self._tries.waiting(), masters=self._masters)
        )

    def decode(self, data: bytes, start: int) -> Decoded:
        lines = Lines()
        add = lines.events.append
        clock, sessions, tries, masters = self._clock, self._sessions, self._tries, self._masters
        known = clock.known
        log_in_groups, log_out_groups = sessions.log_in_groups, sessions.log_out_groups
        more_groups, without_word, held = sessions.more_groups, sessions.without_word, tries.by_key
        texts, sizes = cut(data)
        log_in, log_out = sessions.frequent(texts)
        at = start
        for text, size in zip(texts, sizes):  # noqa: B905 (behind the last line feed is no line)
            if "-login: " in text:
                match = log_in(text)
                if match is not None and not masters:
                    (
                        stamp,
                        protocol,
                        words,
                        attempts,
                        name,
                        address,
                        server,
                        method,
                        secured,
                        session,
                    ) = match.group(*log_in_groups)
                    time = known.get(stamp) or clock.sure(stamp)
                    if (
                        time
                        and name
                        and time <= tries.due
                        and not (held and (words or session in held or f" {address}" in held))
                    ):
                        if more_groups is None:
                            identity = port = None
                        else:
                            auth, original, master, port = match.group(*more_groups)
                            identity = _other(name, auth, original, master)
                        add(
                            Access(
                                at=at,
                                time=time,
                                stage="begun" if words is None else "refused",
                                protocol=PROTOCOLS[protocol],
                                name=name,
                                address=address,
                                port=None if port is None else int(port),
                                server=server,
                                session=session,
                                identity=identity,
                                method=method,
                                encrypted=True
                                if secured == "TLS"
                                else without_word
                                if secured is None
                                else None,
                                attempts=1 if attempts is None else int(attempts),
                                reason=words,
                            )
                        )
                        at += size + 1
                        continue
            elif (match := log_out(text)) is not None:
                stamp, name, session, reason, *counted = match.group(*log_out_groups)
                time = known.get(stamp) or clock.sure(stamp)
                if time and name and time <= tries.due and reason.startswith(ENDS):
                    bytes_in, bytes_out, deleted, expunged, headers, header_bytes, bodies, body_bytes = map(
                        int, counted
                    )
                    add(
                        # Sixteen arguments by keyword would take twice as long as these fifteen.
                        Access(
                            at=at,
                            time=time,
                            stage="ended",
                            protocol="imap",
                            name=name,
                            session=session,
                            reason=reason,
                            bytes_in=bytes_in,
                            bytes_out=bytes_out,
                            deleted=deleted,
                            expunged=expunged,
                            headers=headers,
                            header_bytes=header_bytes,
                            bodies=bodies,
                            body_bytes=body_bytes,
                        )
                    )
                    at += size + 1
                    continue
            self._line(text, at, size, lines)
            at += size + 1
        lines.count = len(texts)
        return lines.decoded()

    def _line(self, text: str, at: int, size: int, lines: Lines) -> None:
        """Any line, with care."""
        if too_long(text, size):
            lines.miss(at, text)
            return
        frame = frame_of(text, self._framing)
        if frame is None:
            if text.strip():
                lines.miss(at, text)
            else:
                lines.passed += 1
            return
        message = frame.message
        if frame.program not in {None, self._instance}:
            lines.passed += 1
        elif is_log_in(message):
            self._log_in(message, frame, text, at, lines)
        elif is_authentication(message):
            self._authentication(message, frame, text, at, lines)
        elif event := _EVENT_LINE.fullmatch(message):
            self._event(event[1], frame, text, at, lines)
        elif user_line := _USER_LINE.fullmatch(message):
            self._user_line(user_line, frame, text, at, lines)
        elif _NAMELESS_END.fullmatch(message):
            lines.miss(at, text)
        else:
            lines.passed += 1

    def _time(self, frame: Frame, text: str, at: int, lines: Lines) -> int | None:
        """The line's time; what waited for too long by then stands for itself, and a line without one is not read."""
        time = lines.time(self._clock, frame, at, text)
        if time is not None and time > self._tries.due:
            lines.events += self._tries.overdue(time)
        return time

    def _log_in(self, message: str, frame: Frame, text: str, at: int, lines: Lines) -> None:
        time = self._time(frame, text, at, lines)
        if time is None:
            return
        found = self._sessions.read_log_in(message, at, time)
        if found is True:
            lines.passed += 1
        elif found is False:
            lines.miss(at, text)
        else:
            since = self._masters.pop(found.name, None) if found.stage == "begun" else None
            if since is not None and 0 <= time - since <= _MASTER_WAIT:
                found = replace(found, identity=found.identity or _MASTER)
            lines.events += self._tries.settle(found)

    def _authentication(self, message: str, frame: Frame, text: str, at: int, lines: Lines) -> None:
        time = self._time(frame, text, at, lines)
        if time is None:
            return
        master = master_of(message)
        if master is not None and not self._sessions.shows_identity:
            self._masters[master] = time
            if len(self._masters) > _MASTERS:
                del self._masters[next(iter(self._masters))]
        elif (one := try_of(message, at, time)) is not None:
            lines.events += self._tries.add(one)
        else:
            lines.passed += 1

    def _event(self, event: str, frame: Frame, text: str, at: int, lines: Lines) -> None:
        time = self._time(frame, text, at, lines)
        if time is None:
            return
        act = act_of_event(event, at=at, time=time)
        if act is True:
            lines.passed += 1
        elif act is False:
            lines.miss(at, text)
        else:
            lines.events.append(act)

    def _user_line(self, match: re.Match[str], frame: Frame, text: str, at: int, lines: Lines) -> None:
        service, name, session, said = match.groups()
        protocol = PROTOCOLS.get(service)
        if protocol is None or not name:
            lines.passed += 1
            return
        time = self._time(frame, text, at, lines)
        if time is None:
            return
        found: Access | Act | bool = self._sessions.read_log_out(service, said, at, time, name, session)
        if found is True:
            act = act_of_mail(said, at=at, time=time, protocol=protocol, name=name, session=session)
            if act is None:
                lines.passed += 1
            else:
                lines.events.append(act)
        elif found is False:
            lines.miss(at, text)
        else:
            lines.events.append(found)


def _other(name: str, *named: str | None) -> str | None:
    """Who authenticated, where one of the words for it is another than the account's."""
    for one in named:
        if one and one != name:
            return one
    return None
