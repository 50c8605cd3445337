"""Where log lines go, and the loggers whose lines they are."""

import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

import structlog

from postwarden.logs.redaction import Redactor

#: Priorities of syslog, which journald takes from the start of a line.
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}
#: journald cuts a line of stderr at 48 KiB.
MAX_LINE = 40_000

Event = dict[str, Any]


class Sink:
    """Writes one event a line. `stream` None is whatever stderr is then."""

    def __init__(self, redactor: Redactor, *, as_json: bool, stream: TextIO | None) -> None:
        self._redactor, self._as_json, self._stream = redactor, as_json, stream
        self._lock = threading.Lock()

    def render(self, _logger: object, _method: str, event: Mapping[str, Any]) -> str:
        """The last of structlog's processors: takes secrets out, and makes a line of what remains."""
        given = dict(event)
        info = given.pop("exc_info", None)
        if "part" in given and "logger" not in given:
            given["logger"] = given.pop("part")
        told = self._redactor.fields(given)
        trace = self._trace(info)
        if trace:
            told["exception"] = trace
        line = _json_line(told) if self._as_json else _plain_line(told)
        return _priority(str(told.get("level")), self._out()) + line

    def msg(self, line: str) -> None:
        """What structlog calls with each line; a stream that is closed or full loses it, and nothing else."""
        out = self._out()
        with self._lock:
            try:
                out.write(line + "\n")
                out.flush()
            except (OSError, ValueError):
                return

    debug = info = warning = error = critical = exception = msg

    def _out(self) -> TextIO:
        return self._stream if self._stream is not None else sys.stderr

    def _trace(self, info: Any) -> str | None:
        if isinstance(info, BaseException):
            info = type(info), info, info.__traceback__
        elif info and not isinstance(info, tuple):
            info = sys.exc_info()
        if not info or info[0] is None or info[1] is None:
            return None
        return self._redactor.failure(*info)


class _Foreign(logging.Handler):
    """Libraries' own records, in the same form as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        event: Event = {
            "logger": record.name,
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        _LOGGER.write(event, getattr(record, "withheld_trace", None))


class _Writer:
    """What stands behind the handler, which a later `configure` may change."""

    sink: Sink | None = None

    def write(self, event: Event, trace: str | None) -> None:
        if self.sink is not None:
            stamped = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")(None, "", event)
            if trace:
                stamped["exception"] = trace
            self.sink.msg(self.sink.render(None, "", stamped))


_LOGGER = _Writer()


def configure(redactor: Redactor, *, as_json: bool, stream: TextIO | None) -> None:
    sink = Sink(redactor, as_json=as_json, stream=stream)
    _ours(sink)
    _LOGGER.sink = sink
    logging.setLogRecordFactory(_factory(redactor))
    for known in list(logging.root.manager.loggerDict.values()):
        if isinstance(known, logging.Logger):
            # A library's own handler would write past ours.
            known.handlers = [one for one in known.handlers if isinstance(one, logging.NullHandler)]
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda given: _uncaught(given.exc_type, given.exc_value, given.exc_traceback)


def get(redactor: Redactor, name: str) -> Any:
    if not structlog.is_configured():
        # Nobody set it up yet: for people, and without secrets all the same.
        _ours(Sink(redactor, as_json=False, stream=None))
    return structlog.get_logger(part=name)


def _ours(sink: Sink) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            sink.render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )


def _factory(redactor: Redactor) -> Any:
    """Makes records without secrets, so that no handler of whoever it may be has them.

    The traceback is text already: values that it would be made of are not handed on.
    """

    def make(*given: Any, **more: Any) -> logging.LogRecord:
        record = logging.LogRecord(*given, **more)
        try:
            message = record.getMessage()
        except Exception as exc:  # noqa: BLE001 - a library's arguments may not fit its own message
            message = f"a record of {record.name} that cannot be shown: {type(exc).__name__}"
        record.msg, record.args = redactor.text(message), ()
        if record.exc_info and record.exc_info[0] is not None:
            trace = redactor.failure(*record.exc_info)
            record.exc_text = record.withheld_trace = trace
        record.exc_info = None
        if record.stack_info:
            record.stack_info = redactor.text(record.stack_info, lines=True)
        return record

    return make


def _uncaught(kind: type[BaseException], exc: BaseException | None, trace: TracebackType | None) -> None:
    if exc is None or issubclass(kind, SystemExit | KeyboardInterrupt):
        return
    structlog.get_logger(part="postwarden").critical("uncaught", exc_info=(kind, exc, trace))


def _json_line(told: Event) -> str:
    line = json.dumps(told)
    if len(line) <= MAX_LINE:
        return line
    short = {key: told[key] for key in ("time", "level", "logger", "event", "exception") if key in told}
    line = json.dumps({**short, "cut": True})
    return (
        line
        if len(line) <= MAX_LINE
        else json.dumps({key: str(value)[-2_000:] for key, value in short.items()})
    )


def _plain_line(told: Event) -> str:
    start = " ".join(str(told.get(key, "-")) for key in ("time", "level", "logger"))
    more = [
        f"{key}={value if isinstance(value, str) and value and ' ' not in value else json.dumps(value, ensure_ascii=False)}"
        for key, value in told.items()
        if key not in {"time", "level", "logger", "event", "exception"}
    ]
    trace = "\n  " + told["exception"].replace("\n", "\n  ") if "exception" in told else ""
    return " ".join([f"{start}: {told.get('event', '')}", *more]) + trace


def _priority(level: str, out: TextIO) -> str:
    """`<3>` before an error, where journald reads our stderr; see sd-daemon(3)."""
    place = os.environ.get("JOURNAL_STREAM")
    if not place:
        return ""
    try:
        status = os.fstat(out.fileno())
    except (OSError, ValueError):
        return ""
    return f"<{_PRIORITIES.get(level, 6)}>" if place == f"{status.st_dev}:{status.st_ino}" else ""
