"""The lines of Dovecot that begin, refuse and end a session: from the server's settings to patterns, from a line to an event."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from postwarden.formats.server_logs.dovecot_elements import (
    IMAP_LOGOUT,
    LEVEL,
    LOGIN_ELEMENTS,
    NOTHING,
    POP3_LOGOUT,
    SIEVE_LOGOUT,
    SUBMISSION_LOGOUT,
    counters,
    login_layout,
    shows,
)
from postwarden.formats.server_logs.framing import HOST, Framing
from postwarden.model.event import Access, Protocol, Stage

PROTOCOLS: Final[dict[str, Protocol]] = {
    "imap": "imap",
    "imap-hibernate": "imap",
    "imap-urlauth": "imap",
    "pop3": "pop3",
    "managesieve": "managesieve",
    "submission": "submission",
    "lmtp": "lmtp",
    "lda": "lmtp",
}
#: How a session's last line begins.
ENDS: Final = ("Disconnected", "Logged out", "Connection closed", "Inactivity", "Session timed out")
#: Why a log-in with a name was not let in.
_REFUSED: Final = (
    "auth failed",
    "internal failure",
    "Internal login failure",
    "Maximum number of connections",
    "disallowed",
    "disabled",
    "expired",
    "not allowed",
    "temporary failure",
)
#: The fields that every log-in has, and those that only some settings show.
_OWN: Final = ("user", "remote_ip", "local_ip", "mechanism", "secured", "session")
_MORE: Final = ("auth_user", "original_user", "master_user", "remote_port")
_LINE = re.compile(rf"(imap|pop3|managesieve|submission|imap-urlauth)-login: {LEVEL}(.*)", re.DOTALL)
_PROXIED = re.compile(r"proxy\(.*\): [Ss]tarted proxying to .*", re.DOTALL)
_ATTEMPTS = re.compile(r"auth failed, (\d{1,6}) attempts")
#: Whether it is a time is found out afterwards.
_STAMP: Final = r"([^ ]{19,35}+|[A-Z][a-z][a-z] .{11})"
#: So many lines tell how the others begin.
_LOOK: Final = 16
Match = Callable[[str], re.Match[str] | None]


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server's settings that decide what its lines look like, as `doveconf` prints them.

    `login_elements` is login_log_format_elements, `logout_format` is imap_logout_format; the others have Dovecot's names.
    In syslog the program is called as the instance is.
    """

    instance_name: str = "dovecot"
    framing: Framing = "auto"
    login_elements: str = LOGIN_ELEMENTS
    logout_format: str = IMAP_LOGOUT
    pop3_logout_format: str = POP3_LOGOUT
    managesieve_logout_format: str = SIEVE_LOGOUT
    submission_logout_format: str = SUBMISSION_LOGOUT


