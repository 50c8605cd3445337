"""Exported JSON, one object after the other, however it is laid out: an object a line, a list, or a page around a list.

Each object is a line in the sense of `Decoded`, and `at` is where it begins; text outside of objects that is neither a
bracket nor a page's own is one too, and is not understood. What is remembered is the beginning of one object at most.
"""

import re
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import Decoded
from postwarden.formats.server_logs.header_fields import BYTE_ORDER_MARK
from postwarden.formats.server_logs.line_walk import SAMPLE, Told, split
from postwarden.model.event import Event

#: A sign-in with all that was decided about it has some kilobytes.
MAX_OBJECT = 256 * 1024

#: A string, a bracket, or a quote whose string does not end in the line, which JSON has no such thing as.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]|"')
#: A page's own values before its list are an address or two.
_MAX_PAGE_HEAD = 4096
#: What stands between objects of a list.
_BETWEEN = re.compile(rb"[\s,]*")
#: The head of a page: simple values, then the list. Graph names it `value`, Google `items`, Azure's exports `records`.
_PAGE = re.compile(
    rb'\{\s*(?:"[^"\\]*"\s*:\s*(?:"[^"\\]*(?:\\.[^"\\]*)*"|[\w.+-]+)\s*,\s*)*"(?:value|items|records)"\s*:\s*\['
)


class ReadObject(Protocol):
    """Reads one object, decoded to plain values, which begins at a place in the content."""

    def __call__(self, found: object, at: int) -> Event | Told: ...


class ScanState(Struct, kw_only=True):
    """An object under way: its bytes so far, where it begins, how many brackets are open; whether a page is open.

    `lost` says that it is too large: only its beginning is kept, as a sample.
    """

    pending: bytearray = msgspec.field(default_factory=bytearray)
    at: int = 0
    depth: int = 0
    in_page: bool = False
    lost: bool = False


class _Piece(Struct, frozen=True, kw_only=True):
    """An object's bytes, or what was broken."""

    at: int
    raw: bytes
    whole: bool


def decode_objects(data: bytes, start: int, state: ScanState, read: ReadObject) -> Decoded:
    """The events of all objects that end in `data`; the one that does not is remembered in `state`."""
    events: list[Event] = []
    unread: list[tuple[int, bytes]] = []
    passed = lines = 0
    for piece in _pieces(data, start, state):
        lines += 1
        told = _told(piece, read)
        if told is Told.PASSED:
            passed += 1
        elif isinstance(told, Told):
            unread.append((piece.at, piece.raw[:SAMPLE]))
        else:
            events.append(told)
    return Decoded(events=events, unread=unread, passed=passed, lines=lines, doubtful=[])


def _told(piece: _Piece, read: ReadObject) -> Event | Told:
    if not piece.whole:
        return Told.UNREAD
    try:
        found = msgspec.json.decode(piece.raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Told.UNREAD
    return read(found, piece.at)


def _pieces(data: bytes, start: int, state: ScanState) -> Iterator[_Piece]:
    at = start
    for line in split(data):
        yield from _line(line, at, state)
        at += len(line)


def _line(line: bytes, at: int, state: ScanState) -> Iterator[_Piece]:
    text = line.strip()
    if at == 0 and text.startswith(BYTE_ORDER_MARK):
        line = line.replace(BYTE_ORDER_MARK, b"   ", 1)
        text = line.strip()
    if state.depth == 0:
        alone = text.removesuffix(b",")
        if alone.startswith(b"{") and alone.endswith(b"}") and len(alone) <= MAX_OBJECT and _is_one(alone):
            yield _Piece(at=at + line.index(b"{"), raw=alone, whole=True)
            return
    yield from _scan(line, at, state)


def _is_one(text: bytes) -> bool:
    """Whether the text is one object and no page."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return _PAGE.match(text) is None


def _scan(line: bytes, at: int, state: ScanState) -> Iterator[_Piece]:
    """Objects by their brackets, from where the line before left off."""
    begin = 0
    for token in _TOKEN.finditer(line):
        mark = token[0]
        if mark == b'"':
            # The string does not end: this object cannot be read, and the next one begins in a line of its own.
            yield _broken(line, at, begin, state)
            return
        if mark in b"{[":
            if state.depth == 0:
                yield from _stray(line, at, begin, token.start(), state)
                begin = token.end() if mark == b"[" else token.start()
                if mark == b"[":
                    continue
                state.at = at + begin
            state.depth += 1
            if mark == b"[" and state.depth == 2 and _is_page_head(state, line, begin, token.end()):
                _reset(state)
                state.in_page, begin = True, token.end()
        elif mark in b"}]":
            if state.depth == 0:
                yield from _stray(line, at, begin, token.start(), state)
                state.in_page = state.in_page and mark != b"}"
                begin = token.end()
                continue
            state.depth -= 1
            if state.depth == 0:
                _keep(state, line[begin : token.end()])
                yield _Piece(at=state.at, raw=bytes(state.pending), whole=not state.lost)
                _reset(state)
                begin = token.end()
    if state.depth:
        _keep(state, line[begin:])
    else:
        yield from _stray(line, at, begin, len(line), state)


def _is_page_head(state: ScanState, line: bytes, begin: int, end: int) -> bool:
    # A long text is none; to look at it each time would cost the square of its length.
    if len(state.pending) + end - begin > _MAX_PAGE_HEAD:
        return False
    return _PAGE.fullmatch(bytes(state.pending) + line[begin:end]) is not None


def _stray(line: bytes, at: int, begin: int, end: int, state: ScanState) -> Iterator[_Piece]:
    """What stands between two objects; a page's own values are nothing of interest."""
    match = _BETWEEN.match(line, begin, end)
    first = match.end() if match else begin
    if first < end and not state.in_page:
        yield _Piece(at=at + first, raw=line[first:end].rstrip(), whole=False)


def _broken(line: bytes, at: int, begin: int, state: ScanState) -> _Piece:
    if state.depth:
        _keep(state, line[begin:])
        piece = _Piece(at=state.at, raw=bytes(state.pending), whole=False)
    else:
        piece = _Piece(at=at + begin, raw=line[begin:].rstrip(), whole=False)
    _reset(state)
    return piece


def _keep(state: ScanState, raw: bytes) -> None:
    if state.lost or len(state.pending) + len(raw) > MAX_OBJECT:
        state.lost = True
        state.pending = (state.pending[:SAMPLE] + raw[:SAMPLE])[:SAMPLE]
    else:
        state.pending += raw


def _reset(state: ScanState) -> None:
    state.pending, state.depth, state.lost = bytearray(), 0, False


class ObjectDecoder:
    """A decoder of exported JSON, for a reader of single objects; sign-ins have no end."""

    ends = False

    def __init__(self, read: ReadObject, state: bytes) -> None:
        self._read = read
        self._state = msgspec.json.decode(state, type=ScanState) if state else ScanState()

    def decode(self, data: bytes, start: int) -> Decoded:
        return decode_objects(data, start, self._state, self._read)

    def state(self) -> bytes:
        return msgspec.json.encode(self._state)


def reader(decode: Callable[[object, int], Event | str | None]) -> ReadObject:
    """A reader of objects by a function that gives an event, why there is none, or None for nothing of interest."""

    def read(found: object, at: int) -> Event | Told:
        told = decode(found, at)
        if told is None:
            return Told.PASSED
        return Told.UNREAD if isinstance(told, str) else told

    return read
