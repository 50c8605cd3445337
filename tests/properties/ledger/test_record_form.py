"""The form of a record is checked on its text; to write the record again and compare comes to the same."""

import json
import os
import random
import re
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from postwarden.errors import LedgerError
from postwarden.ledger.record import MAX_DEPTH, MAX_LINE, record_form

counted = settings(max_examples=2000 if os.environ.get("POSTWARDEN_LONG") else 300)

TIME = "2026-11-22T09:30:00.000000Z"
ENVELOPE = {"v": 1, "kind": "heartbeat", "time": TIME, "run": "r", "actor": "a", "agent": "0"}
#: What a mutation puts in: everything that JSON spells in more than one way, and its neighbours.
PIECES = (
    '"', "\\", '\\"', "\\\\", "\\/", "/", " ", ":", ",", "{", "}", "[", "]", "-0", "-", "0", "01", "1e3", "1.5",
    "true", "null", "NaN", "-Infinity", "\\u0022", "\\u005c", "\\u0041", "\\u007f", "\\u007e", "\\u0000", "\\u001f",
    "\\u0008", "\\u000b", "\\u00E9", "\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\b", "\\n", "\\x",
    '"a":0,', '"a":{},', '"v":1,', '{"a":0,"a":0}', '{"b":0,"a":0}', "[[]]", "\n", "\t", "\x7f", "é",
)  # fmt: skip
RECORD = json.dumps(
    ENVELOPE | {"deep": [{"a": 'é😀\\"/ \x07\x7f', "b": {"c": -7, "d": [True, None]}}], "text": "a, b: {c}"},
    sort_keys=True,
    separators=(",", ":"),
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def written_again(line: bytes) -> bool:
    """Whether a line is a record, by the definition: it is what the one encoder makes of what it says."""

    def refuse(text: str) -> None:
        raise ValueError(text)

    try:
        text = line.decode("ascii")
        record = json.loads(text, parse_float=refuse, parse_constant=refuse)
        if json.dumps(record, sort_keys=True, separators=(",", ":")) != text:
            return False
        json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    if len(line) > MAX_LINE or not isinstance(record, dict) or depth(record) > MAX_DEPTH:
        return False
    words = (record.get(name) for name in ("run", "actor", "agent"))
    return (
        type(record.get("v")) is int
        and record["v"] == 1
        and record.get("time") == TIME
        and isinstance(record.get("kind"), str)
        and re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", record["kind"]) is not None
        and all(isinstance(word, str) and word for word in words)
    )


def taken(line: bytes) -> bool:
    with suppress(LedgerError):
        record_form(line)
        return True
    return False


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A record with up to four pieces put in, in place of none or some of its characters."""
    text = RECORD
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(PIECES)) + text[end:]
    return text.encode()


@counted
@given(mutated())
@example(RECORD.encode())
@example(b" " + RECORD.encode())
@example(RECORD.encode() + b" ")
@example(RECORD.replace('"v":1', '"v":1,"v":1').encode())
@example(RECORD.replace("-7", "-0").encode())
def test_a_mutated_record(line: bytes) -> None:
    """A line is taken if, and only if, writing its record again gives the same line."""
    if b'"time":"' + TIME.encode() + b'"' in line:
        assert taken(line) == written_again(line)


def test_many_mutated_records() -> None:
    """The same for as many random mutations as time allows."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    accepted = 0
    for _ in range(200_000 if os.environ.get("POSTWARDEN_LONG") else 20_000):
        text = RECORD
        for _ in range(choose.choice((1, 1, 2, 3))):
            start = choose.randrange(len(text) + 1)
            text = text[:start] + choose.choice(PIECES) + text[start + choose.choice((0, 0, 1, 2)) :]
        line = text.encode()
        if TIME.encode() in line:
            assert taken(line) == written_again(line), line
            accepted += taken(line)
    assert accepted > 500
