"""The units are sound, as tight as it is said, and start what they say."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden.cli import build_parser
from tests.deploy.conftest import Sandbox
from tests.deploy.units import FOLDER, PROGRAM, SERVICES, command, needs_systemd, read

UNITS = (*SERVICES, "postwarden-collect.timer")
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def systemd() -> None:
    needs_systemd()


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize("name", SERVICES)
def test_exposure_is_as_low_as_it_is_said(name: str) -> None:
    """Systemd's own score of each service is 1.2 or better, and is the one that the README states."""
    done = subprocess.run(
        ["systemd-analyze", "--no-pager", "security", "--offline=yes", "--threshold=12", str(FOLDER / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None
    assert f"| `{name}` | {found[1]} |" in README


@pytest.mark.usefixtures("systemd")
@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_sound(name: str, tmp_path: Path) -> None:
    """Systemd says nothing about it: no unknown directive or set of system calls, nothing missing."""
    program = tmp_path / "postwarden"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    # A timer is looked at with its service.
    for unit in UNITS:
        text = (FOLDER / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace(PROGRAM, str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


@pytest.mark.usefixtures("systemd")
def test_an_unsound_unit_would_be_noticed(tmp_path: Path) -> None:
    """The test above fails for a misspelt directive, an unknown set and a missing program."""
    for line in ("ProtectHom=yes", "SystemCallFilter=@everything", "ExecStartPre=/nowhere"):
        text = (FOLDER / "postwarden.service").read_text(encoding="utf-8").replace(PROGRAM, "/bin/true")
        path = tmp_path / "postwarden.service"
        path.write_text(text.replace("[Install]", f"{line}\n\n[Install]"))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0 or done.stderr != "", line


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_starts_a_command_that_there_is(name: str) -> None:
    """ExecStart is the installed program with a verb and options that it has."""
    program, *arguments = command(read(name))
    assert program == PROGRAM
    args = build_parser().parse_args(arguments)
    assert args.verb == arguments[0]
    assert args.config.startswith("/etc/postwarden/")


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_has_a_user_a_state_folder_and_credentials(name: str) -> None:
    """Nothing runs as root but the collector, which has no network and one capability."""
    unit = read(name)
    assert unit["StateDirectoryMode"] == ["0700"]
    if name == "postwarden-collect.service":
        assert unit["User"] == ["root"]
        assert unit["CapabilityBoundingSet"] == ["CAP_DAC_READ_SEARCH"]
        assert (unit["PrivateNetwork"], unit["RestrictAddressFamilies"]) == (["yes"], ["none"])
        assert "LoadCredential" not in unit
    else:
        assert (unit["User"], unit["Group"]) == (["postwarden"], ["postwarden"])
        assert unit["CapabilityBoundingSet"] == [""]
        assert unit["LoadCredential"] == ["secret:/etc/postwarden/credentials"]


def test_the_audit_has_the_sandbox_of_the_service() -> None:
    """A one-off audit may do what the daemon may, and no more."""
    service, audit = read("postwarden.service"), read("postwarden-audit@.service")
    own = {
        "After", "ConditionPathExists", "Description", "Documentation", "ExecReload", "ExecStart", "MemoryHigh",
        "NotifyAccess", "OOMPolicy", "Restart", "RestartPreventExitStatus", "RestartSec", "StartLimitBurst",
        "StartLimitIntervalSec", "SuccessExitStatus", "TimeoutStartSec", "TimeoutStopSec", "Type", "WantedBy", "Wants",
        "WatchdogSec",
    }  # fmt: skip
    assert {key: value for key, value in service.items() if key not in own} == {
        key: value for key, value in audit.items() if key not in own
    }


@pytest.mark.usefixtures("systemd")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_user_and_the_folders_are_made_as_they_are_said(tmp_path: Path) -> None:
    """systemd-sysusers makes the user, systemd-tmpfiles the folders, with these owners and modes."""
    for program in ("systemd-sysusers", "systemd-tmpfiles"):
        assert shutil.which(program) is not None
    (tmp_path / "etc").mkdir()
    subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(FOLDER / "sysusers.d" / "postwarden.conf")],
        check=True,
        capture_output=True,
    )
    users = dict(line.split(":", 1) for line in (tmp_path / "etc" / "passwd").read_text().splitlines())
    uid, gid = (int(part) for part in users["postwarden"].split(":")[1:3])
    assert users["postwarden"].endswith(":/usr/sbin/nologin")
    subprocess.run(
        [
            "systemd-tmpfiles",
            f"--root={tmp_path}",
            "--create",
            str(FOLDER / "tmpfiles.d" / "postwarden.conf"),
        ],
        check=True,
        capture_output=True,
    )
    expected = {
        "etc/postwarden": (0, 0, 0o755),
        "etc/postwarden/credentials": (0, 0, 0o700),
        "var/lib/postwarden": (uid, gid, 0o700),
        "var/spool/postwarden": (0, gid, 0o2770),
    }
    for name, wanted in expected.items():
        status = (tmp_path / name).stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == wanted, name


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What lies in /etc/postwarden, the credentials as systemd hands them over, and an empty state folder."""
    # Nobody listens there.
    port = 1
    drop = tmp_path / "drop"
    drop.mkdir()
    (tmp_path / "agent.toml").write_text(
        '[organisation]\ninternal_domains = ["example.org"]\n[accounts]\nlist = ["alice"]\n'
        '[ledger]\norigin = "test/units"\n'
        f'[[source]]\nname = "imap"\nkind = "imap"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
        'login = { user = "{login}*auditor", secret = { credential = "secret_imap" } }\n'
    )
    people = tmp_path / "passwd"
    people.write_text("")
    (tmp_path / "collect.toml").write_text(
        f'drop = "{drop}"\nstate = "{tmp_path}/state"\ngroup = "{_group()}"\n[users]\nfiles = ["{people}"]\n'
        '[[files]]\nkind = "forward"\npath = "%h/.forward"\n'
    )
    (tmp_path / "state").mkdir(mode=0o700)
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o500 if os.geteuid() == 0 else 0o700)
    (credentials / "secret_imap").touch(mode=0o600)
    (credentials / "secret_imap").write_text("swordfish\n")
    (credentials / "secret_imap").chmod(0o440)
    return tmp_path


def _group() -> str:
    import grp

    return grp.getgrgid(os.getegid()).gr_name


def environment(name: str, place: Path) -> dict[str, str]:
    """What systemd gives the service, and nothing else."""
    unit = read(name)
    given = dict(word.split("=", 1) for line in unit.get("Environment", ()) for word in line.split())
    given |= {"PATH": "/usr/local/bin:/usr/bin:/bin", "STATE_DIRECTORY": str(place / "state")}
    if "LoadCredential" in unit:
        given["CREDENTIALS_DIRECTORY"] = str(place / "credentials")
    # Where this tree's program is found; an installed one needs nothing.
    given["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return given


def started(name: str, place: Path) -> list[str]:
    """ExecStart with other paths: the program's, and those of its configuration; nothing else."""
    program, *arguments = command(read(name))
    assert program == PROGRAM
    given = [
        argument.replace("/etc/postwarden/", f"{place}/").replace("%I", "alice") for argument in arguments
    ]
    return [sys.executable, "-m", "postwarden", *given]


def init(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postwarden", "init", "--config", str(place / "agent.toml")],
        env=environment("postwarden.service", place),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def succeeds(name: str, code: int) -> bool:
    """Whether systemd takes the exit code for success."""
    return code in {
        0,
        *(int(word) for line in read(name).get("SuccessExitStatus", ()) for word in line.split()),
    }


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "postwarden.service"])
def test_a_oneshot_runs_as_its_unit_has_it(name: str, place: Path) -> None:
    """ExecStart ends with a code that its unit takes for success, with the credential and state from systemd."""
    init(place)
    done = subprocess.run(
        started(name, place),
        env=environment(name, place),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=60,
    )
    assert succeeds(name, done.returncode), (done.returncode, done.stdout, done.stderr)
    assert "swordfish" not in done.stdout + done.stderr


@pytest.fixture
def notified(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket that systemd listens on for what the service says about itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


@pytest.mark.parametrize("inside", [False, True], ids=["outside the sandbox", "inside the sandbox"])
def test_the_service_runs_as_its_unit_has_it(
    inside: bool, place: Path, notified: socket.socket, sandbox: Sandbox
) -> None:
    """ExecStart says READY, feeds the watchdog in time, reloads on SIGHUP and ends on SIGTERM within ten seconds."""
    name = "postwarden.service"
    assert read(name)["Type"] == ["notify"]
    init(place)
    given = environment(name, place) | {
        "NOTIFY_SOCKET": str(place / "notify"),
        "WATCHDOG_USEC": "4000000",
    }
    with subprocess.Popen(
        [*(sandbox(name) if inside else ()), *started(name, place)],
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
    ) as process:
        given_up = time.monotonic() + 60
        said = ""
        try:
            while ("READY=1" not in said or "WATCHDOG=1" not in said) and time.monotonic() < given_up:
                said += notified.recv(65_536).decode() + "\n"
            assert "READY=1" in said
            assert "WATCHDOG=1" in said
            process.send_signal(signal.SIGHUP)
            time.sleep(1)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0, (out, err)
    assert b"swordfish" not in out + err
