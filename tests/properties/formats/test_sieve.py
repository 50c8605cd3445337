"""Sieve for arbitrary bytes and arbitrary scripts."""

import os
import time
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.formats.sieve import decode
from postwarden.formats.sieve.syntax import Argument, Command, Number, Strings, Tag, Test, parse, written
from postwarden.mailflow.facts import Surroundings, facts
from postwarden.mailflow.keywords import keywords_from
from postwarden.model.address import Domains
from postwarden.model.encoding import encode
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import account_scope

EXAMPLES = 2000 if os.environ.get("POSTWARDEN_LONG") else 200
WORDS = keywords_from({"finance": {"english": ["invoice"], "japanese": ["請求"]}})

# Pieces that scripts are made of, so that random ones come far enough to mean something.
PIECES = (
    *(
        b"if",
        b"elsif",
        b"else",
        b"not",
        b"anyof",
        b"allof",
        b"true",
        b"false",
        b"header",
        b"address",
        b"exists",
    ),
    *(
        b"keep;",
        b"stop;",
        b"discard;",
        b'redirect "x@y.example";',
        b"fileinto",
        b'addflag "\\\\Seen";',
        b"foreverypart",
    ),
    *(
        b":contains",
        b":copy",
        b":flags",
        b":over",
        b":index",
        b'"from"',
        b'"subject"',
        b'"*"',
        b'"invoice"',
        b'""',
    ),
    *(
        b"{",
        b"}",
        b"(",
        b")",
        b"[",
        b"]",
        b",",
        b";",
        b'"',
        b"\\",
        b"text:\n",
        b".\n",
        b"#",
        b"\r\n",
        b"/*",
        b"*/",
    ),
    *(
        b"10K",
        b"9999999999999999999999",
        b'require "variables";',
        b'"${a}"',
        b"include",
        b"\xff",
        b"\0",
        b"\xe8\xab\x8b",
    ),
)


def decoded(raw: bytes) -> list[Item]:
    return list(
        decode(
            raw,
            name="main",
            active=True,
            scope=account_scope("login:alice"),
            source="sieve",
            check="sieve_scripts",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )


def survives(raw: bytes) -> None:
    """Bytes decode to something that can be recorded and judged, soon."""
    begun = time.monotonic()
    items = decoded(raw)
    assert items
    for item in items:
        line = encode(item.evidence if isinstance(item, Observed) else item)
        if isinstance(item, Observed):
            assert isinstance(item.evidence, MailFlow)
            assert msgspec.json.decode(line, type=MailFlow) == item.evidence
            for row in facts(item.evidence, Surroundings(domains=Domains(), keywords=WORDS)):
                assert len(row.condition_text) <= 300
    assert time.monotonic() - begun < 5


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=2000))
def test_any_bytes(raw: bytes) -> None:
    """Any bytes are a mail flow or a gap, in bounded time, and never an exception."""
    survives(raw)


@settings(max_examples=5 * EXAMPLES)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=60).map(b" ".join))
def test_any_pieces(raw: bytes) -> None:
    """Pieces of Sieve in any order are a mail flow or a gap, in bounded time, and never an exception."""
    survives(raw)


