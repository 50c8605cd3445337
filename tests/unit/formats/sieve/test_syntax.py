"""Sieve's words and grammar."""

import time

import pytest

from postwarden.formats.sieve.syntax import Command, Number, Strings, Tag, Test, parse, written
from postwarden.formats.sieve.tokens import MAX_BYTES, MAX_NESTING, MAX_TOKENS, SieveError


def string_in(raw: bytes) -> str:
    """The one string of a script of one command."""
    (command,) = parse(raw)
    (argument,) = command.arguments
    assert isinstance(argument, Strings)
    return argument.values[0]


def test_commands_keep_arguments_tests_blocks_and_places() -> None:
    """A parsed script has its names in lower case, its arguments in order, and a place for each command and test."""
    script = b'require "copy";\n  IF Size :OVER 2K {\r\n\tfileinto :copy ["a", "b"]; }'
    first, second = parse(script)
    assert first == Command(name="require", arguments=(Strings(("copy",)),), line=1, column=1)
    test = Test(name="size", arguments=(Tag("over"), Number(2048)), line=2, column=6)
    inner = Command(name="fileinto", arguments=(Tag("copy"), Strings(("a", "b"))), line=3, column=2)
    assert second == Command(name="if", tests=(test,), block=(inner,), line=2, column=3)


def test_tests_nest_with_and_without_brackets() -> None:
    """A test list and a bare test inside a test both become the tests of the outer one."""
    (command,) = parse(b"if not anyof (true, not false) { }")
    (outer,) = command.tests
    (inner,) = outer.tests
    assert [outer.name, inner.name, [test.name for test in inner.tests]] == ["not", "anyof", ["true", "not"]]
    assert command.block == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"keep; # the end",
        b"# only this",
        b"#\r\nkeep;\r\n# x\r\n",
        b'/* a ; { " */ keep; /**/ /* **/',
        b'# } " /* \nkeep;',
        b"keep;\rstop;",
        b"# caf\xe9 \xff\nkeep; /* \xc3\xa9 */",
        b"",
        b"\r\n \t",
    ],
)
def test_comments_and_line_ends(raw: bytes) -> None:
    """Comments may hold anything, end with the file, and lines end as they like."""
    assert all(command.name in {"keep", "stop"} for command in parse(raw))


def test_a_bare_carriage_return_does_not_end_a_comment() -> None:
    """A comment goes on to the line feed, as on the server: what looks like a command behind a CR is none."""
    assert parse(b"# a\rkeep;") == ()


@pytest.mark.parametrize(
    ("written_as", "means"),
    [
        (rb'"a \"b\" \\ \q"', 'a "b" \\ q'),
        (b'"two\r\nlines"', "two\r\nlines"),
        (b'"# no comment /* { */"', "# no comment /* { */"),
        ("'ü'".replace("'", '"').encode(), "ü"),
        (b'"caf\xe9"', "caf\\xe9"),
        (rb'"\\' + b"\xe9" + b'"', "\\\\xe9"),
        (b"text:\nabc\n.\n", "abc\n"),
        (b"TEXT: \t# note\r\nabc\r\n..d\r\n.e\r\n\r\n.\r\n", "abc\r\n.d\r\ne\r\n\r\n"),
        (b"text:\n.\n", ""),
        (b'text:\n"} ; /*\n.\n', '"} ; /*\n'),
    ],
)
def test_strings(written_as: bytes, means: str) -> None:
    """Strings are unescaped, multi-line ones un-stuffed, and bytes that are not UTF-8 become escapes."""
    assert string_in(b"x " + written_as + b";") == means


@pytest.mark.parametrize(("number", "value"), [("7", 7), ("10k", 10240), ("2M", 2 << 20), ("1G", 1 << 30)])
def test_numbers(number: str, value: int) -> None:
    """A number's unit multiplies it."""
    (command,) = parse(f"x {number};".encode())
    assert command.arguments == (Number(value),)


