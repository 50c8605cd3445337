"""Exported message traces of Exchange Online, as CSV: one row a recipient, a summary a message, or every event.

The columns are those of Microsoft's pages "Get-MessageTrace" and "Get-MessageTraceV2" (`Received`, `SenderAddress`,
`RecipientAddress`, `Status`, `Size`, `FromIP`), and of "Message trace in the modern Exchange admin center": enhanced summary
(`origin_timestamp`, `recipient_status`) and extended report (those of message tracking). Times are UTC. Files are UTF-8, or
UTF-16 with a byte order mark, as Windows writes them. A subject with a line break makes its row unread.

Option: `day_first`, where the computer that exported wrote times like 23/11/2026; without it, times that can be meant in
both ways are taken with the month first, and told as doubtful.
"""

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import MAX_LINE, About, Decoded
from postwarden.formats.server_logs.header_fields import BYTE_ORDER_MARK, MAX_FIELDS, quoted_cells
from postwarden.formats.server_logs.line_walk import Told, walk
from postwarden.formats.server_logs.message_trace_rows import is_header, squeezed, trace_row
from postwarden.formats.server_logs.option_types import options_of
from postwarden.formats.server_logs.utf16_lines import Utf16State, encoding_of, utf16_line
from postwarden.model.encoding import decodable, encodable
from postwarden.model.event import Transfer
from postwarden.model.reading import Grade

GRADE: Grade = "from documentation only"
#: Exports begin with the newest.
IN_ORDER = False


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`day_first`: whether the day stands before the month; None where nobody said."""

    day_first: bool | None = None


class _State(Struct, frozen=True, kw_only=True):
    fields: tuple[str, ...] = ()
    delimiter: str = ","
    utf16: Utf16State | None = None


def open_log(about: About, state: bytes) -> "TraceDecoder":
    """Raises ConfigError where an option is wrong."""
    options: Options = options_of("message_trace", about.options, Options)
    return TraceDecoder(options, msgspec.json.decode(state, type=_State) if state else _State())


class TraceDecoder:
    """One exported trace; remembers the columns, and the beginning of a line where the file is UTF-16."""

    ends = False

    def __init__(self, options: Options, state: _State) -> None:
        self._day_first = options.day_first
        self._fields = state.fields
        self._delimiter = state.delimiter
        self._utf16 = state.utf16
        self._doubtful: list[tuple[int, str]] = []

    def decode(self, data: bytes, start: int) -> Decoded:
        self._doubtful = []
        if start == 0:
            self._utf16 = encoding_of(data)
        if self._utf16 is None:
            return walk(data, start, self._line, self._doubtful)
        return walk(data, start, self._wide_line, self._doubtful, raw_lines=True)

    def state(self) -> bytes:
        return msgspec.json.encode(_State(fields=self._fields, delimiter=self._delimiter, utf16=self._utf16))

    def _line(self, at: int, line: bytes) -> Transfer | Told:
        return self._text(at, decodable(line.removeprefix(BYTE_ORDER_MARK)))

    def _wide_line(self, at: int, raw: bytes) -> Transfer | Told:
        assert self._utf16 is not None
        self._utf16, found = utf16_line(self._utf16, at, raw)
        if found is None:
            return Told.KEPT
        return self._text(found[0], encodable(found[1])) if len(found[1]) <= MAX_LINE else Told.UNREAD

    def _text(self, at: int, text: str) -> Transfer | Told:
        if not text.strip() or text.startswith("#TYPE "):
            # Windows PowerShell names the type of what it exports.
            return Told.PASSED
        if not self._fields:
            self._delimiter = max(",;\t", key=text.count)
        values = quoted_cells(text, self._delimiter)
        if values is None:
            return Told.UNREAD
        names = tuple(map(squeezed, values))
        if is_header(names, first=not self._fields):
            self._fields = names[:MAX_FIELDS]
            return Told.PASSED
        if len(values) != len(self._fields):
            return Told.UNREAD
        told, doubt = trace_row(at, dict(zip(self._fields, values, strict=True)), self._day_first)
        if doubt:
            self._doubtful.append((at, doubt))
        return told
