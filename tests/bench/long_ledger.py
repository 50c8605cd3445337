"""A long ledger for the cases that verify and open one."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from postwarden.ledger import segments
from postwarden.ledger.creation import create
from postwarden.ledger.quarantine import Quarantined
from postwarden.ledger.segments import Edge
from postwarden.ledger.store import Ledger, Position

RECORDS = 1_000_000
TIME = "2026-11-23T02:36:00.000000Z"
#: Bytes of each record; the line feed comes beside them.
LENGTH = 500


def one_record() -> bytes:
    """A record of that many bytes with a place for its number: the envelope, a list of objects, a sentence."""
    fields = {
        "actor": "uid 0 (root)",
        "agent": "postwarden/0.1.0",
        "coverage": [
            {"check": check, "source": "imap", "status": "read"} for check in ("folder_acl", "subs")
        ],
        "id": "%026d",
        "kind": "heartbeat",
        "reason": "",
        "run": "0" * 32,
        "time": TIME,
        "v": 1,
    }
    room = LENGTH - len(_encode(fields)) - 22  # the number is 22 characters longer than its place
    return _encode(fields | {"reason": ("a complete read no longer shows it; " * 20)[:room]})


def make(folder: Path, records: int) -> Ledger:
    """A ledger of so many records in `folder`, with its private key beside it."""
    pattern = one_record()
    ledger = create(
        folder / "ledger",
        folder / "private",
        origin="postwarden/bench",
        time=TIME,
        first=lambda _: pattern % 0,
    )
    for start in range(1, records, segments.LENGTH):
        lines = [pattern % number for number in range(start, min(records, start + segments.LENGTH))]
        commit(ledger, lines)
    return ledger


def commit(ledger: Ledger, lines: Sequence[bytes]) -> Edge:
    """Commit lines as they are, and give the hint for the next opening."""
    ledger.commit(partial(_same, lines), recovered=_unexpected)
    return ledger.boundary


def _same(lines: Sequence[bytes], _: Position) -> Sequence[bytes]:
    return lines


def _unexpected(_: Quarantined) -> bytes:
    raise AssertionError("nothing was left by another writer")


def _encode(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
