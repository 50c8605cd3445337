"""Every value of the model survives its encoding, and every line has the one form that the ledger takes."""

import json
from datetime import datetime
from types import NoneType
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.ledger.record import MAX_LINE, record_form
from postwarden.model import moment
from postwarden.model.encoding import decodable, encodable, encode
from postwarden.model.evidence import Evidence
from postwarden.model.record import AnyRecord, Record
from tests.properties.model.values import moments, texts, types_within, values

EVIDENCE: tuple[type[msgspec.Struct], ...] = get_args(Evidence)
RECORDS: tuple[type[Record], ...] = get_args(AnyRecord)

trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
quick = settings(max_examples=30)


@settings(max_examples=200)
@given(trees)
def test_any_value_is_written_as_the_standard_library_writes_it(value: object) -> None:
    """The line is what Python's own json module gives with sorted keys, and it reads back to the same."""
    line = encode(value)
    assert line == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    assert all(0x20 <= byte < 0x7F for byte in line)
    assert json.loads(line) == msgspec.json.decode(line) == value


@given(st.text())
def test_any_foreign_text_can_be_written(text: str) -> None:
    """Text with lone surrogates in it is made writable, and other text is not touched."""
    made = encodable(text)
    assert json.loads(encode(made)) == made
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert made == text


@given(st.binary())
def test_any_foreign_bytes_can_be_written(raw: bytes) -> None:
    """Whatever bytes a server sends become text that can be recorded."""
    assert json.loads(encode(decodable(raw))) == decodable(raw)


@pytest.mark.parametrize("kind", EVIDENCE, ids=lambda one: one.__name__)
def test_evidence_survives_its_encoding(kind: type[msgspec.Struct]) -> None:
    """Any evidence of any kind reads back as what it was, by its `kind` alone."""

    @quick
    @given(values(kind))
    def survives(value: msgspec.Struct) -> None:
        line = encode(value)
        assert msgspec.json.decode(line, type=Evidence) == value
        assert json.loads(line)["kind"] == kind.__struct_config__.tag

    survives()


@pytest.mark.parametrize("kind", RECORDS, ids=lambda one: one.__name__)
def test_records_survive_their_encoding_and_have_the_ledgers_form(kind: type[Record]) -> None:
    """Any record of any kind reads back as what it was, and the ledger takes its line as it is."""

    @quick
    @given(values(kind), moments, texts.filter(bool))
    def survives(value: Record, time: datetime, name: str) -> None:
        record = msgspec.structs.replace(value, v=1, time=moment.text(time), run=name, actor=name, agent=name)
        line = encode(record)
        assert msgspec.json.decode(line, type=AnyRecord) == record
        if len(line) <= MAX_LINE:
            record_form(line)

    survives()


@pytest.mark.parametrize("kind", [*EVIDENCE, *RECORDS], ids=lambda one: one.__name__)
def test_no_type_holds_a_float(kind: type[msgspec.Struct]) -> None:
    """Nothing that can be recorded holds a number whose spelling depends on who writes it."""
    held = types_within(kind, set())
    assert held <= {str, int, bool, NoneType, datetime}
    assert str in held


@pytest.mark.parametrize("kind", RECORDS, ids=lambda one: one.__name__)
def test_an_unknown_field_of_a_record_is_refused(kind: type[Record]) -> None:
    """A record with a field that we do not know is not read as if it had none."""

    @settings(max_examples=5)
    @given(values(kind))
    def refused(value: Record) -> None:
        tree: dict[str, Any] = json.loads(encode(value))
        with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
            msgspec.convert(tree | {"colour": "red"}, AnyRecord)

    refused()


@given(moments)
def test_any_time_reads_back_as_it_was(time: datetime) -> None:
    """A time in a record has one form, and is the same point in time when it is read."""
    text = moment.text(time)
    assert moment.parse(text) == time
    assert moment.text(moment.parse(text)) == text
    assert len(text) == len("2026-11-23T09:30:00.000000Z")
