"""Exchange's message tracking logs (`MSGTRK….LOG`), from 2007 on: every message that a server took, handed over or refused.

CSV whose columns `#Fields` names, as Microsoft's page "Message tracking" describes them; times are UTC.
"""

import msgspec
from msgspec import Struct

from postwarden.formats.server_logs import About, Decoded
from postwarden.formats.server_logs.exchange_transfers import transfer_of
from postwarden.formats.server_logs.header_fields import BYTE_ORDER_MARK, cells, field_names
from postwarden.formats.server_logs.line_walk import Told, walk
from postwarden.formats.server_logs.option_types import NoOptions, options_of
from postwarden.model.event import Transfer
from postwarden.model.reading import Grade

GRADE: Grade = "checked against published samples"


class _State(Struct, frozen=True, kw_only=True):
    fields: tuple[str, ...] = ()


def open_log(about: About, state: bytes) -> "TrackingDecoder":
    """Raises ConfigError where an option is given: there are none."""
    options_of("message_tracking", about.options, NoOptions)
    return TrackingDecoder(msgspec.json.decode(state, type=_State) if state else _State())


class TrackingDecoder:
    """One message tracking log; remembers the columns."""

    ends = False

    def __init__(self, state: _State) -> None:
        self._fields = state.fields

    def decode(self, data: bytes, start: int) -> Decoded:
        return walk(data, start, self._line)

    def state(self) -> bytes:
        return msgspec.json.encode(_State(fields=self._fields))

    def _line(self, at: int, line: bytes) -> Transfer | Told:
        line = line.removeprefix(BYTE_ORDER_MARK)
        if line.startswith(b"#") or not line.strip():
            self._fields = field_names(line, b",") or self._fields
            return Told.PASSED
        values = cells(line)
        if values is None or not self._fields or len(values) != len(self._fields):
            return Told.UNREAD
        return transfer_of(at, dict(zip(self._fields, values, strict=True)))
