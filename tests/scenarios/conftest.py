"""A sysadmin's place: a running lab, an agent.toml for it, a ledger, and the command line as a process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from postwarden import lab
from postwarden.cli.demo import write_configuration
from tests.lab.conftest import start_labs
from tests.record_schema import ledger_misfits


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.objects if one["type"] == kind]


@dataclass(frozen=True)
class Workplace:
    """A folder with agent.toml and a state folder."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "agent.toml"

    @property
    def ledger(self) -> Path:
        return self.folder / "state" / "ledger"

    def command(self, *arguments: str) -> list[str]:
        """The command line; `--config` is added where the verb takes it."""
        command = [sys.executable, "-m", "postwarden", *arguments]
        if "--config" not in arguments and arguments[0] not in {"demo", "verify-proof", "--version"}:
            command += ["--config", str(self.config)]
        return command

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command under way."""
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "nowhere"), **self.environment},
            cwd=self.folder,
        )

    def run(self, *arguments: str) -> Done:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=110)
        return Done(process.returncode, out, err)

    def findings(self, *arguments: str) -> set[tuple[str, str, str]]:
        """Account, rule and status of the findings that `findings list` shows."""
        return {
            (one["account"], one["finding"]["name"], one["status"])
            for one in self.run("findings", "list", "--json", *arguments).of("finding")
        }

    def records(self) -> list[dict[str, Any]]:
        """The ledger's records, read as anybody would."""
        lines: list[dict[str, Any]] = []
        for segment in sorted((self.ledger / "records").iterdir()):
            lines += [json.loads(line) for line in segment.read_bytes().splitlines()]
        return lines

    def change(self, old: str, new: str) -> None:
        """Replaces text in agent.toml, which must be there."""
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))


def make_workplace(running: lab.Lab) -> Workplace:
    """A new folder with a configuration for the lab, and a ledger."""
    folder = Path(tempfile.mkdtemp(prefix="postwarden-scenario-"))
    write_configuration(folder, running)
    place = Workplace(folder)
    assert place.run("init").code == 0
    return place


@pytest.fixture
def workplace(dovecot: lab.Lab) -> Iterator[Workplace]:
    """A workplace on the Dovecot that nobody changes."""
    place = make_workplace(dovecot)
    yield place
    shutil.rmtree(place.folder)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[lab.Lab]:
    """A running Dovecot for tests that only read."""
    for start in start_labs("dovecot"):
        yield start()


@pytest.fixture
def own_dovecot() -> Iterator[lab.Lab]:
    """A Dovecot for one test that changes it."""
    for start in start_labs("dovecot"):
        yield start()


@pytest.fixture
def own_workplace(own_dovecot: lab.Lab) -> Iterator[Workplace]:
    """A workplace on a Dovecot of its own."""
    place = make_workplace(own_dovecot)
    yield place
    shutil.rmtree(place.folder)


@pytest.fixture
def start_blind() -> Iterator[Workplace]:
    """A workplace on a Dovecot whose master user has no acl_user."""
    for start in start_labs("dovecot"):
        place = make_workplace(start(acl_user=False))
        yield place
        shutil.rmtree(place.folder)


@pytest.fixture
def plain_workplace() -> Iterator[Workplace]:
    """A workplace on a Dovecot that takes passwords in cleartext, read without TLS by name."""
    for start in start_labs("dovecot"):
        running = start(plaintext=True)
        place = make_workplace(running)
        text = place.config.read_text().replace(f"port = {running.imaps_port}", f"port = {running.imap_port}")
        text = text.replace("ca_file = ", f'tls = "none"\ncleartext_to = "{running.host}"\nca_file = ')
        place.config.write_text(text)
        yield place
        shutil.rmtree(place.folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Every record that a scenario wrote fits the published schema of its kind."""
    found = [
        misfit
        for value in getattr(item, "funcargs", {}).values()
        for folder in [value.folder if isinstance(value, Workplace) else value]
        if isinstance(folder, Path)
        for ledger in folder.rglob("ledger")
        for misfit in ledger_misfits(ledger)
    ]
    yield
    assert found == []
