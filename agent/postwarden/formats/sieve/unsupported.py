"""What a script has that is not analysed yet: found here, so that it becomes a gap instead of silence."""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from postwarden.formats.sieve.actions import HARMLESS, action
from postwarden.formats.sieve.arguments import told_apart
from postwarden.formats.sieve.syntax import Command, Strings, Tag, Test

_CONTROL = frozenset({"if", "elsif", "else"})
#: What commands that we know and do not follow belong to, in the words of a message.
_COMMANDS = {
    "set": "variables (set)",
    "global": "variables (global)",
    "import": "variables (import)",
    "export": "variables (export)",
    "include": "include of another script",
    "foreverypart": "foreverypart loop",
    "addheader": "editheader (addheader)",
    "deleteheader": "editheader (deleteheader)",
}
_TAGS = {"encodeurl": "variables (:encodeurl)", "list": "an external list (:list)"}
# RFC 5228 section 2.4.2.4; without its extension, and without variables, `${` is nothing special.
_ENCODED = re.compile(r"\$\{(?:hex|unicode):", re.IGNORECASE)


class Unsupported(Struct, frozen=True):
    """A construct that is not analysed, the line of its first use, and how often it is used."""

    construct: str
    line: int
    count: int


def required(commands: tuple[Command, ...]) -> frozenset[str]:
    """The extensions that a script may use: those it requires, or asks the server for by `ihave` (RFC 5463)."""
    found: set[str] = set()
    for command in _all_commands(commands):
        for asker in _with_tests(command):
            if asker.name in {"require", "ihave"}:
                found.update(
                    value.lower() for values in told_apart(asker.arguments).strings() for value in values
                )
    return frozenset(found)


def computes(extensions: frozenset[str]) -> Callable[[str], bool]:
    """The test whether a string is put together while a script with these extensions runs."""
    variables = "variables" in extensions
    encoded = "encoded-character" in extensions
    return lambda text: (variables and "${" in text) or (encoded and bool(_ENCODED.search(text)))


def unsupported(commands: tuple[Command, ...], extensions: frozenset[str]) -> tuple[Unsupported, ...]:
    """The constructs that are not analysed, each once, in the order of their first use.

    Expects a script that `lowered` accepted.
    """
    found: dict[str, tuple[int, int]] = {}
    for construct, line in _uses(commands, extensions):
        first, count = found.get(construct, (line, 0))
        found[construct] = first, count + 1
    return tuple(Unsupported(construct, line, count) for construct, (line, count) in found.items())


def _uses(commands: tuple[Command, ...], extensions: frozenset[str]) -> Iterator[tuple[str, int]]:
    computed = computes(extensions)
    for command in _all_commands(commands):
        if command.name in _COMMANDS:
            yield _COMMANDS[command.name], command.line
        elif command.name not in HARMLESS | _CONTROL and action(command, computed) is None:
            yield f"command {command.name}", command.line
        for tag in command.arguments:
            if isinstance(tag, Tag) and tag.name in _TAGS:
                yield _TAGS[tag.name], command.line
        for asker in _with_tests(command):
            for argument in asker.arguments:
                if isinstance(argument, Strings) and any(map(computed, argument.values)):
                    encoded = "variables" not in extensions or any(map(_ENCODED.search, argument.values))
                    yield "encoded characters" if encoded else "variables in strings", asker.line


def _all_commands(commands: tuple[Command, ...]) -> Iterator[Command]:
    for command in commands:
        yield command
        if command.block is not None:
            yield from _all_commands(command.block)


def _with_tests(command: Command) -> Iterator[Command | Test]:
    yield command
    yield from _all_tests(command.tests)


def _all_tests(tests: tuple[Test, ...]) -> Iterator[Test]:
    for test in tests:
        yield test
        yield from _all_tests(test.tests)
