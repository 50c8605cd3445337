"""How long the program takes to start."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Ratio, compare

RUNS = 15


def ratios() -> Iterator[Ratio]:
    program = Path(sys.executable).parent / "postwarden"
    yield compare(
        "postwarden --version",
        lambda: _run(str(program), "--version"),
        "python -c pass",
        lambda: _run(sys.executable, "-c", "pass"),
        runs=RUNS,
        target=4,
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
