"""A log that the administrator describes in agent.toml, where no format of ours fits.

Options, all under the log's `options`:

- `kind`: what a line is. `"lines"`: text that `pattern` takes apart, a regular expression in RE2's dialect (no look-around,
  no back-references) whose named groups are targets; it is looked for anywhere in the line, so anchor it with `^` and `$`.
  Lines that `ignore` finds, a pattern too, are of no interest; others are unread. `"csv"`: a row; `columns` is a table from
  target to column, by name where there is a `header` (true unless said otherwise), else by number from 1 on; `delimiter` is a
  comma unless said otherwise; a row stands on one line. `"json"`: an object a line; `fields` is a table from target to path,
  dots between levels and numbers for places in a list (`user.email`, `events.0.name`).
- `event`: `"access"` or `"transfer"`.
- Targets of an access are `name` and `time`, which it needs, `address` (with or without a port), `port`, `server`,
  `forwarded`, `client`, `application`, `session`, `identity`, `method`, `encrypted`, `ended`, `attempts`, `reason`,
  `bytes_in`, `bytes_out`, `bodies`, `body_bytes`, `headers`, `header_bytes`, `deleted`, `expunged`. Those of a transfer
  are `time` and `recipients`, which it needs (several with spaces, commas or semicolons between them), `sender`,
  `message_id`, `size`, `name`, `address`, `queue`. An empty value or `-` is nothing; an access without a name is of no
  interest.
- `time_format`: `"iso"` (unless said otherwise), `"unix"` (seconds), `"unix_ms"`, or a format of strptime with year, month,
  day, hour and minute. Times without a zone are in the log's `zone`.
- `protocol` and `stage` of an access, `outcome` and (where told) `direction` of a transfer: one word, or a table
  `{ field = …, values = { … } }` from what a field says (a group, a column, a path) to the word. The word `pass` makes the
  line one of no interest; a value that is not in the table makes it unread.

    [source.log.options]
    kind = "lines"
    event = "access"
    pattern = '^(?P<time>\\S+) login (?P<result>ok|failed) user=(?P<name>\\S+) ip=(?P<address>\\S+)$'
    protocol = "webmail"
    stage = { field = "result", values = { ok = "whole", failed = "refused" } }
"""

from abc import ABC, abstractmethod
from typing import Any

import msgspec
import re2
from msgspec import Struct

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, Decoder
from postwarden.formats.server_logs.generic_events import EventMaker
from postwarden.formats.server_logs.generic_options import (
    Choice,
    Csv,
    Described,
    Json,
    Lines,
    check_targets,
    choices_of,
    described,
    targets_of,
)
from postwarden.formats.server_logs.generic_times import zone_of
from postwarden.formats.server_logs.header_fields import BYTE_ORDER_MARK, MAX_FIELDS, quoted_cells
from postwarden.formats.server_logs.line_walk import Told, walk
from postwarden.model.encoding import decodable
from postwarden.model.event import Event
from postwarden.model.reading import Grade

GRADE: Grade = "from documentation only"

#: What a program of a pattern may cost, in bytes.
_MAX_PATTERN_MEMORY = 8 * 1024 * 1024


#: Larger numbers are neither sizes nor times.
_LARGEST = 1 << 63


class _State(Struct, kw_only=True):
    last: int = 0
    columns: tuple[str, ...] = ()


def open_log(about: About, state: bytes) -> Decoder:
    """Raises ConfigError where the description is wrong, with the option's name."""
    found = described(about.options)
    known = msgspec.json.decode(state, type=_State) if state else _State()
    maker = EventMaker(found, zone_of(about.zone), known.last)
    if isinstance(found, Lines):
        return _LinesDecoder(found, maker)
    return _CsvDecoder(found, maker, known.columns) if isinstance(found, Csv) else _JsonDecoder(found, maker)


class _Described(ABC):
    """What decoders of all kinds share: the walk over lines and the latest time."""

    def __init__(self, found: Described, maker: EventMaker, targets: frozenset[str]) -> None:
        stage = choices_of(found).get("stage", "")
        words = stage.values.values() if isinstance(stage, Choice) else (stage,)
        self.ends = "ended" in words or "ended" in targets
        self._maker = maker
        self._targets = targets

    def decode(self, data: bytes, start: int) -> Decoded:
        self._maker.doubtful = []
        return walk(data, start, self._line, self._maker.doubtful)

    def state(self) -> bytes:
        return msgspec.json.encode(_State(last=self._maker.last))

    def _line(self, at: int, line: bytes) -> Event | Told:
        if at == 0:
            line = line.removeprefix(BYTE_ORDER_MARK)
        return self._text(at, decodable(line)) if line.strip() else Told.PASSED

    @abstractmethod
    def _text(self, at: int, text: str) -> Event | Told:
        """What one line says."""


