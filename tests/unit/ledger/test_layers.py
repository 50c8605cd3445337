"""The ledger is built from the standard library, cryptography and our errors, and from nothing else."""

import ast
import sys
from pathlib import Path

import postwarden.ledger

ALLOWED = {"cryptography", "postwarden.errors", "postwarden.ledger", *sys.stdlib_module_names}


def test_the_ledger_imports_little() -> None:
    """Whoever verifies needs to read these files and cryptography's only."""
    foreign = []
    for path in Path(postwarden.ledger.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level
                names = [node.module or ""]
            for name in names:
                parts = name.split(".")
                if not {".".join(parts[: end + 1]) for end in range(len(parts))} & ALLOWED:
                    foreign.append(f"{path.name}: {name}")
    assert foreign == []
