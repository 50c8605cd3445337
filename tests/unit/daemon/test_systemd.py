"""What systemd is told."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from postwarden.daemon import systemd


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket as systemd has it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(1)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_lines_arrive_in_one_message(heard: socket.socket) -> None:
    """Several variables are one datagram, a line each."""
    systemd.tell("READY=1", "STATUS=grün")
    assert heard.recv(4096) == "READY=1\nSTATUS=grün".encode()


def test_a_reload_carries_the_monotonic_time(heard: socket.socket) -> None:
    """Systemd wants to know when the reload began."""
    systemd.reloading()
    first, second = heard.recv(4096).split(b"\n")
    assert first == b"RELOADING=1"
    assert second.removeprefix(b"MONOTONIC_USEC=").isdigit()


def test_a_name_in_the_abstract_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A leading @ stands for a null byte."""
    name = f"postwarden-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        systemd.tell("WATCHDOG=1")
        assert listening.recv(64) == b"WATCHDOG=1"


def test_nobody_is_told_where_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without NOTIFY_SOCKET nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.tell("READY=1")


def test_who_does_not_listen_holds_nobody_up(heard: socket.socket) -> None:
    """A full queue is an error at once, not a wait."""
    with suppress(OSError):
        for _ in range(10_000):
            systemd.tell("WATCHDOG=1")
    with pytest.raises(OSError, match="unavailable"):
        systemd.tell("WATCHDOG=1")


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("", None, None),
        ("x", None, None),
    ],
)
def test_the_watchdog_is_ours_or_not(
    usec: str, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How often systemd wants to hear, where it asks this process."""
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert systemd.watchdog_seconds() == seconds
