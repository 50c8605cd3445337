"""The program under what its units forbid, and that it is forbidden."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postwarden.cli.demo import write_configuration
from postwarden.connectors.drop_folder import DropFolderSource, Options
from postwarden.lab import exchange
from postwarden.model.account import Account
from postwarden.pipeline.collect import collect_account
from tests.deploy.conftest import Confined
from tests.lab.conftest import start_labs
from tests.scenarios.conftest import Workplace

SERVICE, COLLECT = "postwarden.service", "postwarden-collect.service"

#: What a service that was taken over would try, in Python, and what is said where the sandbox bites.
TRIES = {
    "memory that is writable and executable": ("import mmap; mmap.mmap(-1, 4096, prot=7)", "PermissionError"),
    "memory that becomes executable": (
        """
import ctypes, mmap
memory = mmap.mmap(-1, 4096)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
call("mprotect", ctypes.c_void_p(start), 4096, 5)
""",
        "PermissionError",
    ),
    "a namespace": ('call("unshare", 0x10000000)', "PermissionError"),
    "a file that runs as its owner": (
        "import os; open('x', 'w').close(); os.chmod('x', 0o4755)",
        "PermissionError",
    ),
    "a mount": ('call("mount", b"none", b".", b"tmpfs", 0, None)', "PermissionError"),
    "another owner": ("import os; os.chown('.', -1, -1)", "PermissionError"),
    "another priority": ("import os; os.nice(1)", "PermissionError"),
    "to be debugged": ('call("ptrace", 0, 0, 0, 0)', "PermissionError"),
    "a netlink socket": ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "not supported"),
    "a raw packet": ("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "not supported"),
}
#: Those that need no power, so that anybody may do them outside.
ORDINARY = set(TRIES) - {"a namespace", "a mount", "a raw packet"}

CALL = """
import ctypes, os

def call(name, *arguments):
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

