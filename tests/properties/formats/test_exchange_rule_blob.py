"""Stored rules of Exchange for arbitrary bytes."""

import os
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.formats.exchange_rule_blob import Form, RuleBlobError, read_actions, read_condition
from postwarden.mailflow.wording import condition_text
from postwarden.model.encoding import encode

EXAMPLES = 3000 if os.environ.get("POSTWARDEN_LONG") else 300
FORMS = st.sampled_from(["standard", "extended"])

# Pieces that rules are made of, so that random ones come far enough to mean something.
PIECES = st.sampled_from(
    [
        *(bytes([kind]) for kind in range(12)),
        *(struct.pack("<H", number) for number in (0, 1, 2, 0x101F, 0xFFFF)),
        *(struct.pack("<I", number) for number in (0, 1, 2, 0x10001, 0xFFFFFFFF)),
        *(
            struct.pack("<HH", kind, 0x3003)
            for kind in (1, 2, 3, 4, 5, 0xB, 0x14, 0x1E, 0x1F, 0x40, 0x48, 0x102)
        ),
        *(struct.pack("<HH", 0x1000 | kind, 0x0037) for kind in (1, 3, 0x1E, 0x1F, 0x102)),
        b"x@y.example\0",
        "x@y.example\0".encode("utf-16-le"),
        b"\0\xd8\0\0",
        bytes(16),
    ]
)
HEADERS = st.sampled_from([b"", b"\0\0", b"\0\0\1\0\0\0", b"\0\0\1\0\0\0\1\0\0\0", b"\1\0"])


def offset_of(error: RuleBlobError | None) -> int:
    return 0 if error is None else error.offset


def survives(raw: bytes, form: Form) -> None:
    """Bytes are something that can be recorded and shown, or our own error with an offset inside them."""
    error: RuleBlobError | None = None
    try:
        encode(read_actions(raw, form))
    except RuleBlobError as exc:
        error = exc
    assert 0 <= offset_of(error) <= len(raw)
    error = None
    try:
        read = read_condition(raw, form)
        encode(read)
        assert condition_text(read.condition)
    except RuleBlobError as exc:
        error = exc
    assert 0 <= offset_of(error) <= len(raw)


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=500), FORMS)
def test_any_bytes(raw: bytes, form: Form) -> None:
    """Any bytes are a rule or our own error, and never another exception."""
    survives(raw, form)


@settings(max_examples=5 * EXAMPLES)
@given(HEADERS, st.lists(PIECES | st.binary(max_size=2), max_size=40).map(b"".join), FORMS)
def test_any_pieces(header: bytes, rest: bytes, form: Form) -> None:
    """Pieces of rules in any order are a rule or our own error, and never another exception."""
    survives(header + rest, form)


@settings(max_examples=5 * EXAMPLES)
@given(st.integers(1, 11), st.integers(0, 8), st.lists(PIECES, max_size=20).map(b"".join), FORMS)
def test_any_action_data(kind: int, flavor: int, data: bytes, form: Form) -> None:
    """Any data of any type of action are a rule or our own error, and never another exception."""
    block = struct.pack("<BII", kind, flavor, 0) + data
    width = "<I" if form == "extended" else "<H"
    header = b"\0\0\1\0\0\0" if form == "extended" else b""
    survives(header + struct.pack(width, 1) + struct.pack(width, len(block)) + block, form)


@settings(max_examples=EXAMPLES // 10)
@given(PIECES, st.integers(1, 100_000), FORMS)
def test_repeated_pieces(piece: bytes, times: int, form: Form) -> None:
    """However often a piece is repeated, it is a rule or our own error."""
    survives((b"\0\0" + piece * times)[: 1 << 18], form)
