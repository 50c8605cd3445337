"""Whatever fails, whenever the process ends: the ledger stays sound and the error is told."""

import contextlib
import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerFull, LedgerUnsynced
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Faults, Killed, Place, put, record, recovery

OLD = [record(number=0), record(number=1)]
NEW = [record(number=number) for number in (2, 3, 4, 5)]
TAIL = b'{"left":"over"}\ntorn'
SEGMENTS_LEFT = {"00000002.jsonl": b"left\n", "00000004.jsonl": b"over\nand\n", "00000006.jsonl": b"torn"}


@pytest.fixture(params=["plain", "tail", "segments", "segments and tail"])
def scene(
    request: pytest.FixtureRequest, place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> tuple[Place, bool]:
    """A ledger before a commit: with a left-over or without, crossing into new segments or not."""
    if "segments" in request.param:
        monkeypatch.setattr("postwarden.ledger.segments.LENGTH", 2)
        monkeypatch.setattr("postwarden.ledger.writer.LENGTH", 2)
        shutil.rmtree(place.state)
        ledger = place.make()
    put(ledger, *OLD)
    tail = "tail" in request.param
    if tail:
        left = SEGMENTS_LEFT if "segments" in request.param else {"00000000.jsonl": TAIL}
        for name, content in left.items():
            with place.segment.with_name(name).open("ab") as file:
                file.write(content)
    return place, tail


def copies(scene: tuple[Place, bool], faults: Faults) -> Iterator[tuple[int, Place, Ledger]]:
    """The scene once for each system call of the commit, with the ledger just opened."""
    place, _ = scene
    trial = Place(place.state.with_name("trial"))
    shutil.copytree(place.state, trial.state)
    faults.restart()
    put(trial.open(), *NEW)
    total = len(faults.log)
    assert total >= 6
    for number in range(total):
        shutil.rmtree(trial.state)
        shutil.copytree(place.state, trial.state)
        faults.restart()
        yield number, trial, trial.open()


def kinds(place: Place) -> list[bytes]:
    """The lines after the first, a recovery's replaced by a word."""
    return [b"recovery" if b'"kind":"recovery"' in line else line for line in place.lines()[1:]]


def check_sound(place: Place, *, tail: bool, recoveries: int | None = None) -> None:
    """The records are the old ones, then all of the new ones or none, and left-overs are recorded."""
    assert verify(place.folder).sound
    lines = kinds(place)
    assert lines[:2] == OLD
    rest = [line for line in lines[2:] if line != b"recovery"]
    assert rest in ([], NEW)
    if tail and rest:
        assert lines[2] == b"recovery"


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC", "EINTR"])
def test_each_failing_call_surfaces(scene: tuple[Place, bool], faults: Faults, fault: str) -> None:
    """Whichever system call fails, the error is ours, the ledger sound, and a new opening commits."""
    tail = scene[1]
    for number, place, ledger in copies(scene, faults):
        faults.at(number, fault)
        with pytest.raises(LedgerError) as caught:
            put(ledger, *NEW)
        faults.restart()
        assert caught.value.hint
        check_sound(place, tail=tail)
        told = any(
            word in str(caught.value)
            for word in ("after the checkpoint", "copy in quarantine", "quarantine folder")
        )
        assert (NEW[0] in kinds(place)) == told
        put(place.open(), record(number=9))
        assert kinds(place)[-1] == record(number=9)
        assert verify(place.folder).uncommitted is None
        assert (b"recovery" in kinds(place)) >= tail


@pytest.mark.parametrize("fault", ["EIO", "ENOSPC"])
def test_a_failing_disk_that_stays_so(scene: tuple[Place, bool], faults: Faults, fault: str) -> None:
    """If every call from some moment on fails, the ledger is still sound, and a new opening commits."""
    for number, place, ledger in copies(scene, faults):
        faults.since(number, fault)
        with pytest.raises(LedgerError):
            put(ledger, *NEW)
        faults.restart()
        check_sound(place, tail=scene[1])
        put(place.open(), record(number=9))
        assert kinds(place)[-1] == record(number=9)
        assert verify(place.folder).uncommitted is None


def test_short_writes_are_continued(scene: tuple[Place, bool], faults: Faults) -> None:
    """If every write falls short, all is written all the same."""
    _, place, ledger = next(copies(scene, faults))
    faults.since(0, "short")
    put(ledger, *NEW)
    faults.restart()
    assert kinds(place)[-4:] == NEW
    assert verify(place.folder).sound


def test_a_write_without_progress_is_an_error(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that writes nothing does not go on for ever."""
    monkeypatch.setattr("postwarden.ledger.files.pwrite", lambda *_: 0)
    with pytest.raises(LedgerError, match="no progress"):
        put(ledger, record())
    monkeypatch.undo()
    assert put(ledger, record()).size == 2


@pytest.mark.parametrize("fault", ["kill", "torn"])
def test_killed_before_each_call(scene: tuple[Place, bool], faults: Faults, fault: str) -> None:
    """Whenever the process ends, all or nothing was recorded, and the next commit records the rest."""
    tail = scene[1]
    seen = set()
    for number, place, ledger in copies(scene, faults):
        faults.at(number, fault)
        with contextlib.suppress(Killed):
            put(ledger, *NEW)
        faults.restart()
        check_sound(place, tail=tail)
        seen.add(NEW[0] in kinds(place))
        beyond = verify(place.folder).uncommitted
        put(place.open(), record(number=9))
        after = kinds(place)
        assert after[-1] == record(number=9)
        assert (b"recovery" in after) >= (tail or beyond is not None)
        assert verify(place.folder).sound
        assert verify(place.folder).uncommitted is None
        assert put(place.open()).size == len(after) + 1
        named = {
            line.split(b'"name":"')[1].split(b'"')[0].decode() for line in place.lines() if b'"name"' in line
        }
        kept = {path.name for path in (place.folder / "quarantine").iterdir() if path.suffix != ".tmp"}
        assert kept == named
    assert seen == {True, False}


def test_no_commit_after_a_failed_sync(place: Place, ledger: Ledger, faults: Faults) -> None:
    """After a failed sync the same object commits nothing more, and one opened anew does."""
    for name in ("fdatasync", "fsync"):
        ledger = place.open()
        size = ledger.position().size
        faults.of(name, "EIO")
        with pytest.raises(LedgerError, match="could not be synced to the disk"):
            put(ledger, record())
        faults.restart()
        with pytest.raises(LedgerError, match="no further commit after a failed write") as caught:
            put(ledger, record())
        assert caught.value.hint
        assert faults.log == []
        assert put(place.open(), record()).size == size + 1


def test_no_commit_after_a_failed_sync_of_a_key(place: Place, ledger: Ledger, faults: Faults) -> None:
    """After a sync that failed while the key changed, the same object commits nothing more, and one opened anew does."""
    faults.spoil = lambda _count, _name: "EIO" if faults.log.count("rename") == 3 else None
    with pytest.raises(LedgerUnsynced):
        ledger.rotate(
            lambda number, key: record("key_epoch", epoch=number, verifier_key=key), recovered=recovery
        )
    faults.restart()
    with pytest.raises(LedgerUnsynced, match="no further commit"):
        put(ledger, record())
    assert faults.log == []
    put(place.open(), record())
    assert (verify(place.folder).sound, verify(place.folder).epochs) == (True, 2)


def test_a_failed_sync_of_the_folder_says_what_is_in_doubt(
    place: Place, ledger: Ledger, faults: Faults
) -> None:
    """If only the last sync fails, the records stay, and the message says that they may be lost."""
    put(ledger, record(number=0))
    faults.restart()
    faults.spoil = lambda _count, _name: "EIO" if "rename" in faults.log else None
    with pytest.raises(LedgerError, match="after the checkpoint over 3 records was written") as caught:
        put(ledger, record(number=1))
    assert "may be lost" in str(caught.value.hint)
    faults.restart()
    assert place.lines()[1:] == [record(number=0), record(number=1)]
    assert verify(place.folder).sound


def test_a_rename_that_failed_and_happened(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the checkpoint has its name although renaming failed, no record under it is cut off."""

    def rename(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("postwarden.ledger.files.rename", rename)
    with pytest.raises(LedgerError, match="after the checkpoint over 2 records was written"):
        put(ledger, record())
    monkeypatch.undo()
    assert verify(place.folder).size == 2
    assert verify(place.folder).sound


@pytest.mark.parametrize("when", ["pwrite", "fdatasync", "rename", "after rename"])
def test_an_interrupt_does_not_cut_what_is_recorded(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Interrupted anywhere, a commit is whole or undone, and the same object goes on."""
    name = when.removeprefix("after ")
    call: Callable[..., object] = getattr(os, name)

    def interrupted(*args: object, **kwargs: object) -> object:
        if when.startswith("after"):
            call(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(f"postwarden.ledger.files.{name}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(ledger, record(number=1))
    monkeypatch.undo()
    found = verify(place.folder)
    assert (found.sound, found.uncommitted, found.size) == (True, None, 2 if when == "after rename" else 1)
    put(ledger, record(number=2))
    assert kinds(place) == [record(number=1), record(number=2)][found.size == 1 :]


def test_changes_while_copying_to_quarantine_are_noticed(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If somebody writes beyond the checkpoint without the lock, nothing is cut off, and it is said."""
    with place.segment.open("ab") as file:
        file.write(b"torn")
    content = place.segment.read_bytes()

    def recovered(_: object) -> bytes:
        place.segment.write_bytes(content[:-4] + b"else")
        return record("recovery")

    with pytest.raises(LedgerError, match="changed while they were copied"):
        ledger.commit(lambda _: [], recovered=recovered)
    assert place.segment.read_bytes() == content[:-4] + b"else"
    assert put(place.open(), record()).size == 4


def test_a_file_size_limit_is_an_error_and_undone(place: Place, ledger: Ledger) -> None:
    """Where the system allows no larger file, the records are undone, and the next, smaller commit works."""
    size = place.segment.stat().st_size
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, old[1]))
    try:
        with pytest.raises(LedgerError, match="file too large") as caught:
            put(ledger, *[record()] * 100)
        assert caught.value.hint == "nothing was recorded; free space and run again"
        assert place.segment.stat().st_size == size
        assert put(ledger, record()).size == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert put(ledger, *[record()] * 100).size == 102
    assert verify(place.folder).sound


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1,324 KiB, of which a ledger reserves 1,024."""
    mount = shutil.which("mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or mount is None or sys.platform != "linux":
        pytest.skip("needs root to mount a small file system")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1324k", "tmpfs", disk], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_told_and_harms_nothing(small_disk: Path) -> None:
    """On a disk that is really full the hint says to free space, the ledger stays sound, and goes on after."""
    place = Place(small_disk / "state")
    ledger = place.make()
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100_000))
    recorded = 1

    def fill_records() -> None:
        nonlocal recorded
        while True:
            recorded = put(ledger, *[record(text="x" * 600)] * 10).size

    def fill_blobs() -> None:
        while True:
            ledger.put_blob(bytes(1000))

    with pytest.raises(LedgerError, match="no space left") as caught:
        fill_records()
    assert caught.value.hint == "nothing was recorded; free space and run again"
    assert recorded > 10
    with pytest.raises(LedgerError, match="no space left"):
        fill_blobs()
    found = verify(place.folder)
    assert (found.sound, found.size, found.uncommitted) == (True, recorded, None)
    ballast.unlink()
    assert put(ledger, record()).size == recorded + 1
    assert verify(place.folder).sound


def test_a_full_disk_keeps_left_overs(small_disk: Path) -> None:
    """Where there is no space to keep a left-over aside, it stays where it is, until there is."""
    place = Place(small_disk / "state")
    place.make()
    with place.segment.open("ab") as file:
        file.write(b"x" * 100_000)
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        file.write(bytes(120_000))
    with pytest.raises(LedgerError, match="no space left"):
        put(place.open(), record())
    uncommitted = verify(place.folder).uncommitted
    assert uncommitted
    assert uncommitted.length == 100_000
    ballast.unlink()
    assert put(place.open(), record()).size == 3
    assert verify(place.folder).sound


def test_a_disk_that_is_really_full_is_recorded(small_disk: Path) -> None:
    """On a disk that is really full the reserve is enough for the record that says so."""
    place = Place(small_disk / "state")
    ledger = place.make()
    lines = [record(text="x" * 600)] * 100

    def fill() -> None:
        while True:
            ledger.commit(
                lambda _: lines,
                recovered=recovery,
                full=lambda unwritten: record("ledger_full", count=unwritten.count, why=unwritten.why),
            )

    with pytest.raises(LedgerFull, match="no space left"):
        fill()
    last = place.lines()[-1]
    assert b'"count":100' in last
    assert b'"kind":"ledger_full"' in last
    assert verify(place.folder).sound
