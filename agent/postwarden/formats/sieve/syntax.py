"""The generic grammar of Sieve (RFC 5228 section 8.2): bytes into commands, tests and arguments.

It knows no command by name; what a command means is read off in the modules beside it.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedToken
from lark.lexer import Lexer
from msgspec import Struct

from postwarden.formats.sieve.tokens import SieveError, source_text, tokens

_GRAMMAR = """
    start: command*
    command: IDENTIFIER argument* tests? (_SEMICOLON | block)
    block: _LBRACE command* _RBRACE
    tests: test
         | _LPAREN test (_COMMA test)* _RPAREN
    test: IDENTIFIER argument* tests?
    ?argument: tag | number | strings
    tag: TAG
    number: NUMBER
    strings: STRING
           | _LBRACKET STRING (_COMMA STRING)* _RBRACKET
    %declare IDENTIFIER TAG NUMBER STRING
    %declare _SEMICOLON _COMMA _LBRACE _RBRACE _LPAREN _RPAREN _LBRACKET _RBRACKET
"""


class Tag(Struct, frozen=True):
    """A tagged argument's name, lower case, without the colon."""

    name: str


class Number(Struct, frozen=True):
    """A number with its unit multiplied in."""

    value: int


class Strings(Struct, frozen=True):
    """A list of strings, unescaped; one string is a list of one, as RFC 5228 section 2.4.2.1 has it."""

    values: tuple[str, ...]


Argument = Tag | Number | Strings


class Test(Struct, frozen=True, kw_only=True):
    """A test with the tests inside it. The name is lower case, the place 1-based."""

    __test__ = False  # not a test of pytest's
    name: str
    arguments: tuple[Argument, ...] = ()
    tests: tuple["Test", ...] = ()
    line: int
    column: int


class Command(Struct, frozen=True, kw_only=True):
    """A command; `block` is None where it ended with a semicolon."""

    name: str
    arguments: tuple[Argument, ...] = ()
    tests: tuple[Test, ...] = ()
    block: tuple["Command", ...] | None = None
    line: int
    column: int


def parse(raw: bytes) -> tuple[Command, ...]:
    """The commands of a script; raises SieveError for anything that is not Sieve, or too large."""
    text = source_text(raw)
    try:
        return cast("tuple[Command, ...]", _parser().parse(text))
    except UnexpectedToken as error:
        raise _unexpected(error.token, text) from error


def written(test: Test, length: int) -> str:
    """A test as Sieve, without comments and in one spacing, cut to `length` characters."""
    found = ""
    for piece in _pieces(test):
        found += piece
        if len(found) >= length:
            return found[:length]
    return found


def _pieces(test: Test) -> Iterator[str]:
    yield test.name
    for argument in test.arguments:
        match argument:
            case Tag(name):
                yield f" :{name}"
            case Number(value):
                yield f" {value}"
            case Strings(values):
                yield from _list_pieces(values)
    for index, inner in enumerate(test.tests):
        yield (" (" if index == 0 else ", ") if len(test.tests) > 1 else " "
        yield from _pieces(inner)
    if len(test.tests) > 1:
        yield ")"


def _list_pieces(values: tuple[str, ...]) -> Iterator[str]:
    for index, value in enumerate(values):
        quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        yield ((" [" if index == 0 else ", ") if len(values) > 1 else " ") + quoted
    if len(values) > 1:
        yield "]"


def _unexpected(token: Token, text: str) -> SieveError:
    if token.type == "$END":
        ends = text.rstrip()
        line = ends.count("\n") + 1
        return SieveError("script ends too early", line, len(ends) - (ends.rfind("\n") + 1) + 1)
    assert token.line is not None and token.column is not None  # noqa: PT018  # every word has its place
    kind = token.type.lower()
    shown = {"string": "a string", "number": "a number", "tag": f":{token}"}.get(kind, str(token))
    return SieveError(f"unexpected {shown}", token.line, token.column)


class _Words(Lexer):
    """Our bounded words, as lark takes them."""

    def __init__(self, configuration: object) -> None:
        """Nothing depends on lark's configuration."""

    def lex(self, data: str) -> Iterator[Token]:  # type: ignore[override]  # lark's simple protocol: text in
        return tokens(data)


class _Block(Struct, frozen=True):
    """Commands in braces, while the command before them is built."""

    commands: tuple[Command, ...]


class _Build(Transformer[Token, tuple[Command, ...]]):
    """Builds our values while the parser reduces: no tree is walked, so depth cannot exhaust the stack."""

    @staticmethod
    def start(parts: list[Command]) -> tuple[Command, ...]:
        return tuple(parts)

    @staticmethod
    def command(parts: list[Any]) -> Command:
        block = parts.pop().commands if isinstance(parts[-1], _Block) else None
        name, arguments, tests = _sorted_out(parts)
        return Command(
            name=str(name), arguments=arguments, tests=tests, block=block, line=name.line, column=name.column
        )

    @staticmethod
    def block(parts: list[Command]) -> _Block:
        return _Block(tuple(parts))

    @staticmethod
    def tests(parts: list[Test]) -> tuple[Test, ...]:
        return tuple(parts)

    @staticmethod
    def test(parts: list[Any]) -> Test:
        name, arguments, tests = _sorted_out(parts)
        return Test(name=str(name), arguments=arguments, tests=tests, line=name.line, column=name.column)

    @staticmethod
    def tag(parts: list[Token]) -> Tag:
        return Tag(str(parts[0]))

    @staticmethod
    def number(parts: list[Token]) -> Number:
        return Number(int(parts[0]))

    @staticmethod
    def strings(parts: list[Token]) -> Strings:
        return Strings(tuple(str(part) for part in parts))


def _sorted_out(parts: list[Any]) -> tuple[Any, tuple[Argument, ...], tuple[Test, ...]]:
    """Name, arguments and tests, as a command and a test both have them."""
    tests = parts.pop() if isinstance(parts[-1], tuple) else ()
    return parts[0], tuple(parts[1:]), tests


@cache
def _parser() -> Lark:
    """The parser, built once a process (some 10 ms)."""
    return Lark(_GRAMMAR, parser="lalr", lexer=_Words, transformer=_Build())