class Sessions:
    """The patterns of one server's settings.

    `frequent` gives patterns for lines as they mostly are; the groups of a log-in's stamp, protocol, words of a refusal,
    attempts and _OWN are `log_in_groups`, those of a log-out's stamp, name, session, reason and counters `log_out_groups`. The
    methods that read take every line.
    """

    def __init__(self, options: Options) -> None:
        """Raises ConfigError where a setting cannot be used."""
        self._layout = login_layout(options.login_elements)
        self.shows_identity = shows(options.login_elements).identity
        #: What a log-in without the word of the encryption says about it.
        self.without_word = False if "secured" in self._layout.groups else None
        log_in = (
            r"(imap|pop3|managesieve|submission)-login: (?:Info: )?"
            r"(?:Login|Logged in|([^<>=]{0,200}auth failed, (\d{1,6}) attempts[^<>=]{0,200})): "
            f"{self._layout.plain}{NOTHING}"
        )
        nothing = 5 + len(self._layout.groups)
        groups = {field: group + 4 for field, group in self._layout.groups.items()}
        self.log_in_groups = (1, 2, 3, 4, *(groups.get(field, nothing) for field in _OWN))
        #: The groups of _MORE, or None where the setting has none of them.
        self.more_groups = (
            tuple(groups.get(field, nothing) for field in _MORE) if groups.keys() & _MORE else None
        )
        imap = counters(options.logout_format)
        log_out = (
            r"imap\(([^()<>]*+)\)(?:<[0-9]++>)?+(?:<([^<>\s]*+)>)?+: (?:Info: )?+([^=]*) "
            rf"{imap.pattern}(?: session=<[^<>]*>)?"
        )
        whole = max(imap.groups) <= len(imap.groups)
        self._frequent: list[tuple[Match, Match]] = [
            (
                re.compile(prefix + log_in).fullmatch,
                re.compile(prefix + log_out).fullmatch if whole else _nothing,
            )
            for prefix in (() if "real_remote_ip" in self._layout.groups else _prefixes(options))
        ]
        self.log_out_groups = (1, 2, 3, 4, *(group + 4 for group in imap.groups))
        self._ends = {}
        for name, counts in (
            ("imap", imap),
            ("pop3", counters(options.pop3_logout_format, pop3=True)),
            ("managesieve", counters(options.managesieve_logout_format)),
            ("submission", counters(options.submission_logout_format)),
        ):
            pattern = re.compile(rf"(.*?) {counts.pattern}(?:,? session=<[^<>]*>)?", re.DOTALL)
            self._ends[name] = (pattern, tuple(group + 1 for group in counts.groups))

    def frequent(self, lines: Sequence[str]) -> tuple[Match, Match]:
        """The patterns of whole lines that begin or refuse, and that end a session, in a log with lines such as the first."""
        for log_in, log_out in self._frequent:
            if any(log_in(line) or log_out(line) for line in lines[:_LOOK]):
                return log_in, log_out
        return _nothing, _nothing

    def encrypted(self, word: str | None) -> bool | None:
        """What the log-in's word says: "secured" is a connection that the server trusts, encrypted or not."""
        if word is None:
            return self.without_word
        return True if word.startswith("TLS") else None

    def read_log_in(self, message: str, at: int, time: int) -> Access | bool:
        """A line of a log-in process: an event, or True where it says nothing of a log-in, or False where it is not understood."""
        match = _LINE.fullmatch(message)
        assert match is not None
        service, said = match.groups()
        words, fields = self._split(said)
        stage = _stage(words)
        if stage is None:
            return True
        if fields is None:
            return False
        name = fields["user"]
        tries = _ATTEMPTS.search(words)
        if not name and tries is None:
            # The server never learnt a name, and no password was tried.
            return stage == "refused"
        address, forwarded = fields.get("remote_ip"), None
        port = fields.get("remote_port")
        if (real := fields.get("real_remote_ip")) is not None and real != address:
            address, forwarded = real, address
            port = fields.get("real_remote_port")
        identity = next(
            (
                fields[one]
                for one in ("auth_user", "original_user", "master_user")
                if fields.get(one, name) not in {name, ""}
            ),
            None,
        )
        return Access(
            at=at,
            time=time,
            stage=stage,
            protocol=PROTOCOLS[service],
            name=name,
            address=address,
            port=None if port is None else int(port),
            server=fields.get("local_ip"),
            forwarded=forwarded,
            session=fields.get("session"),
            # Where a name has brackets, which name ends where is a guess.
            identity=None
            if identity is None or "<" in identity + name or ">" in identity + name
            else identity,
            method=fields.get("mechanism"),
            encrypted=self.encrypted(fields.get("secured")),
            attempts=max(1, int(tries[1])) if tries else 1,
            reason=words if stage == "refused" else None,
        )

    def _split(self, said: str) -> tuple[str, dict[str, str] | None]:
        """The words of a line, and the fields behind them."""
        begin = self._layout.begin
        if begin:
            words, found, rest = said.partition(": " + begin)
            return words, self._layout.fields_of(begin + rest) if found else None
        words, _, rest = said.partition(": ")
        return words, self._layout.fields_of(rest)

    def read_log_out(
        self, service: str, said: str, at: int, time: int, name: str, session: str | None
    ) -> Access | bool:
        """The last line of a session: an event, or True where it is none, or False where its counters are not understood."""
        if not said.startswith(ENDS):
            return True
        found = self._ends.get("imap" if service.startswith("imap") else service)
        if found is None:
            return True
        pattern, groups = found
        match = pattern.fullmatch(said)
        if match is None:
            return False
        return _ended(at, time, PROTOCOLS[service], name, session, match[1], match.group(*groups))


def _prefixes(options: Options) -> list[str]:
    """What stands in front of lines that are mostly so; all others are read another way."""
    hosted = rf"{_STAMP} {HOST} {re.escape(options.instance_name)}(?:\[\d+\])?: "
    plain = f"{_STAMP} "
    return {"auto": [hosted, plain], "syslog": [hosted], "plain": [plain], "journal": []}[options.framing]


def _nothing(_line: str) -> None:
    return None


def is_log_in(message: str) -> bool:
    """Whether a log-in process wrote the line."""
    return _LINE.fullmatch(message) is not None


def _ended(
    at: int,
    time: int,
    protocol: Protocol,
    name: str,
    session: str | None,
    reason: str,
    counted: Sequence[str | None],
) -> Access:
    """The end of a session, with its counters in the order of COUNTED."""
    bytes_in, bytes_out, deleted, expunged, headers, header_bytes, bodies, body_bytes = counted
    return Access(
        at=at,
        time=time,
        stage="ended",
        protocol=protocol,
        name=name,
        session=session,
        reason=reason,
        bytes_in=None if bytes_in is None else int(bytes_in),
        bytes_out=None if bytes_out is None else int(bytes_out),
        deleted=None if deleted is None else int(deleted),
        expunged=None if expunged is None else int(expunged),
        headers=None if headers is None else int(headers),
        header_bytes=None if header_bytes is None else int(header_bytes),
        bodies=None if bodies is None else int(bodies),
        body_bytes=None if body_bytes is None else int(body_bytes),
    )


def _stage(words: str) -> Stage | None:
    if words.partition(":")[0] in {"Login", "Logged in"} or _PROXIED.fullmatch(words):
        return "begun"
    return "refused" if any(reason in words for reason in _REFUSED) else None
