"""JSON from others: what is refused before it is read."""

import tracemalloc

import pytest
from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.json_text import MAX_BYTES, MAX_DEPTH, MAX_MARKS, JsonError


class One(Struct):
    name: str = ""


def test_a_text_becomes_a_value() -> None:
    """What fits the type is read; more than the type has is left out."""
    assert json_text.parse(b'{"name":"a","more":[1,{"x":null}]}', One) == One("a")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no JSON"),
        (b"<html></html>", "no JSON"),
        (b'{"name":', "no JSON"),
        (b'{"name":"a"}{"name":"b"}', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b'{"name":"a","name":"b"}', "a key twice"),
        (b'{"x":[{"y":{"z":1,"z":1}}]}', "a key twice"),
        (b'{"name":5}', "another form"),
        (b"[]", "another form"),
        (b'{"x":NaN}', "NaN for a number"),
        (b'{"x":-Infinity}', "-Infinity for a number"),
        (b'{"x":' + b"9" * 5_000 + b"}", "no JSON"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "too many levels"),
        (b'{"a":[' * 40 + b"1" + b"]}" * 40, "too many levels"),
        (b"[" * 100_000 + b"]" * 100_000, "too many levels"),
        (b"[" * 100_000, "too many levels"),
    ],
)
def test_what_is_odd_is_refused(raw: bytes, words: str) -> None:
    """Other text, keys that stand there twice, depth and odd numbers are errors, and never crash."""
    with pytest.raises(JsonError, match=words) as caught:
        json_text.parse(raw, One)
    assert caught.value.reason == "malformed"


def test_the_limits_are_where_they_are_said_to_be() -> None:
    """The deepest text that may be read is read, and one that is too large is refused unread."""
    deepest = b'{"a":' * (MAX_DEPTH - 1) + b"{}" + b"}" * (MAX_DEPTH - 1)
    json_text.look(deepest)
    with pytest.raises(JsonError):
        json_text.look(b'{"a":' + deepest + b"}")
    with pytest.raises(JsonError, match="more than"):
        json_text.look(b" " * (MAX_BYTES + 1))


@pytest.mark.parametrize("entry", [b"[],", b"{},", b"0,"])
def test_many_small_entries_are_refused_before_they_cost_memory(entry: bytes) -> None:
    """A text of nothing but empty lists, objects or digits is counted, and not taken apart."""
    raw = b"[" + entry * (MAX_MARKS // (1 if entry == b"0," else 2)) + b"0]"
    tracemalloc.start()
    try:
        with pytest.raises(JsonError, match="entries"):
            json_text.look(raw)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_no_message_has_the_text() -> None:
    """What somebody wrote is not in the error."""
    with pytest.raises(JsonError) as caught:
        json_text.parse(b'{"name": swordfish}', One)
    assert "swordfish" not in str(caught.value)
