"""Lines of UTF-16 text out of bytes that were cut at every byte 0x0A, which is only half a line feed."""

from typing import Literal

from msgspec import Struct

from postwarden.formats.server_logs import MAX_LINE

_MARKS: dict[bytes, Literal["utf-16-le", "utf-16-be"]] = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


#: Letters of one line that have the byte 0x0A; a subject has 256 letters at most.
_MAX_PIECES = 1000


class Utf16State(Struct, frozen=True, kw_only=True):
    """What is remembered between pieces.

    `returns` says that lines end with carriage return and line feed, once the first has been seen; so that a letter
    like U+010A, which has the same byte, ends none. `pending` is the beginning of a line in so many `pieces`, which
    begins at `at`; `half` says that the other half of a letter comes first, which belongs to what was given already.
    """

    encoding: Literal["utf-16-le", "utf-16-be"]
    returns: bool | None = None
    pending: bytes = b""
    pieces: int = 0
    at: int = 0
    half: bool = False


def encoding_of(data: bytes) -> Utf16State | None:
    """The state at the beginning of a file; None where no byte order mark says that it is UTF-16."""
    encoding = _MARKS.get(data[:2])
    return Utf16State(encoding=encoding) if encoding else None


def utf16_line(state: Utf16State, at: int, raw: bytes) -> tuple[Utf16State, tuple[int, str] | None]:
    """The next state, and the line that ends with this piece: where it begins and its text without the end.

    A line without end is the last one of its file. One that grows too long is given as it is.
    """
    little = state.encoding == "utf-16-le"
    piece = raw[1:] if state.half else raw
    if at == 0 and raw[:2] in _MARKS:
        piece = raw[2:]
    begin, body = (state.at, state.pending + piece) if state.pending else (at, piece)
    fed = body.endswith(b"\n" if little else b"\0\n") and len(body) % 2 == little
    text = body[: -1 if little else -2] if fed else body
    returned = fed and text.endswith(b"\r\0" if little else b"\0\r")
    ends = fed and (returned or not state.returns) if raw.endswith(b"\n") else bool(body)
    if not ends and state.pieces < _MAX_PIECES and len(body) <= MAX_LINE:
        return Utf16State(
            encoding=state.encoding, returns=state.returns, pending=body, pieces=state.pieces + 1, at=begin
        ), None
    left = Utf16State(
        encoding=state.encoding,
        returns=state.returns if state.returns is not None else returned,
        half=little and len(body) % 2 == 1,
    )
    return left, (begin, text.decode(state.encoding, "backslashreplace").removesuffix("\r"))
