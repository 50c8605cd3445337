"""What somebody else than the state folder's owner is told to run."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from postwarden.cli import as_owner

CONFIG = Path("/etc/postwarden/agent.toml")
UNIT = """\
[Service]
User=postwarden
StateDirectory=postwarden
LoadCredential=imap:/etc/postwarden/imap.secret
"""


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for units, a program in its place, and root as the caller."""
    monkeypatch.setattr(as_owner, "UNITS", (tmp_path / "units",))
    (tmp_path / "units").mkdir()
    program = tmp_path / "bin" / "postwarden"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return tmp_path / "units"


def test_without_a_service_it_is_sudo(units: Path) -> None:
    """Where no unit runs as the owner, sudo does, with the configuration that was found."""
    told = shlex.split(as_owner.command("bob", CONFIG, ["audit", "--all"]))
    assert told[:3] == ["sudo", "-u", "bob"]
    assert told[3:] == [sys.argv[0], "audit", "--all", "--config", str(CONFIG)]
    (units / "postwarden.service").write_text(UNIT)
    assert as_owner.command("bob", CONFIG, ["audit", "--all"]).startswith("sudo -u bob")


def test_one_account_is_the_template_unit(units: Path) -> None:
    """An audit of one account is an instance of the template, whose name systemd can read back."""
    (units / "postwarden.service").write_text(UNIT)
    (units / "postwarden-audit@.service").touch()
    told = as_owner.command("postwarden", CONFIG, ["audit", "--account", "jan-b@example.org"])
    assert told == (
        r"systemctl start 'postwarden-audit@jan\x2db\x40example.org'; "
        r"journalctl -n 100 -u 'postwarden-audit@jan\x2db\x40example.org'"
    )


def test_everything_else_is_a_transient_unit_with_the_services_credentials(units: Path) -> None:
    """All accounts, JSON or another verb run by systemd-run as the service's user, drop-ins' credentials included."""
    (units / "postwarden.service").write_text(UNIT)
    (units / "postwarden.service.d").mkdir()
    (units / "postwarden.service.d" / "more.conf").write_text(
        "[Service]\nLoadCredentialEncrypted=ews:/etc/x\n"
    )
    told = shlex.split(
        as_owner.command("postwarden", CONFIG, ["findings", "ack", "QK", "--reason", "it's hers"])
    )
    assert told[:5] == ["systemd-run", "--pipe", "--wait", "--collect", "--quiet"]
    assert "--uid=postwarden" in told
    assert "--property=LoadCredential=imap:/etc/postwarden/imap.secret" in told
    assert "--property=LoadCredentialEncrypted=ews:/etc/x" in told
    assert "--property=StateDirectory=postwarden" in told
    assert told[-8:] == [
        sys.argv[0],
        "findings",
        "ack",
        "QK",
        "--reason",
        "it's hers",
        "--config",
        str(CONFIG),
    ]


def test_who_is_not_root_needs_sudo_for_it(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root may ask the service manager."""
    (units / "postwarden.service").write_text(UNIT)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert as_owner.command("postwarden", CONFIG, ["status"]).startswith("sudo systemd-run ")


def test_a_relative_configuration_is_named_whole(units: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transient unit starts in another folder."""
    (units / "postwarden.service").write_text(UNIT)
    monkeypatch.chdir(units)
    told = shlex.split(as_owner.command("postwarden", CONFIG, ["audit", "--config", "agent.toml", "--all"]))
    assert told[-3:] == ["--config", str(units / "agent.toml"), "--all"]


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="systemd is not installed")
@pytest.mark.parametrize("text", ["alice@example.org", ".hidden", "a/b", "jän-b", "a b%c\\d", "x.y_z:0"])
def test_names_are_escaped_as_systemd_does(text: str) -> None:
    """The instance is what systemd-escape makes of the account."""
    done = subprocess.run(["systemd-escape", "--", text], capture_output=True, text=True, check=True)
    assert as_owner.escape(text) == done.stdout.rstrip("\n")