"""


@pytest.mark.parametrize("what", TRIES)
def test_the_sandbox_bites(confined: Confined, what: str, tmp_path: Path) -> None:
    """What the unit forbids fails in a program that tries it, and only there: so the tests below show something."""
    program, expected = TRIES[what]
    command = [sys.executable, "-c", CALL + program]
    done = confined(SERVICE, command, cwd=tmp_path)
    assert expected in done.stderr, done
    if what in ORDINARY:
        outside = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert outside.returncode == 0, outside


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
def test_the_collector_has_no_sockets_and_the_service_has_those_it_needs(
    confined: Confined, family: str, tmp_path: Path
) -> None:
    """Root without any network, beside a service that talks to mail servers and to systemd."""
    program = [sys.executable, "-c", f"import socket; socket.socket(socket.{family}).close(); print('open')"]
    assert "not supported" in confined(COLLECT, program, cwd=tmp_path).stderr
    assert confined(SERVICE, program, cwd=tmp_path).stdout == "open\n"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """Both labs and a drop folder, an agent.toml for them, and no ledger yet."""
    for start in start_labs("dovecot"):
        folder = Path(tempfile.mkdtemp(prefix="postwarden-sandbox-"))
        (tmp_path / "exchange").mkdir()
        with exchange.start(tmp_path / "exchange") as mail:
            place = Workplace(folder)
            write_configuration(folder, start(), mail)
            place.change("list = [", 'list = [\n  { login = "dropped", sources = ["host"] },')
            with place.config.open("a") as stream:
                stream.write('[[source]]\nname = "host"\nkind = "drop_folder"\npath = "drop"\n')
            dropped = folder / "drop" / "dropped" / "a.forward"
            dropped.parent.mkdir(parents=True)
            dropped.write_text("a@elsewhere.example")
            hour_ago = time.time() - 3600  # noqa: TID251 - as a file's time, which is the machine's
            os.utime(dropped, (hour_ago, hour_ago))
            yield place
        shutil.rmtree(folder)


def told(lines: str) -> dict[str, Any]:
    """What an audit says that must not depend on the sandbox."""
    objects = [json.loads(line) for line in lines.splitlines()]
    return {
        "findings": sorted(
            (one["account"] or "", one["finding"]["name"], one["finding"]["id"])
            for one in objects
            if one["type"] == "finding"
        ),
        "coverage": sorted(
            (
                one["account"] or "",
                one["coverage"]["source"],
                one["coverage"]["check"],
                one["coverage"]["status"],
            )
            for one in objects
            if one["type"] == "coverage"
        ),
        "summary": [
            {key: value for key, value in one.items() if key != "errors"}
            for one in objects
            if one["type"] == "summary"
        ],
    }


def test_the_whole_audit_of_the_lab_runs_in_the_sandbox(place: Workplace, confined: Confined) -> None:
    """All accounts of Dovecot, Exchange and a drop folder, inside and outside: same code, findings and coverage."""
    program = [sys.executable, "-m", "postwarden"]
    config = ["--config", str(place.config)]
    assert place.run("init").code == 0
    outside = place.run("audit", "--all", "--json")
    # A ledger of its own, so that both audits are the first.
    place.change('folder = "state"', 'folder = "inside"')
    assert confined(SERVICE, [*program, "init", *config]).returncode == 0
    inside = confined(SERVICE, [*program, "audit", "--all", "--json", *config])
    assert (inside.returncode, inside.stderr) == (outside.code, outside.err)
    assert told(inside.stdout) == told(outside.out)
    assert ("dropped", "external_redirect_everything") in {
        (one[0], one[1]) for one in told(inside.stdout)["findings"]
    }
    assert len(told(inside.stdout)["findings"]) > 28
    assert not any(row[3] == "gap" for row in told(inside.stdout)["coverage"])
    assert confined(SERVICE, [*program, "verify", *config]).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_collector_works_with_the_one_capability_that_it_has(confined: Confined, tmp_path: Path) -> None:
    """As root with nothing but the power to read, and under its filter, it takes a private file of another user."""
    people = tmp_path / "passwd"
    home = tmp_path / "homes" / "alice"
    home.mkdir(parents=True)
    (home / ".forward").write_text("a@elsewhere.example")
    (home / ".forward").chmod(0o600)
    for path in (home, home / ".forward"):
        os.chown(path, 54321, 54321)
    home.chmod(0o700)
    (tmp_path / "drop").mkdir()
    (tmp_path / "state").mkdir()
    people.write_text(f"alice:x:54321:54321::{home}:/bin/sh\n")
    config = tmp_path / "collect.toml"
    config.write_text(
        f'drop = "{tmp_path}/drop"\nstate = "{tmp_path}/state"\ngroup = "root"\n[users]\nfiles = ["{people}"]\n'
        '[[files]]\nkind = "forward"\npath = "%h/.forward"\n'
    )
    command = [sys.executable, "-m", "postwarden", "collect", "--config", str(config)]
    done = confined(COLLECT, command, capabilities=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 files, 1 batches written" in done.stdout
    # Without this power it could not: the sandbox is what the unit says, and the unit gives what is needed.
    writes = confined(
        COLLECT, [sys.executable, "-c", f"open({str(home / 'planted')!r}, 'w')"], capabilities=True
    )
    assert "PermissionError" in writes.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_service_takes_what_the_collector_wrote(confined: Confined) -> None:
    """Root writes, another user of the same group reads and moves: with the modes that the units and tmpfiles give."""
    service, group, stranger = 54322, 54322, 54323
    folder = Path(tempfile.mkdtemp(prefix="postwarden-users-")).resolve()
    folder.chmod(0o755)
    home = folder / "homes" / "alice"
    home.mkdir(parents=True)
    (home / ".forward").write_text("a@elsewhere.example")
    os.chown(home / ".forward", stranger, stranger)
    (folder / "state").mkdir()
    drop = folder / "drop"
    drop.mkdir()
    os.chown(drop, 0, group)
    drop.chmod(0o2770)
    (folder / "passwd").write_text(f"alice:x:{stranger}:{stranger}::{home}:/bin/sh\n")
    (folder / "collect.toml").write_text(
        f'drop = "{drop}"\nstate = "{folder}/state"\n[users]\nfiles = ["{folder}/passwd"]\n'
        '[[files]]\nkind = "forward"\npath = "%h/.forward"\n'
    )
    # The test's group has no name, which is all that the command asks for.
    program = (
        "import os, sys; from postwarden.cli import collect, run; "
        f"collect._group = lambda name: {group}; os.setgid({group}); sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "collect", "--config", str(folder / "collect.toml")]
    # Under the unit the group comes from systemd; here it is set before the sandbox would forbid it.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    source = DropFolderSource(
        "host",
        Options(path="drop"),
        folder=folder,
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - files are of now
    )
    alice = Account(key="login:alice", login="alice")
    before = os.umask(0o077)
    try:
        os.setegid(group)
        os.seteuid(service)
        reading = collect_account(alice, [source], lambda *_: None, None)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.umask(before)
    assert reading.gaps == ()
    assert len(reading.evidence) == 1
    (taken,) = (drop / "done" / "alice").iterdir()
    assert (drop / "done").stat().st_uid == service
    assert taken.stat().st_uid == 0
    for path in (drop / "alice", taken, *taken.iterdir()):
        status = path.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o007) == (0, group, 0), path
    shutil.rmtree(folder)
