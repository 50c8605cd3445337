"""Where data and schemas from outside lie."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("POSTWARDEN_SHARED") or Path(__file__).parents[4] / "shared")


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        message = f"{name} is not in the folder of shared data (POSTWARDEN_SHARED names another)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """A file or folder of data from outside; the test is skipped, by name, where it is missing."""
    return _shared
