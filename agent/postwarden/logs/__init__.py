"""What the program says while it runs: events with fields, as JSON or for people, on stderr, without secrets.

Everything takes one way: our own events, those of libraries' loggers, warnings, and exceptions that nobody caught.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from postwarden.logs.redaction import Redactor

__all__ = ["conceal", "configure", "failure", "get", "redacted"]


@cache
def _redactor() -> "Redactor":
    """The one of this process; loaded when it is asked for, since every command imports this package."""
    from postwarden.logs.redaction import Redactor

    return Redactor()


def conceal(value: str) -> None:
    """Takes `value` for a secret from now on."""
    _redactor().conceal(value)


def redacted(text: str, *, lines: bool = False) -> str:
    """The text as it may be logged; with `lines`, line ends stay."""
    return _redactor().text(text, lines=lines)


def failure(exc: BaseException) -> str:
    """The traceback of a failure as it may be shown."""
    return _redactor().failure(type(exc), exc, exc.__traceback__)


def configure(*, json: bool, stream: TextIO | None = None) -> None:
    """Sets up all logging of the process, onto `stream` (default: stderr); libraries' own loggers from warnings on."""
    from postwarden.logs import sink

    sink.configure(_redactor(), as_json=json, stream=stream)


def get(name: str) -> Any:
    """The logger of one part of the program: `get("daemon").info("started", accounts=12)`."""
    from postwarden.logs import sink

    return sink.get(_redactor(), name)
