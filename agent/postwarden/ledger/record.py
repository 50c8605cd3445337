"""The form that every record must have, whatever its kind.

A record is one line of 1 to 65,535 printable ASCII characters: a JSON object (RFC 8259) with sorted keys,
without white space, duplicate keys or floats, each character beyond 0x7E written as `\\uXXXX` in lower case.
There is one spelling for each value, so whoever reads a record with another parser reads the same.
"""

import json
import re
from datetime import datetime
from typing import Any, NoReturn

from postwarden.errors import LedgerError

MAX_LINE = 65_535
#: A fixed bound, so that a record that one process can read is not too deep for the stack of another.
MAX_DEPTH = 64

_PRINTABLE = re.compile(rb"[ -~]*")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_KIND = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_SURROGATE = re.compile("[\ud800-\udfff]")


def record_form(line: bytes) -> None:
    """Check the form of one record, a line without its line feed; LedgerError says what is wrong with it."""
    if not line:
        raise LedgerError("a record is empty")
    if len(line) > MAX_LINE:
        raise LedgerError(f"a record is longer than {MAX_LINE} bytes")
    if not _PRINTABLE.fullmatch(line):
        raise LedgerError("a record holds bytes that are not printable ascii")
    text = line.decode("ascii")
    try:
        record = _decoder.decode(text)
        canonical = _encoder.encode(record)
    except (ValueError, RecursionError) as exc:
        raise LedgerError(f"a record is not json as the ledger writes it: {_reason(exc)}") from exc
    if not isinstance(record, dict):
        raise LedgerError("a record is not a json object")
    if canonical != text:
        _refuse_spelling(text)
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(record) > MAX_DEPTH:
        raise LedgerError(f"a record is nested deeper than {MAX_DEPTH} levels")
    if "\\ud" in text and _SURROGATE.search(json.dumps(record, ensure_ascii=False)):
        raise LedgerError("a record holds half of a surrogate pair")
    _check_envelope(record)


def check_time(text: str) -> None:
    """Check a time as records have it, `2026-11-22T09:30:00.000000Z`: UTC, microseconds, a real moment."""
    hint = "write times like 2026-11-22T09:30:00.000000Z"
    if not _TIME.fullmatch(text):
        raise LedgerError("a time is not in utc with microseconds", hint)
    try:
        datetime.fromisoformat(text[:-1])
    except ValueError as exc:
        raise LedgerError("a time is not on the calendar or the clock", hint) from exc


def _check_envelope(record: dict[str, Any]) -> None:
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


def _refuse_spelling(text: str) -> NoReturn:
    try:
        json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as exc:
        raise LedgerError(f"a record is not json as the ledger writes it: {_reason(exc)}") from exc
    raise LedgerError(
        "a record is not in its canonical spelling: sorted keys, no white space, lower-case escapes"
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("an object has the same key twice")
    return dict(pairs)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not an integer")


def _reason(exc: Exception) -> str:
    if isinstance(exc, RecursionError):
        return "it is nested too deeply"
    return str(exc).lower() if isinstance(exc, json.JSONDecodeError) else str(exc)


def _depth(value: Any) -> int:
    deepest = 0
    pending = [(value, 1)]
    while pending:
        current, depth = pending.pop()
        if isinstance(current, dict | list):
            deepest = max(deepest, depth)
            children = current.values() if isinstance(current, dict) else current
            pending.extend((child, depth + 1) for child in children)
    return deepest


_decoder = json.JSONDecoder(parse_float=_refuse_number, parse_constant=_refuse_number)
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False, allow_nan=False)
