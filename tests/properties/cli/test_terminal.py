"""Whatever text comes, a terminal gets nothing that it would obey."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from postwarden.cli.terminal import clean, paragraph

#: What turns or hides text beyond the control characters: Unicode's own list of Bidi_Control, and zero widths.
HIDING = {
    *range(0x200B, 0x2010),
    0x061C,
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    0x180E,
    *range(0xFFF9, 0xFFFC),
}


def is_unsafe(char: str) -> bool:
    kind = unicodedata.category(char)
    return kind in {"Cc", "Cs", "Zl", "Zp"} or ord(char) in HIDING or 0xE0000 <= ord(char) <= 0xE007F


unsafe = st.characters(categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from(sorted(HIDING)).map(chr)
texts = st.text(unsafe | st.characters())


@given(texts)
def test_nothing_unsafe_survives(text: str) -> None:
    """No control, surrogate, separator, or mark that turns or hides text is left."""
    assert not any(map(is_unsafe, clean(text)))
    assert not any(is_unsafe(char) and char != "\n" for char in clean(text, lines=True))
    assert clean(text, lines=True).count("\n") == text.count("\n")


@given(texts)
def test_what_is_safe_is_unchanged(text: str) -> None:
    """Only what is unsafe is replaced, each by its own code, in its place."""
    assert clean(text) == "".join(f"\\u{{{ord(char):x}}}" if is_unsafe(char) else char for char in text)
    assert clean(clean(text)) == clean(text)


@given(texts, st.sampled_from(["", "  ", "  - "]))
def test_a_paragraph_has_only_our_own_line_ends(text: str, start: str) -> None:
    """Wrapped text begins each line with our own indentation."""
    lines = paragraph(text, start).split("\n")
    assert not any(is_unsafe(char) for line in lines for char in line)
    assert all(not line or line.startswith(" " * len(start)) for line in lines[1:])
