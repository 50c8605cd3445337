"""Running a program as a unit would."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.units import confinement, needs_systemd, read

#: Runs a command under a service's sandbox: `confined("postwarden.service", [...])`.
Confined = Callable[..., "subprocess.CompletedProcess[str]"]
LAUNCHER = Path(__file__).with_name("confined.py")


@pytest.fixture
def confined(tmp_path: Path) -> Confined:
    needs_systemd()

    def go(
        unit: str,
        command: list[str],
        *,
        capabilities: bool = False,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "subprocess.CompletedProcess[str]":
        spec = confinement(read(unit))
        if not capabilities:
            # The service has none at all, and the tests' user may be root, whose files others cannot be.
            spec["capabilities"] = None
        path = tmp_path / f"{unit}.json"
        path.write_text(json.dumps(spec))
        return subprocess.run(
            [sys.executable, str(LAUNCHER), str(path), *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            env={**os.environ, **(environment or {})},
            **options,
        )

    return go
