"""Letters that look like others, or like nothing: how a name or a word is made to read as what it is not.

Scripts, not characters beyond ASCII, are what counts: a name in one script, with emoji, or in Chinese, Japanese
or Korean is an ordinary name.
"""

import re
import unicodedata
from collections.abc import Iterator

# Without width wherever they stand. Joiners (U+200C, U+200D) belong to Persian, Indic scripts and emoji.
_WITHOUT_WIDTH = "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u180e"
_JOINERS = "\u200c\u200d"
_WORD = re.compile(r"\w+")
_HIDDEN_IN_TEXT = re.compile(rf"\S[{_WITHOUT_WIDTH}]+\S|[A-Za-z0-9][{_JOINERS}]+[A-Za-z0-9]")
_TURNED = re.compile("[\u202d\u202e]")
_TURNING = re.compile("[\u200f\u202a\u202b\u2066\u2067\u2068]")
# Letters of another alphabet by way of mathematics, circles and boxes; circled numbers count lists honestly, and
# boxed capitals with an emoji's look (U+1F170 and on) stand in many names.
_STYLED = re.compile(
    "[\U0001d400-\U0001d7ff\u24b6-\u24e9\u249c-\u24b5\U0001f110-\U0001f129\U0001f130-\U0001f149]"
)
# Greek letters that pass for Latin ones; others beside Latin are mathematics.
_GREEK_LIKENESS = frozenset("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναρτυικχ")


def unicode_tricks(text: str) -> tuple[str, ...]:
    """What `text` does to be misread, in words; usually nothing."""
    return tuple(_tricks(text))


def _tricks(text: str) -> Iterator[str]:
    if "\0" in text:
        yield "a NUL character"
    if _HIDDEN_IN_TEXT.search(text):
        yield "characters without width"
    if _TURNED.search(text) or (_TURNING.search(text) and not _is_right_to_left(text)):
        yield "characters that turn the direction of writing"
    if any(map(_is_mixed, _WORD.findall(text))):
        yield "letters of two alphabets in one word"
    if len(_STYLED.findall(text)) > 1:
        yield "letters in the guise of mathematics or of enclosed signs"


def _is_right_to_left(text: str) -> bool:
    return any(char.isalpha() and unicodedata.bidirectional(char) in {"R", "AL"} for char in text)


def _is_mixed(word: str) -> bool:
    scripts = {script for char in word if (script := _script(char))}
    return "LATIN" in scripts and len(scripts) > 1


def _script(char: str) -> str | None:
    if char.isascii():
        return "LATIN" if char.isalpha() else None
    script = unicodedata.name(char, "").partition(" ")[0]
    if script == "GREEK" and char not in _GREEK_LIKENESS:
        return None
    return script if script in {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC"} else None
