"""One line of a Unix log: when, on which host, from which program, and what it says.

Shapes: RFC 3164 (`Nov 23 10:00:00 host dovecot[7]: …`, with or without its priority), the same with an RFC 3339 time as
rsyslog writes it, RFC 5424, a program's own file (a time, then the message), and `journalctl -o json`.
"""

import re
from typing import Literal

import msgspec
from msgspec import Struct

#: `auto` decides for each line by its shape. `syslog` is RFC 3164, RFC 3339 and RFC 5424 alike; `plain` has no host and
#: no program; `journal` is one JSON object a line.
Framing = Literal["auto", "syslog", "plain", "journal"]

#: A time as Unix logs write it: with year and perhaps zone, or neither.
STAMP = (
    r"(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| ?[+-]\d\d:?\d\d)?"
    r"|[A-Z][a-z][a-z] {1,2}\d{1,2} \d\d:\d\d:\d\d)"
)
#: A host's name has no bracket and does not end with a colon: so the programs of Dovecot's own files are none.
HOST = r"[^\s<(\[{]*[^\s<(\[{:]"

_SYSLOG = re.compile(rf"(?:<\d{{1,3}}>)?({STAMP}) ({HOST}) ([^\s:\[]+)(?:\[(\d+)\])?: *(.*)", re.DOTALL)
_RFC_5424 = re.compile(
    rf"<\d{{1,3}}>1 ({STAMP}) (\S+) (\S+) (\S+) \S+ "
    r'(?:-|(?:\[[^\s\]"]+(?: [^\s="\]]+="(?:[^"\\\]]|\\.)*")*\])+)(?: +(.*))?',
    re.DOTALL,
)
_PLAIN = re.compile(rf"({STAMP}) (.*)", re.DOTALL)


class Frame(Struct, frozen=True, gc=False):
    """What stands around a message. `time` is in milliseconds where the frame itself tells it, else `stamp` is the text."""

    message: str
    stamp: str = ""
    time: int | None = None
    host: str | None = None
    program: str | None = None
    pid: int | None = None


class _Journal(Struct, gc=False):
    message: str | list[int] | None = msgspec.field(name="MESSAGE", default=None)
    micros: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")
    identifier: str | None = msgspec.field(name="SYSLOG_IDENTIFIER", default=None)
    command: str | None = msgspec.field(name="_COMM", default=None)
    pid: str | None = msgspec.field(name="_PID", default=None)
    host: str | None = msgspec.field(name="_HOSTNAME", default=None)


_JOURNAL = msgspec.json.Decoder(_Journal)


def frame_of(line: str, framing: Framing) -> Frame | None:
    """The frame of a line, or None where it has no such shape."""
    if framing not in {"plain", "journal"}:
        found = _syslog(line)
        if found is not None or framing == "syslog":
            return found
    if framing != "plain" and line.startswith("{"):
        return _journal(line)
    if framing != "journal" and (plain := _PLAIN.fullmatch(line)):
        return Frame(plain[2], plain[1])
    return None


def _syslog(line: str) -> Frame | None:
    if match := _RFC_5424.fullmatch(line):
        stamp, host, program, pid, message = match.groups()
        return Frame(
            (message or "").removeprefix("\ufeff"),
            stamp,
            host=_told(host),
            program=_told(program),
            pid=_number(pid),
        )
    if match := _SYSLOG.fullmatch(line):
        stamp, host, program, pid, message = match.groups()
        return Frame(message, stamp, host=host, program=program, pid=_number(pid))
    return None


def _journal(line: str) -> Frame | None:
    try:
        row = _JOURNAL.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    micros = row.micros
    if row.message is None or not (micros.isascii() and micros.isdigit() and len(micros) <= 16):
        return None
    if isinstance(row.message, str):
        message = row.message
    else:
        # journalctl gives bytes that are no UTF-8 as a list of numbers.
        if any(not 0 <= number <= 255 for number in row.message):
            return None
        message = bytes(row.message).decode("utf-8", "backslashreplace")
    message = message.encode("utf-8", "backslashreplace").decode()
    return Frame(
        message,
        time=int(micros) // 1000,
        host=row.host,
        program=row.identifier or row.command,
        pid=_number(row.pid),
    )


def _told(text: str) -> str | None:
    return None if text == "-" else text


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return int(text)
