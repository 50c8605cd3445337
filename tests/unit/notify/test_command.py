"""A command gets the notice as JSON, and its end decides."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden import logs
from postwarden.errors import ConfigError, NotifyError
from postwarden.notify.command import MAX_OUTPUT, CommandNotifier, Options
from tests.unit.notify.conftest import MakeNotice

Script = Callable[..., CommandNotifier]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A notifier that runs these lines of shell."""

    def make(*lines: str, timeout: int = 5) -> CommandNotifier:
        path = tmp_path / "script"
        path.write_text("\n".join(["#!/bin/sh", f"cd '{tmp_path}'", *lines]) + "\n")
        path.chmod(0o700)
        return CommandNotifier(Options(command=(str(path), "a b", "$(touch shell)"), timeout=timeout))

    return make


def test_it_gets_the_notice_and_its_arguments(script: Script, notice: MakeNotice, tmp_path: Path) -> None:
    """One line of JSON with the finding on standard input; arguments as they are configured, through no shell."""
    script("cat > given", 'printf "%s|" "$@" > arguments').send(notice())
    (line,) = (tmp_path / "given").read_text().splitlines()
    given = json.loads(line)
    assert (given["key"], given["change"], given["finding"]["level"]) == ("QKZL2-7", "opened", "high")
    assert (tmp_path / "arguments").read_text() == "a b|$(touch shell)|"
    assert not (tmp_path / "shell").exists()


def test_it_does_not_get_our_environment(
    script: Script, notice: MakeNotice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets in the environment, and where credentials are, are not handed on."""
    monkeypatch.setenv("POSTWARDEN_IMAP", "swordfish")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    script("env > given").send(notice())
    told = (tmp_path / "given").read_text()
    assert "PATH=" in told
    assert "swordfish" not in told
    assert "CREDENTIALS" not in told


def test_it_need_not_read_its_input(script: Script, notice: MakeNotice) -> None:
    """A large notice to a program that reads nothing is no failure."""
    script("exit 0").send(notice(why=("x" * 100_000,) * 20))


def test_a_status_other_than_zero_is_a_failure(script: Script, notice: MakeNotice) -> None:
    """The failure has the status and the end of what was printed, without secrets and control characters."""
    logs.conceal("swordfish-of-a-command")
    with pytest.raises(NotifyError, match="ended with status 75: no queue ") as caught:
        script("echo no queue >&2", r"printf 'swordfish-of-a-command\033[2J' >&2", "exit 75").send(notice())
    assert "swordfish" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_killed_one_is_a_failure(script: Script, notice: MakeNotice) -> None:
    """A program that a signal ended did not take the notice."""
    with pytest.raises(NotifyError, match="was ended by SIGKILL"):
        script("kill -9 $$").send(notice())


def test_a_slow_one_is_ended_with_its_children(script: Script, notice: MakeNotice, tmp_path: Path) -> None:
    """After its time, the program and what it started are gone."""
    begin = time.monotonic()
    with pytest.raises(NotifyError, match="took too long"):
        script("sleep 60 & echo $! > child", "wait", timeout=1).send(notice())
    assert time.monotonic() - begin < 5
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child still runs")


def test_one_that_prints_without_end_is_ended(script: Script, notice: MakeNotice) -> None:
    """More output than anybody needs ends the program at once."""
    begin = time.monotonic()
    with pytest.raises(NotifyError, match=f"printed more than {MAX_OUTPUT} bytes"):
        script(
            "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done",
            timeout=60,
        ).send(notice())
    assert time.monotonic() - begin < 30


def test_what_goes_on_in_the_background_is_not_waited_for(script: Script, notice: MakeNotice) -> None:
    """A mail program that delivers in the background has taken the notice when it ends."""
    begin = time.monotonic()
    script("sleep 20 &", "echo $! > child", "exit 0").send(notice())
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("program", ["mail", "./mail", "/nowhere/mail", "/etc/passwd"])
def test_a_program_that_cannot_run_is_refused_at_once(program: str) -> None:
    """Only an absolute path of something that can be run is taken."""
    with pytest.raises(ConfigError) as caught:
        CommandNotifier(Options(command=(program,)))
    assert caught.value.key == "command[0]"
    assert caught.value.hint


def test_a_program_that_went_away_is_a_failure(script: Script, notice: MakeNotice, tmp_path: Path) -> None:
    """One that is gone by the time it is needed is tried again later."""
    notifier = script("exit 0")
    (tmp_path / "script").unlink()
    with pytest.raises(NotifyError, match="cannot be started"):
        notifier.send(notice())
