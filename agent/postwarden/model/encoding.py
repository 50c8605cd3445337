"""The one encoder: sorted keys, compact, pure ASCII JSON."""

import re

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")
_BEYOND = re.compile(r"[^\x20-\x7e]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def encode(value: object) -> bytes:
    """One line of ASCII JSON without the line's end.

    Everything beyond 0x7E becomes `\\uXXXX` (surrogate pairs where needed), as ASCII-only readers and
    `grep` need it. Raises UnicodeEncodeError for text with lone surrogates: foreign bytes become text with
    backslash escapes at the format's border.
    """
    encoded = _ENCODER.encode(value)
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded
    return _BEYOND.sub(_escape, encoded.decode("utf-8")).encode("ascii")


def decodable(raw: bytes) -> str:
    """Foreign bytes as text that can be encoded: UTF-8, anything else with backslash escapes."""
    return raw.decode("utf-8", "backslashreplace")


def encodable(text: str) -> str:
    """Foreign text with lone surrogates written as backslash escapes, so that it can be encoded."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
