"""A skip that nobody expected fails a run that must be whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import is_allowed, read_allowed
from tests.packaging.conftest import ROOT

_TESTS = """\
import pytest

@pytest.mark.skip(reason="root only")
def test_known():
    "A skip that the list names."

@pytest.mark.parametrize("number", [1])
def test_unknown(number):
    "A skip that it does not name."
    if {unknown}:
        pytest.skip("it is raining")

@pytest.mark.xfail(reason="not done yet")
def test_expected():
    "A failure that is expected is no skip."
    assert False
"""


def run(folder: Path, *options: str, unknown: bool, required: bool = True) -> tuple[int, str]:
    """Exit code and output of pytest on a small suite with this tree's conftest."""
    suite = folder / "tests"
    suite.mkdir(exist_ok=True)
    (suite / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (suite / "allowed_skips.txt").write_text("# a comment\n\ntests/test_it.py::*known  # root only\n")
    (suite / "test_it.py").write_text(_TESTS.format(unknown=unknown))
    environment = {name: value for name, value in os.environ.items() if name != "POSTWARDEN_REQUIRE"}
    environment |= {"POSTWARDEN_REQUIRE": "dovecot"} if required else {}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(folder), *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_an_unexpected_skip_fails_the_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    """The run fails and names the test and its reason, with workers and without."""
    code, out = run(tmp_path, *options, unknown=True)
    assert code == 1, out
    assert "2 skips, 1 not allowed" in out
    assert "NOT ALLOWED  tests/test_it.py::test_unknown[1]: it is raining" in out
    assert "allowed  tests/test_it.py::test_known: root only" in out


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_an_expected_skip_does_not(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A run with nothing but allowed skips passes, and lists them."""
    code, out = run(tmp_path, *options, unknown=False)
    assert code == 0, out
    assert "1 skips, 0 not allowed" in out


def test_a_module_that_is_skipped_as_a_whole_is_a_skip(tmp_path: Path) -> None:
    """A module that skips itself when it is collected fails the run too."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_module.py").write_text(
        'import pytest\npytest.skip("it is raining", allow_module_level=True)\n'
    )
    code, out = run(tmp_path, unknown=False)
    assert code == 1, out
    assert "NOT ALLOWED  tests/test_module.py: it is raining" in out


def test_the_reason_must_be_the_expected_one() -> None:
    """A test's id alone is not enough: it must be skipped for the reason that stands beside it."""
    allowed = read_allowed("tests/test_it.py::*[a-1]  # root only\n")
    assert is_allowed(allowed, "tests/test_it.py::test_known[a-1]", "root only")
    assert not is_allowed(allowed, "tests/test_it.py::test_known[a-1]", "it is raining")
    assert not is_allowed(allowed, "tests/test_other.py::test_known[a-1]", "root only")


def test_without_the_variable_skips_are_only_skips(tmp_path: Path) -> None:
    """Where nothing is required, a skip fails nothing."""
    code, out = run(tmp_path, unknown=True, required=False)
    assert code == 0, out
    assert "not allowed" not in out
