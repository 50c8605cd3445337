"""A text as it reads after decoding what it may be written in: the ways in which a secret hides in a log line.

Each view is a list of characters, and for each the span of the original text that it came from, so that what is
found in a view can be taken out of the text.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator

#: Escapes within escapes that are followed: JSON within JSON, a percent sign that is itself escaped.
DEPTH = 4

_ESCAPE = re.compile(
    r"\\x(?P<x>[0-9A-Fa-f]{2})|\\u\{?(?P<u>[0-9A-Fa-f]{4,6})\}?|\\U(?P<U>[0-9A-Fa-f]{8})|\\(?P<o>[0-3][0-7]{2})"
    r"|\\(?P<c>[\\\"'/nrtabfv0])|%(?P<p>[0-9A-Fa-f]{2})|%u(?P<pu>[0-9A-Fa-f]{4})|=(?P<q>[0-9A-F]{2})|(?P<soft>=\r?\n)"
    r"|(?P<e>&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)"
)
_NAMED = {"n": "", "r": "", "0": "", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
#: Without meaning within a secret: line ends and zero bytes, which UTF-16 has between letters.
_DROPPED = frozenset("\0\r\n\u200b\ufeff\xad")
#: Base64 of either alphabet, also wrapped into lines, and hexadecimal bytes.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{6,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :-]?){4,}")

View = tuple[str, list[tuple[int, int]]]


def folded(text: str) -> str:
    """The characters that are compared: forms write a space as a plus sign, and lines are wrapped."""
    return "".join(" " if char == "+" else char for char in text if char not in _DROPPED)


def views(text: str) -> Iterator[View]:
    """The text as it stands, and with its escapes decoded once, twice and so on."""
    current: View = (text, [(index, index + 1) for index in range(len(text))])
    for _ in range(DEPTH):
        yield _fold(current)
        following = _decoded(current)
        if following is None:
            return
        current = following
    yield _fold(current)


def runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and possible content of each part of the text that may be base64 or hexadecimal."""
    for match in _BASE64.finditer(text):
        raw = re.sub(r"[\r\n=]", "", match[0]).replace("-", "+").replace("_", "/")
        for skip in range(4):
            piece = raw[skip:]
            piece = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
            if len(piece) >= 4:
                yield *match.span(), base64.b64decode(piece + "=" * (-len(piece) % 4)).decode("latin-1")
    for match in _HEX.finditer(text):
        digits = re.sub(r"[ :-]", "", match[0])
        for skip in range(2):
            piece = digits[skip : skip + (len(digits) - skip) // 2 * 2]
            yield *match.span(), binascii.unhexlify(piece).decode("latin-1")


def _fold(view: View) -> View:
    text, spans = view
    kept = [index for index, char in enumerate(text) if char not in _DROPPED]
    if len(kept) < len(text):
        spans = [spans[index] for index in kept]
    return folded(text), spans


def _decoded(view: View) -> View | None:
    """The view with every escape decoded once; None where it has none."""
    text, spans = view
    characters: list[str] = []
    origins: list[tuple[int, int]] = []
    last = 0
    for match in _ESCAPE.finditer(text):
        content = _content(match)
        if content is None:
            continue
        characters.extend(text[last : match.start()])
        origins.extend(spans[last : match.start()])
        span = spans[match.start()][0], spans[match.end() - 1][1]
        characters.extend(content)
        origins.extend([span] * len(content))
        last = match.end()
    if not last:
        return None
    characters.extend(text[last:])
    origins.extend(spans[last:])
    return "".join(characters), origins


def _content(match: re.Match[str]) -> str | None:
    kind, found = match.lastgroup, match[match.lastgroup or 0]
    if kind == "soft":
        return ""
    if kind == "c":
        return _NAMED.get(found, found)
    if kind == "e":
        content = html.unescape(found)
        return None if content == found else content
    code = int(found, 8 if kind == "o" else 16)
    return chr(code) if code <= 0x10FFFF else None
