"""The words of a Sieve script (RFC 5228 section 8.1), bounded while they stream.

A script comes from a mailbox that somebody else may hold, so every bound is checked here, before a parser
builds anything: braces in strings and comments never count, for they are no words.
"""

import re
from collections.abc import Iterator

from lark import Token

from postwarden.errors import ConnectorError
from postwarden.model.encoding import decodable

#: Bytes. Pigeonhole's own default limit (`sieve_max_script_size`) is the same.
MAX_BYTES = 1 << 20
#: Blocks and tests inside each other. Pigeonhole stops at 32; what follows here is recursive.
MAX_NESTING = 64
#: Words. A script of 1 MiB that only has short rules has about 235,000; one of semicolons a million.
MAX_TOKENS = 250_000
#: What Sieve numbers are kept in by the servers we know.
MAX_NUMBER = (1 << 64) - 1

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_PUNCTUATION = {
    ";": "_SEMICOLON",
    ",": "_COMMA",
    "{": "_LBRACE",
    "}": "_RBRACE",
    "(": "_LPAREN",
    ")": "_RPAREN",
    "[": "_LBRACKET",
    "]": "_RBRACKET",
}
# The quantifiers are possessive: no input makes them backtrack.
_WORD = re.compile(
    r"""
      (?P<space> (?: [ \t\r\n]++ | \#[^\n]*+ )++ )   # a bare CR is space, and does not end a comment: as Pigeonhole
    | (?P<comment> /\* )
    | (?P<multi> text: [ \t]*+ (?: \#[^\n]*+ )? \r?\n )
    | (?P<identifier> [a-z_][a-z0-9_]*+ )
    | : (?P<tag> [a-z_][a-z0-9_]*+ )
    | (?P<digits> [0-9]{1,20}+ ) (?P<unit> [kmg]? ) (?! [a-z0-9_] )
    | " (?P<quoted> [^"\\]*+ (?: \\. [^"\\]*+ )*+ ) "
    | (?P<punctuation> [;,{}()\[\]] )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MULTI_END = re.compile(r"^\.\r?(?:\n|\Z)", re.MULTILINE)
_STUFFED = re.compile(r"^\.", re.MULTILINE)


class SieveError(ConnectorError):
    """A script is not Sieve, or larger than we analyse; `line` and `column` (1-based) say where."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message, reason="malformed")
        self.line = line
        self.column = column


def clean(text: str) -> str:
    """A piece of the source as text that can be encoded: bytes that are not UTF-8 with backslash escapes."""
    return text if text.isascii() else decodable(text.encode("utf-8", "surrogateescape"))


def source_text(raw: bytes) -> str:
    """The script as text in which foreign bytes survive until strings were unescaped.

    Raises SieveError where it is too large or has a NUL, which Sieve forbids everywhere.
    """
    if len(raw) > MAX_BYTES:
        raise SieveError(f"script has {len(raw)} bytes, more than {MAX_BYTES}", 1, 1)
    text = raw.decode("utf-8", "surrogateescape")
    nul = text.find("\0")
    if nul >= 0:
        raise SieveError("script has a NUL character", *_place(text, nul))
    return text


def tokens(text: str) -> Iterator[Token]:
    """The words of `text` with their places; strings and numbers carry their values.

    Raises SieveError at a character that starts no word, and where a bound is passed.
    """
    depth = _Depth()
    position = count = line_start = 0
    line = 1
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise _no_word(text, position)
        kind, value, end = _read(text, match)
        if kind:
            count += 1
            column = position - line_start + 1
            if count > MAX_TOKENS:
                raise SieveError(f"script has more than {MAX_TOKENS} words", line, column)
            if depth.after(kind) > MAX_NESTING:
                raise SieveError(f"script is nested deeper than {MAX_NESTING}", line, column)
            yield Token(kind, value, position, line, column, end_pos=end)
        newlines = text.count("\n", position, end)
        if newlines:
            line += newlines
            line_start = text.rindex("\n", position, end) + 1
        position = end


class _Depth:
    """How deep the tree gets at each word: a block is one level, and so is each test inside another.

    `not not true` nests without any bracket, so identifiers count until the command or the test ends.
    """

    def __init__(self) -> None:
        self._level = 0
        self._outer = [0]

    def after(self, kind: str) -> int:
        """The level once a word of this kind was read; unbalanced brackets are the parser's business."""
        if kind == "IDENTIFIER":
            self._level += 1
        elif kind == "_LPAREN":
            self._outer.append(self._level)
        elif kind == "_LBRACE":
            self._level = self._outer[-1] + 1
            self._outer.append(self._level)
        elif kind in {"_RPAREN", "_RBRACE"} and len(self._outer) > 1:
            self._outer.pop()
            self._level = self._outer[-1]
        elif kind in {"_SEMICOLON", "_COMMA"}:
            self._level = self._outer[-1]
        return self._level


def _read(text: str, match: re.Match[str]) -> tuple[str, str, int]:
    """Kind (empty for what is skipped), value and end of the word that `match` starts."""
    kind, end = match.lastgroup, match.end()
    if kind == "space":
        return "", "", end
    if kind == "comment":
        close = text.find("*/", end)
        if close < 0:
            raise SieveError("comment is not closed", *_place(text, match.start()))
        return "", "", close + 2
    if kind == "multi":
        close_match = _MULTI_END.search(text, end)
        if close_match is None:
            raise SieveError("multi-line string is not closed", *_place(text, match.start()))
        body = _STUFFED.sub("", text[end : close_match.start()])
        return "STRING", clean(body), close_match.end()
    if kind == "quoted":
        return "STRING", clean(_ESCAPE.sub(r"\1", match["quoted"])), end
    if kind == "unit":  # the last group that took part, also where it is empty
        number = int(match["digits"]) * _UNITS[match["unit"].upper()]
        if number > MAX_NUMBER:
            raise SieveError("number is too large", *_place(text, match.start()))
        return "NUMBER", str(number), end
    if kind == "punctuation":
        return _PUNCTUATION[match[0]], match[0], end
    return ("TAG", match["tag"].lower(), end) if kind == "tag" else ("IDENTIFIER", match[0].lower(), end)


def _no_word(text: str, position: int) -> SieveError:
    char = text[position]
    if char == '"':
        message = "string is not closed"
    elif char.isdigit() and char.isascii():
        message = "number is not well formed"
    elif char.isascii() and char.isprintable():
        message = f"unexpected character {char}"
    else:
        message = f"unexpected character {clean(char).encode('unicode_escape').decode('ascii')}"
    return SieveError(message, *_place(text, position))


def _place(text: str, position: int) -> tuple[int, int]:
    start = text.rfind("\n", 0, position) + 1
    return text.count("\n", 0, position) + 1, position - start + 1