class _LinesDecoder(_Described):
    """Lines by a pattern."""

    def __init__(self, found: Lines, maker: EventMaker) -> None:
        self._pattern = _compiled(found.pattern, "pattern")
        self._ignore = _compiled(found.ignore, "ignore") if found.ignore is not None else None
        groups = frozenset(self._pattern.groupindex)
        needed = {choice.field for choice in choices_of(found).values() if isinstance(choice, Choice)}
        for name in sorted(needed - groups):
            raise ConfigError(
                f"the format generic: the pattern has no group {name!r}",
                f"name one (?P<{name}>…)",
                key="pattern",
            )
        targets = groups - (needed - targets_of(found.event))
        check_targets(found.event, targets, "pattern")
        super().__init__(found, maker, targets)

    def _text(self, at: int, text: str) -> Event | Told:
        match = self._pattern.search(text)
        if match is None:
            return Told.PASSED if self._ignore and self._ignore.search(text) else Told.UNREAD
        groups: dict[str, str | None] = match.groupdict()
        return self._maker.make(at, self._targets, groups.get, groups.get)


class _CsvDecoder(_Described):
    """Rows; the columns' names are remembered."""

    def __init__(self, found: Csv, maker: EventMaker, columns: tuple[str, ...]) -> None:
        super().__init__(found, maker, frozenset(found.columns))
        self._delimiter = found.delimiter
        self._header = found.header
        self._wanted = {name: str(column) for name, column in found.columns.items()}
        self._columns = columns

    def state(self) -> bytes:
        return msgspec.json.encode(_State(last=self._maker.last, columns=self._columns))

    def _text(self, at: int, text: str) -> Event | Told:
        values = quoted_cells(text, self._delimiter)
        if values is None:
            return Told.UNREAD
        if not self._header:
            row = {str(number): value for number, value in enumerate(values, start=1)}
        elif not self._columns or tuple(values) == self._columns:
            if not set(self._wanted.values()) <= set(values) or len(values) > MAX_FIELDS:
                return Told.UNREAD
            self._columns = tuple(values)
            return Told.PASSED
        elif len(values) != len(self._columns):
            return Told.UNREAD
        else:
            row = dict(zip(self._columns, values, strict=True))
        if not set(self._wanted.values()) <= row.keys():
            return Told.UNREAD
        return self._maker.make(at, self._targets, lambda name: row[self._wanted[name]], row.get)


class _JsonDecoder(_Described):
    """Objects, one a line."""

    def __init__(self, found: Json, maker: EventMaker) -> None:
        super().__init__(found, maker, frozenset(found.fields))
        self._paths = found.fields

    def _text(self, at: int, text: str) -> Event | Told:
        try:
            row = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return Told.UNREAD
        if not isinstance(row, dict):
            return Told.UNREAD
        return self._maker.make(
            at, self._targets, lambda name: _at_path(row, self._paths[name]), lambda path: _at_path(row, path)
        )


def _compiled(pattern: str, key: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_PATTERN_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        reason = (
            exc.args[0].decode("utf-8", "replace")
            if exc.args and isinstance(exc.args[0], bytes)
            else str(exc)
        )
        raise ConfigError(
            f"the format generic: {pattern!r} is no pattern: {reason}",
            "write it in RE2's dialect, which has no look-around and no back-references",
            key=key,
        ) from exc


def _at_path(row: object, path: str) -> str | None:
    """What stands at a path, as text; lists of plain values with spaces between."""
    found = row
    for part in path.split("."):
        if isinstance(found, dict):
            found = found.get(part)
        elif isinstance(found, list) and part.isascii() and part.isdecimal() and int(part[:9]) < len(found):
            found = found[int(part[:9])]
        else:
            return None
    if isinstance(found, list):
        return " ".join(filter(None, (_plain(one) for one in found)))
    return _plain(found)


def _plain(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int):
        return str(value) if abs(value) < _LARGEST else None
    return value if isinstance(value, str) else None
