"""The tree as a clone has it, and what is built from it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> tuple[Path, ...]:
    """The paths that git tracks and that are there, relative to the tree."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("this tree is no clone")
    paths = (Path(name) for name in done.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if (ROOT / path).is_file())


@pytest.fixture(scope="session")
def files() -> tuple[Path, ...]:
    """What git tracks."""
    return tracked()


@pytest.fixture(scope="session")
def clone(files: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks, and nothing else."""
    folder = tmp_path_factory.mktemp("clone")
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    return folder
