"""Whole lines into events, with every line accounted for."""

from collections.abc import Callable, Iterator
from enum import Enum

from postwarden.formats.server_logs import MAX_LINE, Decoded
from postwarden.model.event import Event

#: How much of a line that was not understood is kept as a sample.
SAMPLE = 1024


class Told(Enum):
    """What a line came to that is no event: nothing of interest, not understood, or part of a later event."""

    PASSED = "passed"
    UNREAD = "unread"
    KEPT = "kept"


#: Reads one line without its end, which begins at a place in the content.
ReadLine = Callable[[int, bytes], Event | Told]


def walk(
    data: bytes,
    start: int,
    read: ReadLine,
    doubtful: list[tuple[int, str]] | None = None,
    *,
    raw_lines: bool = False,
) -> Decoded:
    """The events of whole lines of which the first begins at `start`.

    `read` never sees a line beyond MAX_LINE: those are unread. It fills `doubtful`, where its format knows such times.
    With `raw_lines` it sees every line, and with its end, which for text of two bytes a letter is half a letter.
    """
    events: list[Event] = []
    unread: list[tuple[int, bytes]] = []
    passed = lines = 0
    at = start
    for raw in split(data):
        lines += 1
        line = raw if raw_lines else raw.rstrip(b"\r\n")
        told = read(at, line) if raw_lines or len(raw) <= MAX_LINE else Told.UNREAD
        if told is Told.PASSED:
            passed += 1
        elif told is Told.UNREAD:
            unread.append((at, line[:SAMPLE]))
        elif not isinstance(told, Told):
            events.append(told)
        at += len(raw)
    return Decoded(events=events, unread=unread, passed=passed, lines=lines, doubtful=doubtful or [])


def split(data: bytes) -> Iterator[bytes]:
    """Lines with their line feed; a carriage return alone ends none, and the last one may have no end."""
    begin = 0
    while (end := data.find(b"\n", begin)) >= 0:
        yield data[begin : end + 1]
        begin = end + 1
    if begin < len(data):
        yield data[begin:]
