"""What must not be in the tree: another machine's paths, registries' names, what a merge left."""

import re
import subprocess

import pytest

from tests.packaging.conftest import ROOT, tracked

# Written with classes of one character, so that this file does not find itself.
PATTERNS = {
    "a path of somebody's machine": r"(^|[^A-Za-z0-9_.$%{}/-])/([h]ome|[U]sers|[r]oot|[w]ork|[w]orkspace)/[A-Za-z0-9._]",
    "a path on a drive": r"\b[C]:\\[A-Za-z]",
    "a registry's host name": r"[p]ypi\.org|[p]ythonhosted|registry[.]npmjs|[c]rates\.io|proxy[.]golang|[a]rtifactory|[n]exus[.]",
    "a conflict marker": r"^([<]{7}|[>]{7}|[=]{7})( |$)",
}


def found(pattern: str) -> list[str]:
    """The lines of tracked files, as they are now, that the pattern is in."""
    command = ["git", "grep", "--no-color", "-n", "-I", "-P", "-e", pattern]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("what", PATTERNS)
def test_the_tree_is_clean(what: str) -> None:
    """No tracked file has it."""
    tracked()  # skips where this is no clone
    assert found(PATTERNS[what]) == []


@pytest.mark.parametrize(
    ("what", "line", "letter"),
    [
        ("a path of somebody's machine", "see /~ome/alice/postwarden", "h"),
        ("a path of somebody's machine", "'/~oot/.venv'", "r"),
        ("a path on a drive", "~:\\Users", "C"),
        ("a registry's host name", "https://~ypi.org/simple", "p"),
        ("a conflict marker", "~<<<<<< HEAD", "<"),
        ("a conflict marker", "~======", "="),
    ],
)
def test_a_pattern_finds_what_it_is_for(what: str, line: str, letter: str) -> None:
    """Each pattern finds a line of its kind, and not the one that stands here."""
    assert re.search(PATTERNS[what], line.replace("~", letter))
    assert not re.search(PATTERNS[what], line)


def test_no_file_is_executable_by_accident() -> None:
    """Only what is run by name is executable."""
    modes = subprocess.run(
        ["git", "ls-files", "--stage"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    executable = [line.split("\t")[1] for line in modes.stdout.splitlines() if line.startswith("100755")]
    assert [name for name in executable if name != ".ci/run"] == []
