"""The lab's servers as processes: who can start them, how many, and that none stays behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden import lab
from postwarden.errors import LabError
from postwarden.lab.ports import Endpoints, free_endpoints, is_free, wait_until_free
from postwarden.lab.process import ServerProcess
from postwarden.lab.wire import imap_session
from tests.lab.conftest import StartLab, require

NOBODY = 65534

#: Starts a lab in the folder that is its argument, opens a mailbox as the master, and waits for the end of its input.
STARTER = """
import sys
from pathlib import Path
from postwarden import lab
from postwarden.lab.wire import imap_session

with lab.start(Path(sys.argv[1]), server="dovecot") as running:
    with imap_session(
        running.imaps_port, running.ca_file, f"naomi.sato*{running.master.login}", running.master.password
    ) as session:
        session.list()
    running.put_script("scanner", "main", "keep;", active=True)
    users = {row.auth_user for row in running.commands()}
    print(running.imap_port, running.imaps_port, running.sieve_port, *sorted(users), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="postwarden-test-"))
    yield made
    shutil.rmtree(made)


def ports_of(running: lab.Lab) -> tuple[int, ...]:
    return Endpoints(running.imap_port, running.imaps_port, running.sieve_port).all()


def start_elsewhere(folder: Path, user: int | None = None) -> subprocess.Popen[str]:
    """Start the lab in another process, which may be another user's."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )


def test_an_ordinary_user_starts_dovecot(folder: Path) -> None:
    """Somebody who is not root, and whose PATH lacks sbin, gets the same lab."""
    require("dovecot", present="dovecot" in lab.available())
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user, user)
    with start_elsewhere(folder, user) as starter:
        assert starter.stdout is not None
        imap, imaps, sieve, *users = starter.stdout.readline().split()
        starter.communicate()
    assert users == ["auditor", "scanner"]
    assert starter.returncode == 0
    assert all(is_free(int(port)) for port in (imap, imaps, sieve))


def test_a_killed_starter_takes_its_server_along(folder: Path) -> None:
    """When the process that started the lab is killed, the server ends by itself."""
    require("dovecot", present="dovecot" in lab.available())
    with start_elsewhere(folder) as starter:
        assert starter.stdout is not None
        ports = tuple(int(word) for word in starter.stdout.readline().split()[:3])
        assert not any(is_free(port) for port in ports)
        starter.send_signal(signal.SIGKILL)
    wait_until_free(ports, seconds=10)


def test_two_run_at_once(start_dovecot: StartLab) -> None:
    """Two labs on one machine have their own mailboxes, ports and certificates."""
    first, second = start_dovecot(), start_dovecot()
    assert not set(ports_of(first)) & set(ports_of(second))
    first.create_folder("scanner", "Only here")
    for running, folders in ((first, {"Only here"}), (second, set[str]())):
        with imap_session(
            running.imaps_port, running.ca_file, "scanner", running.passwords["scanner"]
        ) as session:
            names = {name for name in ("Only here",) if session.select(f'"{name}"')[0] == "OK"}
        assert names == folders
    with (
        pytest.raises(LabError, match="certificate verify failed"),
        imap_session(first.imaps_port, second.ca_file, "scanner", first.passwords["scanner"]),
    ):
        pass


def test_a_stopped_lab_leaves_nothing(folder: Path) -> None:
    """After the end no process of the lab is there, its ports are free, and its log can still be read."""
    require("dovecot", present="dovecot" in lab.available())
    with lab.start(folder, server="dovecot") as running:
        assert folder.name in processes()
        assert not any(is_free(port) for port in ports_of(running))
    running.stop()
    assert folder.name not in processes()
    assert all(is_free(port) for port in ports_of(running))
    assert any("starting up for imap, sieve" in line for line in running.log_lines())


def processes() -> str:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return "\n".join(found)


def test_a_folder_that_dovecot_cannot_enter(folder: Path) -> None:
    """In a folder below a private one, or with a name too long or with spaces, Dovecot starts all the same."""
    require("dovecot", present="dovecot" in lab.available())
    for name in ("private/inside", "with a space", "long" * 25):
        place = folder / name
        place.mkdir(parents=True)
        folder.chmod(0o711)
        place.parent.chmod(0o700 if name.startswith("private") else 0o711)
        with lab.start(place, server="dovecot") as running:
            running.put_script("scanner", "main", "keep;", active=True)
            home = running.ca_file.parents[1]
        if os.geteuid() == 0 or not name.startswith("private"):
            assert not home.exists()


def test_a_failed_start_says_why(folder: Path) -> None:
    """A server that ends while starting is a LabError with its last words."""
    ports = free_endpoints()
    command = ["/bin/sh", "-c", "echo no such thing; exit 3"]
    process = ServerProcess(command, output=folder / "output.log", ports=ports)
    with pytest.raises(LabError, match="ended while starting:\nno such thing"):
        process.wait_until_ready({ports.imap: b"* OK"})


def test_two_labs_that_start_at_once_take_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also before either listens, and also in two processes; what was given back is taken again."""
    # Ports that no other test's lab takes.
    monkeypatch.setattr("postwarden.lab.ports._LOWEST", 32000)
    monkeypatch.setattr("postwarden.lab.ports._HIGHEST", 32010)
    first, second = free_endpoints(), free_endpoints()
    script = "from postwarden.lab import ports; ports._LOWEST, ports._HIGHEST = 32000, 32010; print(*ports.free_endpoints().all(), sep=',')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    third = {int(port) for port in done.stdout.split(",")}
    assert len({*first.all(), *second.all(), *third}) == 9
    fourth = free_endpoints()
    with pytest.raises(LabError, match="no free ports"):
        free_endpoints()
    for each in (first, second, fourth):
        each.give_back()
    assert len({*first.all(), *second.all(), *fourth.all()}) == 9
    free_endpoints().give_back()


def test_a_missing_server_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Dovecot is not installed the error says which packages to install."""
    monkeypatch.setattr("postwarden.lab.dovecot._LIBRARIES", ("/nonexistent",))
    monkeypatch.setattr("postwarden.lab.pymap.find_spec", lambda name: None)
    assert lab.available() == ()
    for server in ("auto", "dovecot"):
        with pytest.raises(LabError) as caught:
            lab.start(folder, server=server)
        assert "apt install dovecot-imapd dovecot-managesieved dovecot-sieve" in (caught.value.hint or "")
    with pytest.raises(LabError, match="pymap is not installed"):
        lab.start(folder, server="pymap")