@pytest.mark.parametrize(
    ("raw", "line", "column", "message"),
    [
        (b"keep", 1, 5, "script ends too early"),
        (b"if true {\n keep;\n", 2, 7, "script ends too early"),
        (b"keep;;", 1, 6, "unexpected ;"),
        (b"keep;\n}", 2, 1, "unexpected }"),
        (b"if anyof () {}", 1, 11, "unexpected )"),
        (b"x [];", 1, 4, "unexpected ]"),
        (b'x ["a",];', 1, 8, "unexpected ]"),
        (b'x ["a" "b"];', 1, 8, "unexpected a string"),
        (b"keep;\n@", 2, 1, "unexpected character @"),
        (b"\xef\xbb\xbfkeep;", 1, 1, "unexpected character \\ufeff"),
        (b"keep\xff;", 1, 5, "unexpected character \\\\xff"),
        (b"keep;\n \0", 2, 2, "script has a NUL character"),
        (b'x "a\0";', 1, 5, "script has a NUL character"),
        (b'keep; x "abc', 1, 9, "string is not closed"),
        (b"/* keep;", 1, 1, "comment is not closed"),
        (b"x text:\nabc\n.;", 1, 3, "multi-line string is not closed"),
        (b"x text:abc\n.\n;", 2, 1, "unexpected character ."),
        (b"x 10kb;", 1, 3, "number is not well formed"),
        (b"2keep;", 1, 1, "number is not well formed"),
        (b"x 18446744073709551616;", 1, 3, "number is too large"),
        (b"x " + b"9" * 5000 + b";", 1, 3, "number is not well formed"),
    ],
)
def test_what_is_no_sieve(raw: bytes, line: int, column: int, message: str) -> None:
    """A script that is no Sieve is refused with the place and a message that names what is wrong."""
    with pytest.raises(SieveError) as caught:
        parse(raw)
    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ((b"if true {" * 10_000).ljust(MAX_BYTES), f"script is nested deeper than {MAX_NESTING}"),
        (b"if true {" * 10_000 + b"keep;" + b"}" * 10_000, f"script is nested deeper than {MAX_NESTING}"),
        (b"if " + b"not " * 10_000 + b"true {}", f"script is nested deeper than {MAX_NESTING}"),
        (b"if " + b"not anyof (" * 10_000, f"script is nested deeper than {MAX_NESTING}"),
        (b"if anyof (true, " * 10_000, f"script is nested deeper than {MAX_NESTING}"),
        (b"stop;" * (MAX_TOKENS // 2 + 1), f"script has more than {MAX_TOKENS} words"),
        (b" " * (MAX_BYTES + 1), f"script has {MAX_BYTES + 1} bytes, more than {MAX_BYTES}"),
    ],
)
def test_bounds(raw: bytes, message: str) -> None:
    """A script that is too deep, too long or too large gives one clear error, soon."""
    begun = time.monotonic()
    with pytest.raises(SieveError, match=message):
        parse(raw)
    assert time.monotonic() - begun < 5


def test_braces_in_strings_and_comments_do_not_nest() -> None:
    """Only real blocks and tests count as nested: what looks like them in strings, lists and comments does not."""
    script = b'redirect "' + b"{(" * 200 + b'";/*' + b"{" * 200 + b"*/#" + b"{" * 200 + b"\n"
    script += b"vacation text:\n" + b"{(\n" * 200 + b".\n;" + b"if true {keep;}" * 200
    script += b"if anyof (" + b"not true," * 200 + b"false) {keep;}" + b"keep;" * 200
    assert len(parse(script)) == 403


def test_depth_just_within_the_bound() -> None:
    """Blocks may nest as deep as the bound says, and one deeper is refused."""
    # `if` and its test take two levels in the innermost command, the block one.
    deep = 64 - 2
    assert parse(b"if true {" * deep + b"keep;" + b"}" * deep)
    with pytest.raises(SieveError, match="nested deeper"):
        parse(b"if true {" * (deep + 1) + b"if true {}" + b"}" * (deep + 1))


def test_written_tests_are_cut() -> None:
    """A test is written as Sieve in one spacing, escaped, and no longer than asked for."""
    (command,) = parse(b'if anyof(header/*x*/:is  "A\\"b" ["c","d"],not size :over 1K){}')
    (test,) = command.tests
    assert written(test, 200) == 'anyof (header :is "A\\"b" ["c", "d"], not size :over 1024)'
    assert written(test, 12) == "anyof (heade"
