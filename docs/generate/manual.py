"""docs/postwarden.1 and the shells' completions: from the parser that the program itself uses."""

import argparse
import re
from collections.abc import Iterator
from typing import Literal

import shtab
from argparse_manpage.manpage import Manpage  # type: ignore[import-untyped]  # the package has no types

from postwarden import __version__
from postwarden.cli import VERBS, build_parser

#: Day of the page: that of its content, so that the same content gives the same page.
DATE = "2026-11-23"
_NAME = "find what an intruder leaves behind in mail accounts, and prove it"

#: Arguments that name a file or folder, by where argparse puts them.
_FILES = {"config", "files", "file"}
_FOLDERS = {"ledger", "dir", "path"}

_FILE_LIST = r"""
.TP
.I ./agent.toml, ~/.config/postwarden/agent.toml, /etc/postwarden/agent.toml
The configuration: the first of these that is there. It and its folder must belong to root or to the caller, and
nobody else may be able to write them.
.TP
.I ~/.local/state/postwarden, /var/lib/postwarden
The state folder: the ledger, its private key, and the index of findings. The second is for a configuration in
/etc/postwarden.
"""


def manual_page() -> str:
    """The manual page in man(7) format."""
    parser = build_parser()
    _fix_width(parser)
    epilog, parser.epilog = parser.epilog or "", None
    page = Manpage(parser, format="single-commands-section")
    page.date, page.manual, page.description = DATE, "postwarden manual", _NAME
    page.source = f"postwarden {__version__}"
    page.add_section("examples", ">", "\n".join(_examples(epilog)))
    page.add_section("exit status", ">", "\n".join(_exit_codes(epilog)))
    page.add_section("files", ">", _FILE_LIST.strip())
    text = str(page).replace(".SH\nPOSITIONAL ARGUMENTS", ".SH COMMANDS")
    return re.sub(r"^usage: (.+?)\n\n", _usage, text, flags=re.MULTILINE | re.DOTALL)


def completion(shell: Literal["bash", "zsh"]) -> str:
    """The completion script for a shell."""
    parser = build_parser()
    for action in _actions(parser):
        if action.dest in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab reads this attribute
        elif action.dest in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # shtab reads this attribute
    return shtab.complete(parser, shell).rstrip("\n") + "\n"


def _usage(match: re.Match[str]) -> str:
    """A verb's usage, with its lines as they are, moved to where the word `usage:` stood."""
    return ".nf\n" + match[1].replace("\n" + " " * len("usage: "), "\n") + "\n.fi\n\n"


class _Fixed(argparse.RawDescriptionHelpFormatter):
    """Breaks lines at a width of its own: the page must not depend on a terminal's."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=78)


def _fix_width(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = _Fixed
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no other way
            for below in action.choices.values():
                below.formatter_class = _Fixed


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every option and argument, those of the verbs too."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - nor to tell them apart
            for below in action.choices.values():
                yield from _actions(below)


def _examples(epilog: str) -> Iterator[str]:
    yield from _preformatted(_part(epilog, "start here"))
    for name, module in VERBS.items():
        part = _part(module.EPILOG, "examples")
        if part:
            yield f".SS postwarden {name}"
            yield from _preformatted(part)


def _exit_codes(epilog: str) -> Iterator[str]:
    yield from _preformatted(_part(epilog, "exit codes"))
    for name, module in VERBS.items():
        part = _part(module.EPILOG, "exit codes")
        if part:
            yield f".SS postwarden {name}"
            yield from _preformatted(part)


def _part(epilog: str, title: str) -> list[str]:
    """The lines under `title` in a verb's epilog, each code or example on its own."""
    for block in epilog.split("\n\n"):
        head, colon, rest = block.partition(":")
        if colon and head == title:
            lines = [line.strip() for line in rest.strip("\n").split("\n")]
            # Codes stand side by side in `--help`; examples have their comment after such a gap.
            return [one for line in lines for one in re.split(r" {4,}(?=\d)", line)]
    return []


def _preformatted(lines: list[str]) -> Iterator[str]:
    yield ".nf"
    for line in lines:
        escaped = line.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
        yield f"\\&{escaped}" if escaped.startswith(".") else escaped
    yield ".fi"
