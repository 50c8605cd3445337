"""Where seeds come from."""

import subprocess
from pathlib import Path

import pytest

from tests.quality.access import __main__ as command
from tests.quality.access import seeds

FILE = "agent/postwarden/detect/access/scorer.py"


def git(folder: Path, *arguments: str) -> None:
    name = ("-c", "user.name=n", "-c", "user.email=n@kitano-works.example")
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a detector in it."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    (tmp_path / FILE).write_text("a = 1\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "a detector")
    monkeypatch.setattr(seeds, "ROOT", tmp_path)
    return tmp_path


def test_test_seeds_change_with_the_detector_only(repository: Path) -> None:
    """A commit beside the detector leaves them as they are, one that touches it does not."""
    before = seeds.seeds_of(seeds.judged_commit(), 3)
    (repository / "README.md").write_text("read me\n", encoding="utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "a page")
    assert seeds.seeds_of(seeds.judged_commit(), 3) == before
    (repository / FILE).write_text("a = 2\n", encoding="utf-8")
    git(repository, "commit", "-qam", "another detector")
    assert not set(before) & set(seeds.seeds_of(seeds.judged_commit(), 3))


def test_there_are_no_test_seeds_for_what_is_not_committed(repository: Path) -> None:
    """A changed detector has none, and the message says what to do."""
    (repository / FILE).write_text("a = 2\n", encoding="utf-8")
    with pytest.raises(seeds.NoTestSeedsError, match=r"scorer\.py.*--development"):
        seeds.judged_commit()


def test_without_a_repository_the_command_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 2 and says how to run it, before anything is simulated."""
    monkeypatch.setattr(seeds, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert command.main(["--quick"]) == 2
    assert "--development" in capsys.readouterr().err


def test_development_seeds_are_always_the_same() -> None:
    """They are neither those of a test nor those of the calibration."""
    development = seeds.development_seeds(3)
    assert development == ("development 1", "development 2", "development 3")
    assert not set(development) & set(seeds.calibration_seeds(3))
