"""Running a program as a unit would."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.units import confinement, needs_systemd, read

#: The words before a command that put a service's sandbox on it: `sandbox("postwarden.service")`.
Sandbox = Callable[..., list[str]]
#: Runs a command under a service's sandbox: `confined("postwarden.service", [...])`.
Confined = Callable[..., "subprocess.CompletedProcess[str]"]
LAUNCHER = Path(__file__).with_name("confined.py")


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    def go(unit: str, *, capabilities: bool = False) -> list[str]:
        needs_systemd()
        spec = confinement(read(unit))
        if not capabilities:
            # The service has none at all, and the tests' user may be root, whose files others cannot be.
            spec["capabilities"] = None
        path = tmp_path / f"{unit}.json"
        path.write_text(json.dumps(spec))
        return [sys.executable, str(LAUNCHER), str(path)]

    return go


@pytest.fixture
def confined(sandbox: Sandbox) -> Confined:
    def go(
        unit: str, command: list[str], *, capabilities: bool = False, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*sandbox(unit, capabilities=capabilities), *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            cwd=cwd,
        )

    return go
