"""The demo: exactly what was planted, on either server, and no pretence."""

import subprocess
import sys
from pathlib import Path

import pytest

from postwarden import lab
from postwarden.cli import demo
from tests.lab.conftest import require


@pytest.mark.timeout(400)
@pytest.mark.parametrize("server", ["dovecot", "pymap"])
def test_the_demo_finds_exactly_what_was_planted(server: str, tmp_path: Path) -> None:
    """It exits 0, names its folder and three commands, and those commands work."""
    require(server, present=server in lab.available())
    folder = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "postwarden", "demo", "--server", server, "--dir", str(folder)],
        capture_output=True, text=True, check=False, timeout=350,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "exactly what was planted was found" in done.stdout
    assert "MISSING" not in done.stdout
    assert ("folder_acl          not supported 28" in done.stdout) == (server == "pymap")
    shown = [part.split("$", 1)[0] for part in done.stdout.split("\ngrants: ")[1:]]
    for provider, grants in zip(("trading", "design", "logistics"), shown, strict=True):
        assert f"@kitano-{provider}.example" in grants.splitlines()[0]
        assert "since " in grants
        assert "(risk times" in grants
    commands = [line.strip() for line in done.stdout.split("try next:")[1].splitlines() if line.strip()]
    assert len(commands) == 3
    for command in commands:
        shell = command.replace("postwarden ", f"{sys.executable} -m postwarden ", 1)
        again = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False, timeout=60)
        assert again.returncode == 0, again.stderr


def test_the_demo_refuses_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    """Nothing that is there is mixed with what the demo makes."""
    (tmp_path / "mine").write_text("x")
    done = subprocess.run(
        [sys.executable, "-m", "postwarden", "demo", "--dir", str(tmp_path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not empty" in done.stderr


def test_the_demo_does_not_pretend(
    own_dovecot: lab.Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one account healed and another entered, the demo says what is missing and what was not planted."""
    own_dovecot.remove_script("lars.eriksen", "managesieve")
    own_dovecot.put_script("jan.novotny", "new", "discard;\r\n", active=True)
    folder = tmp_path / "demo"
    folder.mkdir(mode=0o700)
    config = demo.write_configuration(folder, own_dovecot)
    assert demo.audit_and_compare(folder, config, own_dovecot) == 1
    said = capsys.readouterr().out
    assert "MISSING finding: lars.eriksen external_redirect_keyword" in said
    assert "NOT PLANTED finding: jan.novotny discard_everything" in said
