"""After a failed sync nothing more is written: it is told once, and the daemon ends."""

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden import logs
from postwarden.config.settings import Config
from postwarden.daemon.books import Books
from postwarden.daemon.service import Service
from postwarden.errors import LedgerError, LedgerUnsynced
from postwarden.ledger.verify import verify
from postwarden.model.scope import account_scope
from postwarden.pipeline.record import Recorder, create_ledger
from tests.unit.pipeline.conftest import NOW

SCOPE = account_scope("login:alice")


class Disk:
    """Counts the syncs of files and fails those that a test wants to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails: Callable[[], bool] = lambda: False
        self.after = 0
        self._failed = False
        monkeypatch.setattr("postwarden.ledger.files.fdatasync", self._sync)

    def _sync(self, descriptor: int) -> None:
        self.after += self._failed
        if self.fails():
            self._failed = True
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(descriptor)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    create_ledger(folder, origin="postwarden/test", run="run-0", actor="a", agent="p", now=NOW)
    return folder


def opener(state: Path, opened: list[Recorder]) -> Recorder:
    opened.append(Recorder(state, run="run-1", actor="a", agent="p", clock=lambda: NOW, wait=1.0))
    return opened[-1]


def start(books: Books) -> None:
    with books.held() as recorder:
        recorder.start([SCOPE], ["sieve"])


def test_books_are_not_opened_again_after_a_failed_sync(state: Path, disk: Disk) -> None:
    """Whoever asks for the books after a failed sync gets that error, and no recorder is opened."""
    opened: list[Recorder] = []
    books = Books(lambda: opener(state, opened), lambda _: None, lambda: 0.0)
    disk.fails = lambda: True
    with pytest.raises(LedgerUnsynced):
        start(books)
    disk.fails = lambda: False
    for _ in range(3):
        with pytest.raises(LedgerUnsynced, match="could not be synced"):
            start(books)
    assert (len(opened), disk.after) == (1, 0)
    books.close()
    assert verify(state / "ledger").sound


def test_books_are_opened_again_after_another_failure(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a write that failed and was undone, the books are opened again and go on."""
    opened: list[Recorder] = []
    books = Books(lambda: opener(state, opened), lambda _: None, lambda: 0.0)

    def pwrite(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("postwarden.ledger.files.pwrite", pwrite)
    with pytest.raises(LedgerError):
        start(books)
    monkeypatch.undo()
    start(books)
    assert len(opened) == 2
    books.close()


@pytest.mark.timeout(60)
def test_the_daemon_alarms_once_and_ends(
    state: Path, disk: Disk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sync that fails while the daemon records is logged once as critical; it writes nothing more and ends with that error."""
    config = tmp_path / "agent.toml"
    (tmp_path / "drop").mkdir(mode=0o700)
    config.write_text(
        f'[organisation]\ninternal_domains = ["example.org"]\n[state]\nfolder = "{state}"\n'
        f'[[source]]\nname = "drop"\nkind = "drop_folder"\npath = "{tmp_path}/drop"\n'
    )
    config.chmod(0o600)
    logs.configure(json=True)
    opened: list[Recorder] = []

    def open_recorder(_: Config) -> Recorder:
        return opener(state, opened)

    disk.fails = lambda: threading.current_thread() is not threading.main_thread()
    with pytest.raises(LedgerUnsynced, match="could not be synced"):
        Service(config, open_recorder).run()
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["event"] for one in told if one["level"] in {"critical", "error"}] == [
        "ledger_not_synced",
        "stopped",
    ]
    assert disk.after == 0
    assert len(opened) == 1
    assert verify(state / "ledger").sound
