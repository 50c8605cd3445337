"""The units as they are shipped, and what they say."""

import shutil
import subprocess
from functools import cache
from typing import Any

from tests.lab.conftest import require
from tests.packaging.conftest import ROOT

FOLDER = ROOT / "deploy"
PROGRAM = "/opt/postwarden/bin/postwarden"
SERVICES = ("postwarden.service", "postwarden-audit@.service", "postwarden-collect.service")

#: Directives that are lists, of which each line adds to the ones before.
Unit = dict[str, list[str]]


def needs_systemd() -> None:
    """Skips the test where systemd-analyze is missing, or fails it where it must be there."""
    require("systemd", present=shutil.which("systemd-analyze") is not None)


def read(name: str) -> Unit:
    """Directive → values, of all sections together."""
    found: Unit = {}
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def command(unit: Unit) -> list[str]:
    """ExecStart in words; no unit of ours quotes anything."""
    (line,) = unit["ExecStart"]
    assert not set(line) & set("\"'\\$")
    return line.split()


@cache
def system_calls(group: str) -> frozenset[str]:
    """The system calls of one of systemd's sets, and of the sets inside it."""
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", group], capture_output=True, text=True, check=True
    )
    found: set[str] = set()
    for line in done.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= system_calls(word)
        elif word and not word.startswith("#"):
            found.add(word)
    assert found, group
    return frozenset(found)


def confinement(unit: Unit) -> dict[str, Any]:
    """What `confined.py` puts on a program, as the unit says it."""
    allowed: set[str] = set()
    for value in unit["SystemCallFilter"]:
        named = {call for word in value.removeprefix("~").split() for call in _calls(word)}
        allowed = allowed - named if value.startswith("~") else allowed | named
    (families,) = unit["RestrictAddressFamilies"]
    assert unit["SystemCallErrorNumber"] == ["EPERM"]
    for directive in ("MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictSUIDSGID", "NoNewPrivileges"):
        assert unit[directive] == ["yes"]
    (capabilities,) = unit["CapabilityBoundingSet"]
    return {
        "system_calls": sorted(allowed),
        "families": [] if families == "none" else families.split(),
        "capabilities": capabilities.split(),
    }


def _calls(word: str) -> frozenset[str]:
    return system_calls(word) if word.startswith("@") else frozenset({word})
