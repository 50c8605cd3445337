"""The options of a log that the administrator describes, checked when it is opened."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from postwarden.errors import ConfigError
from postwarden.formats.server_logs.option_types import options_of
from postwarden.model.event import Protocol, Stage

#: A value that says that the line is of no interest.
NO_INTEREST = "pass"

TEXTS = {
    "access": ("name", "session", "identity", "method", "client", "application", "reason"),
    "transfer": ("sender", "message_id", "name", "queue"),
}
ADDRESSES = {"access": ("address", "server", "forwarded"), "transfer": ("address",)}
NUMBERS = {
    "access": (
        "port",
        "attempts",
        "bytes_in",
        "bytes_out",
        "bodies",
        "body_bytes",
        "headers",
        "header_bytes",
        "deleted",
        "expunged",
    ),
    "transfer": ("size",),
}
TIMES = {"access": ("time", "ended"), "transfer": ("time",)}
FLAGS = {"access": ("encrypted",), "transfer": ()}
LISTS = {"access": (), "transfer": ("recipients",)}
_REQUIRED = {"access": ("time", "name"), "transfer": ("time", "recipients")}
_WORDS: dict[str, tuple[str, ...]] = {
    "protocol": get_args(Protocol),
    "stage": get_args(Stage),
    "outcome": ("delivered", "deferred", "failed", "expanded", "received"),
    "direction": ("in", "out", "local"),
}
_CHOICES = {"access": ("protocol", "stage"), "transfer": ("outcome", "direction")}
_NEEDED = {"access": ("protocol", "stage"), "transfer": ("outcome",)}


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A word by what a field of the log says, in any case; a value that is not listed makes the line unread."""

    field: str
    values: dict[str, str]


class Common(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every kind of description has."""

    event: Literal["access", "transfer"]
    time_format: str = "iso"
    protocol: str | Choice | None = None
    stage: str | Choice | None = None
    outcome: str | Choice | None = None
    direction: str | Choice | None = None


class Lines(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="lines"):
    """Each line by a pattern; lines that `ignore` finds are of no interest."""

    pattern: str
    ignore: str | None = None


class Csv(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="csv"):
    """Each line as a row; columns by name, or from 1 on where there is no header."""

    columns: dict[str, str | int]
    header: bool = True
    delimiter: str = ","


class Json(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="json"):
    """Each line as an object; fields by their path."""

    fields: dict[str, str]


Described = Lines | Csv | Json


def described(given: dict[str, object]) -> Described:
    """The description, as far as it can be checked without the log; raises ConfigError with the option's name."""
    found: Described = options_of("generic", given, Described)
    _check_time_format(found.time_format)
    for name in _WORDS:
        choice: str | Choice | None = getattr(found, name)
        if choice is None:
            if name in _NEEDED[found.event]:
                raise _wrong(
                    name, f"an event of the kind {found.event} needs it", f"give {name} a word or a table"
                )
            continue
        if name not in _CHOICES[found.event]:
            raise _wrong(name, f"an event of the kind {found.event} has none", "remove it")
        _check_choice(name, choice)
    if isinstance(found, Csv):
        _check_csv(found)
    if isinstance(found, Json):
        check_targets(found.event, found.fields, "fields")
    return found


def choices_of(found: Described) -> dict[str, str | Choice]:
    """The words that the description gives, constant or by a field."""
    told = {name: getattr(found, name) for name in _WORDS}
    return {name: choice for name, choice in told.items() if choice is not None}


def targets_of(event: str) -> frozenset[str]:
    """The names that a line's fields may have for an event."""
    return frozenset().union(*(names[event] for names in (TEXTS, ADDRESSES, NUMBERS, TIMES, FLAGS, LISTS)))


def check_targets(event: str, names: Iterable[str], key: str) -> None:
    """Raises ConfigError for a name that no event has, and where one that it needs is missing."""
    given = set(names)
    known = targets_of(event)
    for name in sorted(given - known):
        raise _wrong(
            f"{key}.{name}",
            f"an event of the kind {event} has no {name!r}",
            f"known: {', '.join(sorted(known))}",
        )
    for name in _REQUIRED[event]:
        if name not in given:
            raise _wrong(
                key, f"it gives no {name!r}, which an event of the kind {event} needs", f"add {name}"
            )


def _check_choice(name: str, choice: str | Choice) -> None:
    words = [choice] if isinstance(choice, str) else list(choice.values.values())
    allowed = _WORDS[name] if isinstance(choice, str) else (*_WORDS[name], NO_INTEREST)
    for word in words:
        if word not in allowed:
            raise _wrong(name, f"{word!r} is none of its words", f"known: {', '.join(allowed)}")
    if isinstance(choice, Choice):
        folded = [value.casefold() for value in choice.values]
        if not folded or len(set(folded)) != len(folded):
            raise _wrong(
                f"{name}.values", "it has no value, or one twice", "list each value once, in any case"
            )


def _check_csv(found: Csv) -> None:
    if len(found.delimiter) != 1 or found.delimiter in '"\r\n':
        raise _wrong(
            "delimiter", f"{found.delimiter!r} cannot be one", "give one character, such as ; or \\t"
        )
    check_targets(found.event, found.columns, "columns")
    for name, column in found.columns.items():
        if (
            isinstance(column, str) is not found.header
            or column in {0, ""}
            or (isinstance(column, int) and column < 1)
        ):
            raise _wrong(
                f"columns.{name}",
                f"{column!r} names no column",
                "give names with a header, and numbers from 1 on without one",
            )
    if not found.header:
        for word, choice in choices_of(found).items():
            if isinstance(choice, Choice) and not re.fullmatch(r"[1-9]\d{0,3}", choice.field, re.ASCII):
                raise _wrong(f"{word}.field", f"{choice.field!r} is no column", "give its number in quotes")


def _check_time_format(text: str) -> None:
    if text in {"iso", "unix", "unix_ms"}:
        return
    try:
        # What it writes it must read again; a time without a year is not one.
        said = datetime(2024, 2, 29, 23, 58, 59).strftime(text)  # noqa: DTZ001 - a time as it stands in a log
        read = datetime.strptime(said, text)  # noqa: DTZ007 - as above
    except ValueError as exc:
        raise _wrong(
            "time_format", f"{text!r}: {exc}", "iso, unix, unix_ms, or a format of strptime"
        ) from exc
    if (read.year, read.month, read.day, read.hour, read.minute) != (2024, 2, 29, 23, 58):
        raise _wrong(
            "time_format", f"{text!r} leaves out a part of the time", "name year, month, day, hour and minute"
        )


def _wrong(key: str, message: str, hint: str) -> ConfigError:
    return ConfigError(f"the format generic: {message}", hint, key=key)
