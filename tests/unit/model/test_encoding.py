"""The one encoder."""

import pytest

from postwarden.model.encoding import decodable, encodable, encode


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
        ("caf\u00e9", b'"caf\\u00e9"'),
        ("\U0001f600", b'"\\ud83d\\ude00"'),
        ("\U0010ffff", b'"\\udbff\\udfff"'),
        ("\x7f", b'"\\u007f"'),
        ("~", b'"~"'),
        ("\n\x1f", b'"\\n\\u001f"'),
        ("\uffff", b'"\\uffff"'),
        ('"\\', b'"\\"\\\\"'),
        ({"\u00e9": 1, "z": 2, "\U0001f600": 3}, b'{"z":2,"\\u00e9":1,"\\ud83d\\ude00":3}'),
    ],
)
def test_what_is_encoded_is_sorted_compact_ascii(value: object, line: bytes) -> None:
    """Keys are sorted, nothing is padded, and every character beyond 0x7E is an escape in lower case."""
    assert encode(value) == line


def test_a_lone_surrogate_is_never_written() -> None:
    """Text that no reader could read back is refused instead of written."""
    with pytest.raises(UnicodeEncodeError):
        encode("\ud83d")


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"caf\xc3\xa9", "caf\u00e9"), (b"caf\xe9", "caf\\xe9"), (b"\xed\xa0\x80", "\\xed\\xa0\\x80")],
)
def test_foreign_bytes_become_text_that_can_be_written(raw: bytes, text: str) -> None:
    """UTF-8 stays as it is, any other byte becomes a visible escape."""
    assert decodable(raw) == text
    encode(decodable(raw))


def test_a_lone_surrogate_becomes_a_visible_escape() -> None:
    """Foreign text with half a character can be recorded, and shows what was there."""
    assert encodable("a\ud800b\U0001f600") == "a\\ud800b\U0001f600"
