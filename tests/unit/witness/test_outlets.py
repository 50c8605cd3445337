"""A checkpoint reaches the journal, syslog, a file and a program whole, and what does not take it is named."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from postwarden.errors import NotifyError
from postwarden.ledger import files
from postwarden.logs import journald
from postwarden.witness.outlets import (
    MESSAGE_ID,
    journal_entry,
    syslog_line,
    to_command,
    to_file,
    to_journal,
    to_syslog,
)
from tests.unit.witness.conftest import ORIGIN, Log

NOTE = Log().grow(5).newest().note


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        server.settimeout(5)
        yield server


def test_the_journal_gets_every_field(tmp_path: Path) -> None:
    """The entry has origin, size and root of its own, and the whole note."""
    with listening(tmp_path / "journal") as server:
        to_journal(NOTE, str(tmp_path / "journal"))
        assert server.recv(65_536) == journald.encode(journal_entry(NOTE))
    fields = journal_entry(NOTE)
    assert fields["MESSAGE_ID"] == MESSAGE_ID
    assert (fields["POSTWARDEN_ORIGIN"], fields["POSTWARDEN_SIZE"]) == (ORIGIN, "5")
    assert base64.b64decode(fields["POSTWARDEN_ROOT"]) == Log().grow(5).position.root
    assert fields["POSTWARDEN_CHECKPOINT"].encode() == NOTE


def test_syslog_gets_one_line(tmp_path: Path) -> None:
    """The line has origin, size, root and signature: the note can be made of it again."""
    with listening(tmp_path / "log") as server:
        to_syslog(NOTE, str(tmp_path / "log"))
        line = server.recv(65_536).decode()
    assert line == f"<29>postwarden: {syslog_line(NOTE)}"
    _, origin, size, root, signature = syslog_line(NOTE).split(" ")
    assert f"{origin}\n{size}\n{root}\n\n— {origin} {signature}\n".encode() == NOTE


def test_syslog_over_udp() -> None:
    """A syslog server elsewhere gets the same line in a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        to_syslog(NOTE, f"udp://127.0.0.1:{server.getsockname()[1]}")
        assert server.recv(65_536).endswith(syslog_line(NOTE).encode())


def test_syslog_over_tcp() -> None:
    """A syslog server that takes connections gets the line with its end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        to_syslog(NOTE, f"tcp://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(65_536).endswith(syslog_line(NOTE).encode() + b"\n")


def test_the_file_holds_the_newest(tmp_path: Path) -> None:
    """The file is replaced, and nothing else is left beside it."""
    to_file(b"old", tmp_path / "checkpoint")
    to_file(NOTE, tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint").read_bytes() == NOTE
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint"]


def test_the_file_is_on_the_disk_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk fails, the file that was there stays."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    to_file(b"old", tmp_path / "checkpoint")
    monkeypatch.setattr(files, "fsync", fail)
    with pytest.raises(NotifyError, match="not written"):
        to_file(NOTE, tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint").read_bytes() == b"old"


def test_a_program_reads_the_note(tmp_path: Path) -> None:
    """The program gets the note on its standard input, and nothing of our environment but what it needs."""
    script = 'cat > "$1/got"; env > "$1/env"'
    command = ["/bin/sh", "-c", script, "sh", str(tmp_path)]
    to_command(NOTE, command, environment={"PATH": "/usr/bin:/bin", "POSTWARDEN_SECRET": "x"})
    assert (tmp_path / "got").read_bytes() == NOTE
    assert "SECRET" not in (tmp_path / "env").read_text()


def test_a_program_that_fails_is_named() -> None:
    """A program that ends with another status than 0, takes too long or is missing is an error."""
    with pytest.raises(NotifyError, match="status 3"):
        to_command(NOTE, ["/bin/sh", "-c", "exit 3"])
    with pytest.raises(NotifyError, match="longer than"):
        to_command(NOTE, ["/bin/sh", "-c", "sleep 60"], limit=0.05)
    with pytest.raises(NotifyError, match="cannot be started"):
        to_command(NOTE, ["/nowhere/program"])


def test_who_does_not_listen_is_named(tmp_path: Path) -> None:
    """A journal or a syslog that is not there is an error that names it."""
    with pytest.raises(NotifyError, match="nobody"):
        to_journal(NOTE, str(tmp_path / "nobody"))
    for address in (str(tmp_path / "nobody"), "tcp://127.0.0.1:9", "udp://"):
        with pytest.raises(NotifyError, match="did not take"):
            to_syslog(NOTE, address)
    with pytest.raises(NotifyError, match="not written"):
        to_file(NOTE, tmp_path / "missing" / "checkpoint")
