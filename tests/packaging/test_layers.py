"""The layers that import-linter checks, and that it does check them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

#: What each contract of pyproject.toml forbids: a module, and a line that it must not have.
FORBIDDEN = {
    "The house: a layer imports only those below it": ("config/settings.py", "import postwarden.pipeline.judge"),
    "Connectors and formats never judge and never record": ("connectors/wire.py", "import postwarden.ledger.tree"),
    "Judging and decoding do no I/O": ("mailflow/wording.py", "import socket"),
    "The ledger knows nothing about mail": ("ledger/tree.py", "import msgspec"),
    "Only the demo starts the lab": ("cli/verify.py", "import postwarden.lab"),
    "The generator of logs knows nothing of those who read them": ("lab/logs/journal.py", "import postwarden.formats.json_text"),
    "No circles": ("model/scope.py", "import postwarden.model.finding"),
}  # fmt: skip


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter on the package in `folder`, with the contracts of this tree."""
    return subprocess.run(
        [
            str(Path(sys.executable).parent / "lint-imports"),
            "--config",
            str(ROOT / "pyproject.toml"),
            "--no-cache",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_layers_hold() -> None:
    """Every contract is kept."""
    done = lint(ROOT / "agent")
    assert done.returncode == 0, done.stdout
    assert f"{len(FORBIDDEN)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", FORBIDDEN)
def test_a_forbidden_import_is_found(contract: str, tmp_path: Path) -> None:
    """An import that a contract forbids, added to a copy of the package, breaks that contract."""
    module, line = FORBIDDEN[contract]
    shutil.copytree(
        ROOT / "agent" / "postwarden", tmp_path / "postwarden", ignore=shutil.ignore_patterns("__pycache__")
    )
    with (tmp_path / "postwarden" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout
