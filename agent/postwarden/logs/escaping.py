"""Text from elsewhere as it may be shown: nothing in it moves a cursor, hides, or turns the direction of reading."""

import re

# C0 and C1 controls, DEL; zero-width and direction marks (Unicode Bidi_Control and its kin); line and
# paragraph separators; byte order mark; lone surrogates; tags.
_UNSAFE = (
    "\x00-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f"
)
_LINE = re.compile(f"[{_UNSAFE}]")
_TEXT = re.compile(f"(?![\n])[{_UNSAFE}]")


def clean(text: str, *, lines: bool = False) -> str:
    """`text` with unsafe characters as `\\u{…}`; with `lines`, line ends stay."""
    return (_TEXT if lines else _LINE).sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)
