"""The command line as it is told to people."""

import argparse
import shlex
from collections.abc import Iterator

import pytest

from postwarden import __version__
from postwarden.cli import VERBS, build_parser
from tests.unit.cli.conftest import Run


def parsers(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command and action, with the words that lead to it."""
    yield words, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from parsers(below, (*words, name))


ALL = dict(parsers(build_parser()))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does_with_an_example(verb: str) -> None:
    """Each verb has a line, a description, and examples that begin as people type them."""
    module = VERBS[verb]
    assert module.HELP
    assert len(module.DESCRIPTION) > len(module.HELP)
    assert "examples:" in module.EPILOG
    assert f"\n  postwarden {verb}" in module.EPILOG
    assert not module.HELP.endswith(".")
    assert module.DESCRIPTION.endswith(".")


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_works_everywhere(words: tuple[str, ...], run: Run) -> None:
    """`--help` of every verb and action prints to stdout, exits 0, and fits a terminal."""
    done = run(*words, "--help")
    assert done.code == 0
    assert done.err == ""
    assert done.out.startswith(f"usage: {' '.join(('postwarden', *words))}")
    assert all(len(line) <= 120 for line in done.out.splitlines())


@pytest.mark.parametrize("verb", VERBS)
def test_the_first_help_lists_every_verb(verb: str, run: Run) -> None:
    """A newcomer finds every verb, where to start, and the exit codes on one screen."""
    out = run("--help").out
    assert f"\n    {verb}" in out
    assert "exit codes:" in out
    assert "start here:" in out


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_argument_is_explained(words: tuple[str, ...]) -> None:
    """No option or argument is left without a word of help, unless its name says it all."""
    plain = {"files", "internal_domain", "account"}
    missing = [action.dest for action in ALL[words]._actions if not action.help and action.dest not in plain]
    assert [name for name in missing if name not in {"verb", "action"}] == []


def test_the_examples_of_the_help_parse() -> None:
    """Every example that the help gives is a command line that the program takes."""
    parser = build_parser()
    seen = 0
    for module in VERBS.values():
        for line in module.EPILOG.splitlines():
            if not line.startswith("  postwarden "):
                continue
            words = shlex.split(line.split("   ")[0].split(" | ")[0].split(" > ")[0])
            parser.parse_args(words[1:])
            seen += 1
    assert seen > 15


def test_the_version_is_printed(run: Run) -> None:
    """`--version` is one line on stdout."""
    done = run("--version")
    assert (done.code, done.out) == (0, f"postwarden {__version__}\n")


@pytest.mark.parametrize(
    "words",
    [
        (), ("audit",), ("audit", "--all", "--account", "a"), ("frobnicate",), ("audit", "--al"), ("findings",), ("findings", "frob"),
        ("rules",), ("findings", "ack", "X"), ("audit", "--all", "--fail-on", "worst"), ("inspect",), ("inspect", "x", "--kind", "y"),
        ("verify", "a", "b"), ("audit", "--all", "--password", "x"), ("--config",),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_command_line_is_told_on_stderr(words: tuple[str, ...], run: Run) -> None:
    """Usage errors exit 2, print nothing on stdout, and look like all other errors."""
    done = run(*words)
    assert done.code == 2
    assert done.out == ""
    assert done.err
    if words:
        assert done.err.startswith("postwarden: error: ")
        assert "postwarden: hint: " in done.err


def test_no_option_takes_a_secret() -> None:
    """Secrets never come over the command line, where every user of the host can read them."""
    options = {
        word for parser in ALL.values() for action in parser._actions for word in action.option_strings
    }
    assert not {
        word
        for word in options
        if any(name in word for name in ("password", "secret", "token", "credential"))
    }
