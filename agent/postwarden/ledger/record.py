"""The form that every record must have, whatever its kind.

A record is one line of 1 to 65,535 printable ASCII characters: a JSON object (RFC 8259) with sorted keys,
without white space, duplicate keys or floats, each character beyond 0x7E written as `\\uXXXX` in lower case.
There is one spelling for each value, so whoever reads a record with another parser reads the same.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from postwarden.errors import LedgerError

MAX_LINE = 65_535
#: A fixed bound, so that a record that one process can read is not too deep for the stack of another.
MAX_DEPTH = 64

_NOT_JSON = "a record is not json as the ledger writes it"
_PRINTABLE = re.compile(rb"[ -~]*")
#: Text whose escapes are those that the ledger writes: `\u` only for what has no shorter spelling.
_ESCAPES = re.compile(r"""[^\\]*+(?:\\(?:["\\bfnrt]|u(?!00(?:[2-6].|7[^f]|0[89acd]))[0-9a-f]{4})[^\\]*+)*+""")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_KIND = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def record_form(line: bytes) -> str:
    """Check the form of one record, a line without its line feed, and give its kind.

    LedgerError says what is wrong with it. The spelling is checked on the text itself, which costs less than to write the record again and compare.
    """
    if not line:
        raise LedgerError("a record is empty")
    if len(line) > MAX_LINE:
        raise LedgerError(f"a record is longer than {MAX_LINE} bytes")
    if not _PRINTABLE.fullmatch(line):
        raise LedgerError("a record holds bytes that are not printable ascii")
    text = line.decode("ascii")
    if text[0] == " " or text[-1] == " ":
        raise _other_spelling()
    try:
        record, end = _decoder.raw_decode(text)
    except (ValueError, RecursionError) as exc:
        raise LedgerError(f"{_NOT_JSON}: {_reason(exc)}") from exc
    if end != len(text):
        raise LedgerError(f"{_NOT_JSON}: something follows it")
    if not isinstance(record, dict):
        raise LedgerError("a record is not a json object")
    outside = _outside_of_strings(text)
    # No number is a fraction, so that `-0` can only be another spelling of 0.
    if " " in outside or "-0" in outside:
        raise _other_spelling()
    if _count_names(record, 1) != outside.count(":"):
        raise LedgerError(f"{_NOT_JSON}: an object has the same key twice")
    if "\\ud" in text and _SURROGATE.search(json.dumps(record, ensure_ascii=False)):
        raise LedgerError("a record holds half of a surrogate pair")
    return _check_envelope(record)


@lru_cache(maxsize=16)  # the records of a commit share a time or two
def check_time(text: str) -> None:
    """Check a time as records have it, `2026-11-22T09:30:00.000000Z`: UTC, microseconds, a real moment."""
    hint = "write times like 2026-11-22T09:30:00.000000Z"
    if not _TIME.fullmatch(text):
        raise LedgerError("a time is not in utc with microseconds", hint)
    try:
        datetime.fromisoformat(text[:-1])
    except ValueError as exc:
        raise LedgerError("a time is not on the calendar or the clock", hint) from exc


def _check_envelope(record: dict[str, Any]) -> str:
    if type(record.get("v")) is not int or record["v"] != 1:
        raise LedgerError("a record's v is not 1", "a newer postwarden may have written it")
    kind = record.get("kind")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise LedgerError("a record's kind is not a word in snake case")
    time = record.get("time")
    if not isinstance(time, str):
        raise LedgerError("a record has no time")
    check_time(time)
    for name in ("run", "actor", "agent"):
        value = record.get(name)
        if not isinstance(value, str) or not value:
            raise LedgerError(f"a record has no {name}")
    return kind


def _outside_of_strings(text: str) -> str:
    """What of a JSON text is in no string: braces, brackets, commas, colons, numbers, literals, white space."""
    if "\\" in text:
        if not _ESCAPES.fullmatch(text):
            raise _other_spelling()
        text = text.replace("\\\\", "").replace('\\"', "")
    return "".join(text.split('"')[::2])


def _count_names(value: dict[str, Any] | list[Any], depth: int) -> int:
    """How many names the objects in a value have, if each object's are in order and no level is too deep."""
    if depth > MAX_DEPTH:
        raise LedgerError(f"a record is nested deeper than {MAX_DEPTH} levels")
    children: Iterable[Any] = value
    count = 0
    if isinstance(value, dict):
        if list(value) != sorted(value):
            raise _other_spelling()
        count, children = len(value), value.values()
    for child in children:
        if type(child) is dict or type(child) is list:
            count += _count_names(child, depth + 1)
    return count


def _other_spelling() -> LedgerError:
    return LedgerError(
        "a record is not in its canonical spelling: sorted keys, no white space, lower-case escapes"
    )


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _reason(exc: Exception) -> str:
    if isinstance(exc, RecursionError):
        return "it is nested too deeply"
    return str(exc).lower() if isinstance(exc, json.JSONDecodeError) else str(exc)


_decoder = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number)
