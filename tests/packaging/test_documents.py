"""The generated documents, and README's help block: as the code is now."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import FOLDER, documents, write
from postwarden.cli import build_parser
from tests.packaging.conftest import ROOT


def every_parser(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The program's parser and those of its verbs and their actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from every_parser(below)


def every_verb() -> Iterator[argparse.ArgumentParser]:
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def sections(page: str) -> dict[str, str]:
    """The text of each subsection about one command, without fonts and escapes."""
    plain = re.sub(r"\\f[A-Z]|\\[,/&]", "", page).replace("\\-", "-")
    commands = plain.partition(".SH COMMANDS")[2].partition(".SH ")[0]
    found = {}
    for part in commands.split(".SS ")[1:]:
        name, _, text = part.partition("\n")
        found[name] = text
    return found


@pytest.mark.parametrize("name", sorted(documents()))
def test_a_generated_document_is_up_to_date(name: str) -> None:
    """The document is what `make docs` writes now."""
    assert (FOLDER / name).read_text(encoding="utf-8") == documents()[name], "run make docs"


def test_no_schema_is_left_over(tmp_path: Path) -> None:
    """Every schema that is there is of an object that is printed; writing removes others."""
    made = {name for name in documents() if name.startswith("schema/")}
    assert {path.relative_to(FOLDER).as_posix() for path in (FOLDER / "schema").iterdir()} == made
    stale = tmp_path / "schema" / "stale.json"
    stale.parent.mkdir()
    stale.touch()
    write(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in stale.parent.iterdir()} == made


def test_no_meaning_is_left_over() -> None:
    """Every text in meanings.toml is used, on the page or in a schema."""
    made = "".join(documents().values())
    texts = tomllib.loads((FOLDER / "generate" / "meanings.toml").read_text(encoding="utf-8"))
    assert [text for table in texts.values() for text in table.values() if text not in made] == []


def test_documents_do_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal gives the same documents as a wide one."""
    monkeypatch.setenv("COLUMNS", "200")
    wide = documents()
    monkeypatch.setenv("COLUMNS", "40")
    assert documents() == wide


def test_every_command_and_option_is_in_the_manual_page() -> None:
    """The manual page has a part for each command, with each of its options and arguments."""
    page = (FOLDER / "postwarden.1").read_text(encoding="utf-8")
    found = sections(page)
    for parser in every_parser(build_parser()):
        text = found[parser.prog] if parser.prog != "postwarden" else page.replace("\\-", "-")
        for action in parser._actions:
            for name in action.option_strings or [str(action.metavar or action.dest)]:
                shown = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
                assert shown or name == "--help", f"{parser.prog} {name}"


def test_examples_and_exit_codes_are_in_the_manual_page() -> None:
    """Each example and each exit code that `--help` shows, of the program and its verbs, stands in the page."""
    page = (FOLDER / "postwarden.1").read_text(encoding="utf-8").replace("\\-", "-").replace("\\(aq", "'")
    verbs = [build_parser(), *every_verb()]
    for parser in verbs:
        examples, _, codes = str(parser.epilog).partition("exit codes")
        lines = [line.strip() for line in examples.splitlines() if line.startswith("  ")]
        assert lines, parser.prog
        assert [line for line in lines if line not in page] == []
        found = re.findall(r"(?<!\S)\d+ \S.*?(?= {3,}|$)", codes, re.MULTILINE)
        assert [code for code in found if code not in page] == []
    assert all(f"\n{code} " in page for code in (0, 1, 2, 3, 4, 70))


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_is_sound() -> None:
    """Groff formats the manual page without a warning."""
    page = FOLDER / "postwarden.1"
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", str(page)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "postwarden" in done.stdout


def test_the_completion_for_bash_completes(tmp_path: Path) -> None:
    """After sourcing the script, bash knows the verbs, the options of a verb, and the values of an option."""
    script = FOLDER / "completion" / "postwarden.bash"
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert complete(script, "postwarden", "che") == {"check-config"}
    assert complete(script, "postwarden", "findings", "") >= {"list", "show", "ack", "rebuild"}
    assert complete(script, "postwarden", "audit", "--no") == {"--no-record"}
    assert complete(script, "postwarden", "audit", "--fail-on", "h") == {"high"}
    (tmp_path / "alice.sieve").touch()
    assert complete(script, "postwarden", "inspect", "ali", cwd=tmp_path) == {"alice.sieve"}


def complete(script: Path, *words: str, cwd: Path = ROOT) -> set[str]:
    """What bash offers for the last of the words."""
    line = f'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; _shtab_postwarden; '
    line += 'printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "--norc", "-c", line, "bash", str(script), *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_readme_shows_the_help() -> None:
    """README's help block is what `postwarden --help` prints."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- help -->\n+```text\n(.*?)```\n+<!-- /help -->", readme, re.DOTALL)
    printed = subprocess.run(
        [sys.executable, "-m", "postwarden", "--help"],
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if sys.version_info < (3, 13):
        assert block == printed
    # Python 3.13 lays the same words out in other columns.
    assert block.split() == printed.split()
