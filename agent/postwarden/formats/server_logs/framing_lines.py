"""From bytes to lines, and what the lines of one call came to."""

from collections.abc import Iterable, Iterator
from typing import Final

from postwarden.formats.server_logs import MAX_LINE, Decoded
from postwarden.formats.server_logs.framing import Frame, Framing, frame_of
from postwarden.formats.server_logs.times import Clock
from postwarden.model.event import Event

#: How much of a line that was not read is kept.
SAMPLE: Final = 1024


def cut(data: bytes) -> tuple[list[str], Iterable[int]]:
    """The lines of whole lines, as text without their end, and how many bytes each has without its line feed.

    Bytes that are not UTF-8 become backslash escapes.
    """
    sizes: Iterable[int]
    if data.isascii():
        texts = str(data, "ascii").split("\n")
        sizes = map(len, texts)
    else:
        raw = data.split(b"\n")
        texts = [str(line, "utf-8", "backslashreplace") for line in raw]
        sizes = map(len, raw)
    if b"\r" in data:
        sizes = list(sizes)
        texts = [text.removesuffix("\r") for text in texts]
    if data.endswith(b"\n") or not data:
        texts.pop()
    return texts, sizes


class Lines:
    """What the lines of one call came to; its parts are those of Decoded."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.unread: list[tuple[int, bytes]] = []
        self.doubtful: list[tuple[int, str]] = []
        self.passed = 0
        self.count = 0

    def miss(self, at: int, line: str) -> None:
        """A line that ought to be understood and is not."""
        self.unread.append((at, line[:SAMPLE].encode()[:SAMPLE]))

    def time(self, clock: Clock, frame: Frame, at: int, line: str) -> int | None:
        """When a line was written; notes a doubt. None where its time means none: then the line is not read."""
        if frame.time is not None:
            clock.see(frame.time)
            return frame.time
        reading = clock.read(frame.stamp)
        if reading is None:
            self.miss(at, line)
            return None
        if reading.doubt is not None:
            self.doubtful.append((at, f"{frame.stamp}: {reading.doubt}"))
        return reading.time

    def decoded(self) -> Decoded:
        return Decoded(
            events=self.events,
            unread=self.unread,
            passed=self.passed,
            lines=self.count,
            doubtful=self.doubtful,
        )


def too_long(text: str, size: int) -> bool:
    """Whether a line is too long to be read; `size` is in bytes."""
    return size > MAX_LINE or len(text) > MAX_LINE


def framed(data: bytes, start: int, framing: Framing, lines: Lines) -> Iterator[tuple[int, str, Frame]]:
    """The lines that have a frame, with their places; all others are counted and noted in `lines`."""
    at = start
    texts, sizes = cut(data)
    lines.count = len(texts)
    for text, size in zip(texts, sizes):  # noqa: B905 (behind the last line feed is no line)
        frame = None if too_long(text, size) else frame_of(text, framing)
        if frame is not None:
            yield at, text, frame
        elif text.strip():
            lines.miss(at, text)
        else:
            lines.passed += 1
        at += size + 1
