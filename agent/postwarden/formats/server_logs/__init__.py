"""Logs of mail servers and identity providers: bytes in, events out, and what could not be read.

One module a format. Each has `GRADE` (what it was tried against) and `open_log(about, state)`, which gives a `Decoder`.
To add a format: one module, one line in `FORMATS`, its section in agent.toml and docs, its samples with their origin.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Protocol

from msgspec import Struct

from postwarden.errors import ConfigError
from postwarden.model.event import Event
from postwarden.model.reading import Grade

#: Format → module.
FORMATS: dict[str, str] = {
    "cyrus": "postwarden.formats.server_logs.cyrus",
    "dovecot": "postwarden.formats.server_logs.dovecot",
    "entra_sign_ins": "postwarden.formats.server_logs.entra_sign_ins",
    "exchange_protocol": "postwarden.formats.server_logs.exchange_protocol",
    "exim": "postwarden.formats.server_logs.exim",
    "generic": "postwarden.formats.server_logs.generic",
    "google_sign_ins": "postwarden.formats.server_logs.google_sign_ins",
    "message_trace": "postwarden.formats.server_logs.message_trace",
    "message_tracking": "postwarden.formats.server_logs.message_tracking",
    "postfix": "postwarden.formats.server_logs.postfix",
    "roundcube": "postwarden.formats.server_logs.roundcube",
    "w3c": "postwarden.formats.server_logs.w3c",
}

#: A longer line is not read: no server writes one, and whoever can write into a log shall not fill our memory.
MAX_LINE = 64 * 1024


class About(Struct, frozen=True, kw_only=True):
    """What is known of a log beside its bytes.

    `zone` is the IANA name of the time zone of times that state none. `modified` is when the file was last written,
    in milliseconds since 1970 (it decides the year of times without one). `options` are the format's own, as they
    stand in agent.toml.
    """

    zone: str = "UTC"
    modified: int | None = None
    options: dict[str, object] = {}


class Decoded(Struct, frozen=True, kw_only=True):
    """What some lines came to: each line is in exactly one of `events`, `unread` and `passed`, or makes events later.

    `unread` are lines that ought to be understood and were not, with where they begin, cut to 1,024 bytes. `passed`
    counts lines that say nothing about access, acts or transfers. `doubtful` are places and words of times that can
    be meant in two ways; their events are there, with the likelier one.
    """

    events: list[Event]
    unread: list[tuple[int, bytes]]
    passed: int
    lines: int
    doubtful: list[tuple[int, str]]


class Decoder(Protocol):
    """One log, from a place in its content on.

    `decode` takes whole lines, each with its line feed, of which the first begins at `start`; the same lines in other
    portions give the same events. It never raises for anything in them. `state` is what has to be remembered to go on behind
    them in another process (fields named by a header, messages under way, the last time): small, bounded, our own encoding.
    `ends` says whether the format tells when sessions end.
    """

    ends: bool

    def decode(self, data: bytes, start: int) -> Decoded: ...

    def state(self) -> bytes: ...


class Shows(Struct, frozen=True, kw_only=True):
    """Whether lines of a log-in show who authenticated beside whose account it is, and the client's port; and how they would."""

    identity: bool
    port: bool
    cure: str = ""


def open_log(format_name: str, about: About, state: bytes = b"") -> Decoder:
    """The decoder of a log, at its beginning or behind what gave `state`.

    Raises ConfigError where the format is unknown or its options are wrong, with the option's name as key.
    """
    place = FORMATS.get(format_name)
    if place is None:
        raise ConfigError(
            f"unknown format {format_name!r}", f"formats: {', '.join(sorted(FORMATS))}", key="format"
        )
    decoder: Decoder = import_module(place).open_log(about, state)
    return decoder


def grade_of(format_name: str) -> Grade:
    """What the format's reader was tried against."""
    grade: Grade = import_module(FORMATS[format_name]).GRADE
    return grade


def longest_line(format_name: str) -> int:
    """The most bytes of a line: more than MAX_LINE only where a module says so, since exports may be one line."""
    longest: int = getattr(import_module(FORMATS[format_name]), "LONGEST_LINE", MAX_LINE)
    return longest


def is_in_order(format_name: str) -> bool:
    """Whether lines stand in the order of their times. Exports of portals may begin with the newest: their modules say so."""
    in_order: bool = getattr(import_module(FORMATS[format_name]), "IN_ORDER", True)
    return in_order


def shows(format_name: str, options: Mapping[str, object]) -> Shows:
    """What a format shows of log-ins with these options; a module says so by a function of the same name."""
    told: Callable[[Mapping[str, object]], Shows] | None = getattr(
        import_module(FORMATS[format_name]), "shows", None
    )
    return told(options) if told is not None else Shows(identity=False, port=False)