@settings(max_examples=EXAMPLES // 10)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8), st.integers(1, 20_000))
def test_repeated_pieces(pieces: list[bytes], times: int) -> None:
    """However often pieces are repeated, the time stays bounded."""
    survives(b" ".join(pieces * times)[: 1 << 18])


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def arguments() -> st.SearchStrategy[tuple[Argument, ...]]:
    one: st.SearchStrategy[Argument] = st.one_of(
        NAMES.map(Tag),
        st.integers(0, (1 << 64) - 1).map(Number),
        st.lists(TEXTS, min_size=1, max_size=4).map(lambda texts: Strings(tuple(texts))),
    )
    return st.lists(one, max_size=4).map(tuple)


def with_tests(inner: st.SearchStrategy[tuple[Test, ...]]) -> st.SearchStrategy[Test]:
    return st.builds(
        Test,
        name=NAMES,
        arguments=arguments(),
        tests=inner,
        line=st.just(0),
        column=st.just(0),
    )


TESTS = st.recursive(
    with_tests(st.just(())),
    lambda inner: with_tests(st.lists(inner, max_size=3).map(tuple)),
    max_leaves=6,
)


def with_blocks(inner: st.SearchStrategy[tuple[Command, ...]]) -> st.SearchStrategy[Command]:
    return st.builds(
        Command,
        name=NAMES,
        arguments=arguments(),
        tests=st.lists(TESTS, max_size=3).map(tuple),
        block=st.none() | inner,
        line=st.just(0),
        column=st.just(0),
    )


COMMANDS = st.recursive(
    with_blocks(st.just(())),
    lambda inner: with_blocks(st.lists(inner, max_size=3).map(tuple)),
    max_leaves=5,
)
SPACES = st.sampled_from([" ", "\n", "\t", "\r\n", '/* ; } " */', '# { " *\n', " /**/ "])


class Printer:
    """Writes commands as Sieve, with random space and in random ways."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def commands(self, commands: tuple[Command, ...]) -> str:
        return "".join(map(self._command, commands))

    def _space(self) -> str:
        return self._data.draw(SPACES)

    def _command(self, command: Command) -> str:
        head = self._head(command.name, command.arguments, command.tests)
        if command.block is None:
            return head + self._space() + ";"
        return head + self._space() + "{" + self._space() + self.commands(command.block) + "}"

    def _head(self, name: str, given: tuple[Argument, ...], tests: tuple[Test, ...]) -> str:
        shown = self._data.draw(st.sampled_from([name, name.upper()]))
        shown += "".join(self._space() + self._argument(argument) for argument in given)
        if not tests:
            return self._space() + shown
        inner = [self._head(test.name, test.arguments, test.tests) for test in tests]
        if len(inner) == 1 and self._data.draw(st.booleans()):
            return self._space() + shown + self._space() + inner[0]
        return self._space() + shown + "(" + ",".join(inner) + self._space() + ")"

    def _argument(self, argument: Argument) -> str:
        match argument:
            case Tag(name):
                return ":" + name
            case Number(value):
                return f"{value >> 10}K" if value and value % 1024 == 0 else str(value)
            case Strings(values):
                texts = [self._string(value) for value in values]
                if len(texts) == 1 and self._data.draw(st.booleans()):
                    return texts[0]
                return "[" + (self._space() + ",").join(texts) + self._space() + "]"

    def _string(self, value: str) -> str:
        if value.endswith("\n") and self._data.draw(st.booleans()):
            lines = value.replace("\n.", "\n..")
            return "text:\n" + ("." if lines.startswith(".") else "") + lines + ".\n"
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def without_places(command: Command) -> Command:
    """The command as the strategies make it: all places zero."""
    return msgspec.structs.replace(
        command,
        line=0,
        column=0,
        tests=tuple(map(test_without_place, command.tests)),
        block=None if command.block is None else tuple(map(without_places, command.block)),
    )


def test_without_place(test: Test) -> Test:
    return msgspec.structs.replace(test, line=0, column=0, tests=tuple(map(test_without_place, test.tests)))


test_without_place.__test__ = False  # type: ignore[attr-defined]  # changes tests of a script, and is none


@settings(max_examples=EXAMPLES)
@given(st.lists(COMMANDS, max_size=4).map(tuple), st.data())
def test_printed_scripts_parse_back(commands: tuple[Command, ...], data: st.DataObject) -> None:
    """A script that is printed, in whatever spacing and kind of strings, parses to the same commands."""
    script = Printer(data).commands(commands)
    assert tuple(map(without_places, parse(script.encode()))) == commands


@settings(max_examples=EXAMPLES)
@given(TESTS)
def test_written_tests_parse_back(test: Test) -> None:
    """The text that is kept of a test is Sieve for the same test, unless it was cut."""
    (command,) = parse(f"if {written(test, 10_000)} {{}}".encode())
    assert tuple(map(test_without_place, command.tests)) == (test,)
