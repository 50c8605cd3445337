"""The records that the ledger reads itself: they say what became of its keys, its blobs and its old records.

Everybody may read them; that they are signed is what makes a missing blob or segment erased rather than lost.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from postwarden.errors import LedgerError

KEY_EPOCH = "key_epoch"
BLOBS_KEPT = "blobs_kept"
BLOBS_ERASED = "blobs_erased"
RECORDS_PRUNED = "records_pruned"
LEDGER_OPENED = "ledger_opened"

_BLOB = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeyEpoch:
    """The number and verifier key of the epoch that begins after this record, and the record's time."""

    epoch: int
    verifier_key: str
    time: str


@dataclass(frozen=True, slots=True)
class Blobs:
    """Blobs that were kept with this commit, or that `actor` had erased at `time`."""

    erased: bool
    names: tuple[str, ...]
    actor: str
    time: str


@dataclass(frozen=True, slots=True)
class RecordsPruned:
    """The records before `stop`, whole segments, were removed, or are about to be; their hashes stay.

    `before` is what the first record said, which is among them.
    """

    stop: int
    actor: str
    time: str
    before: "Before | None" = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A ledger's first record: its origin, its first key, and the ledger that it goes on for, if it does."""

    origin: str
    verifier_key: str
    before: "Before | None"


@dataclass(frozen=True, slots=True)
class Before:
    """Where a ledger ended that another one goes on for: origin, size, root in base64, first verifier key, folder."""

    origin: str
    size: int
    root: str
    verifier_key: str
    folder: str


OwnRecord = KeyEpoch | Blobs | RecordsPruned | Opened

_MARKS = tuple(
    f'"kind":"{kind}"'.encode()
    for kind in (KEY_EPOCH, BLOBS_KEPT, BLOBS_ERASED, RECORDS_PRUNED, LEDGER_OPENED)
)


def read_own(line: bytes) -> OwnRecord | None:
    """What a sound record says if it is one of these kinds, else `None`; LedgerError where a field is not as it must be."""
    if not any(mark in line for mark in _MARKS):
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise LedgerError(f"a record is not json: {exc}") from exc
    if not isinstance(record, dict):
        raise LedgerError("a record is not a json object")
    try:
        match record["kind"]:
            case "key_epoch":
                return KeyEpoch(
                    _number(record, "epoch"), _text(record, "verifier_key"), _text(record, "time")
                )
            case "blobs_kept" | "blobs_erased" as kind:
                return Blobs(
                    kind == BLOBS_ERASED, _names(record), _text(record, "actor"), _text(record, "time")
                )
            case "records_pruned":
                return RecordsPruned(
                    _number(record, "stop"), _text(record, "actor"), _text(record, "time"), _before(record)
                )
            case "ledger_opened":
                return Opened(_text(record, "origin"), _text(record, "verifier_key"), _before(record))
            case _:
                return None
    except KeyError as exc:
        raise LedgerError(f"a {record.get('kind')} record has no {exc.args[0]}") from exc


def _text(record: dict[str, Any], name: str) -> str:
    value = record[name]
    if not isinstance(value, str):
        raise LedgerError(f"the {name} of a record is not a text")
    return value


def _number(record: dict[str, Any], name: str) -> int:
    value = record[name]
    if type(value) is not int or value < 0:
        raise LedgerError(f"the {name} of a record is not a number")
    return value


def _names(record: dict[str, Any]) -> tuple[str, ...]:
    names = record["blobs"]
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _BLOB.fullmatch(name) for name in names
    ):
        raise LedgerError("the blobs of a record are not names of blobs")
    return tuple(names)


def _before(record: dict[str, Any]) -> Before | None:
    value = record.get("before")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise LedgerError("what a ledger goes on for is not an object")
    return Before(
        _text(value, "origin"),
        _number(value, "size"),
        _text(value, "root"),
        _text(value, "verifier_key"),
        _text(value, "folder"),
    )
