"""A ledger is made whole or not at all, once."""

import os
import stat
from pathlib import Path

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.creation import create
from postwarden.ledger.store import open_ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import ORIGIN, TIME, Faults, Killed, Place, put, record


def test_a_new_ledger_is_sound_and_holds_its_first_record(place: Place) -> None:
    """A new ledger holds the record that names its verifier key, and verifies with that key."""
    ledger = place.make()
    assert ledger.origin == "postwarden/test.example"
    assert list(ledger.records()) == [
        (0, record("ledger_opened", origin=ORIGIN, verifier_key=ledger.verifier_key))
    ]
    found = verify(place.folder, key=ledger.verifier_key)
    assert (found.sound, found.size, found.compared_epoch, found.problems) == (True, 1, 0, ())


def test_the_layout_is_the_documented_one(place: Place) -> None:
    """Files and folders have their documented names, for nobody but their owner."""
    place.make()
    modes = {
        str(path.relative_to(place.state)): stat.filemode(path.lstat().st_mode)
        for path in place.state.rglob("*")
    }
    assert modes == {
        "ledger": "drwx------",
        "ledger/blobs": "drwx------",
        "ledger/checkpoint": "-rw-------",
        "ledger/keys": "drwx------",
        "ledger/keys/00000000": "-rw-------",
        "ledger/lock": "-rw-------",
        "ledger/quarantine": "drwx------",
        "ledger/records": "drwx------",
        "ledger/records/00000000.jsonl": "-rw-------",
        "ledger/reserve": "-rw-------",
        "private": "drwx------",
        "private/00000000": "-rw-------",
    }
    assert stat.filemode(place.state.lstat().st_mode) == "drwx------"


def test_a_ledger_is_never_replaced(place: Place) -> None:
    """Making a ledger where there is one, or anything else, changes nothing."""
    put(place.make(), record())
    before = place.checkpoint.read_bytes()
    with pytest.raises(LedgerError, match="something at"):
        place.make()
    assert place.checkpoint.read_bytes() == before
    assert verify(place.folder).sound


def test_an_empty_folder_may_wait_for_the_ledger(place: Place) -> None:
    """An empty folder at the ledger's place is used."""
    place.folder.mkdir(parents=True)
    put(place.make(), record())
    assert verify(place.folder).sound


def test_what_is_no_ledger_is_left_alone(place: Place) -> None:
    """A file or a dangling link at the ledger's place is neither replaced nor opened."""
    place.state.mkdir()
    for kind in ("file", "link"):
        if kind == "file":
            place.folder.touch()
        else:
            place.folder.symlink_to("nowhere")
        with pytest.raises(LedgerError, match="something at"):
            place.make()
        with pytest.raises(LedgerError, match="cannot be opened"):
            place.open()
        place.folder.unlink()
    assert list(place.state.iterdir()) == []


def test_a_key_without_its_ledger_is_not_overwritten(place: Place) -> None:
    """Where the ledger is gone and its key is left, both making and opening say so."""
    place.make()
    place.folder.rename(place.state / "elsewhere")
    seed = (place.private / "00000000").read_bytes()
    for attempt in (place.make, place.open):
        with pytest.raises(LedgerError, match="not made to the end, or is lost") as caught:
            attempt()
        assert str(place.private / "00000000") in str(caught.value.hint)
    assert (place.private / "00000000").read_bytes() == seed


def test_opening_nothing_says_what_to_do(place: Place) -> None:
    """Opening where there is no ledger names init as the next step."""
    with pytest.raises(LedgerError, match="there is no ledger") as caught:
        place.open()
    assert caught.value.hint == "run postwarden init first"


@pytest.mark.parametrize(
    "origin", ["", "two words", "a+b", "line\nfeed", "no\u00a0break", "nul\x00", "\ud800"]
)
def test_unusable_origins_are_refused(place: Place, origin: str) -> None:
    """An origin that cannot name a key is refused before anything is made."""
    with pytest.raises(LedgerError, match="key's name"):
        create(place.folder, place.private, origin=origin, time=TIME, first=lambda _: record())
    assert not place.state.exists()


def test_a_bad_first_record_leaves_nothing(place: Place) -> None:
    """If the first record or the time is malformed, or making it raises, nothing of the ledger stays."""

    def fails(_key: str) -> bytes:
        raise KeyError

    for first, time, error in (
        (lambda _: b"{}", TIME, LedgerError),
        (lambda _: record(), "now", LedgerError),
        (fails, TIME, KeyError),
    ):
        with pytest.raises(error):
            create(place.folder, place.private, origin="log.example", time=time, first=first)
        assert list(place.state.rglob("*")) == []


def test_a_failing_disk_leaves_nothing(place: Place, faults: Faults) -> None:
    """Whichever system call fails, making raises our error, and can be done again."""
    place.make()
    total = len(faults.log)
    assert total > 30
    for number in range(total):
        spot = Place(place.state.parent / f"failing-{number}")
        faults.restart()
        faults.at(number, "EIO")
        with pytest.raises(LedgerError, match="input/output error"):
            spot.make()
        faults.restart()
        if spot.folder.exists():
            assert verify(spot.folder).sound
            put(spot.open(), record())
        else:
            assert not (spot.private / "00000000").exists()
            assert spot.make().position().size == 1


def test_a_full_disk_is_said(place: Place, faults: Faults) -> None:
    """Where the disk is full, the hint says to free space."""
    faults.of("pwrite", "ENOSPC")
    with pytest.raises(LedgerError, match="no space left") as caught:
        place.make()
    assert caught.value.hint == "nothing was recorded; free space and run again"


def test_a_killed_maker_leaves_a_ledger_or_says_so(place: Place, faults: Faults) -> None:
    """Killed before any system call, there is a whole ledger, or the next attempt says what is left over."""
    place.make()
    total = len(faults.log)
    whole = 0
    for number in range(total):
        spot = Place(place.state.parent / f"killed-{number}")
        faults.restart()
        faults.at(number, "kill")
        with pytest.raises(Killed):
            spot.make()
        faults.restart()
        left = [path for path in (spot.state / "ledger.new", spot.private / "00000000") if path.exists()]
        if spot.folder.exists():
            assert verify(spot.folder).sound
            assert put(spot.open(), record()).size == 2
            whole += 1
        elif left:
            for attempt in (spot.make, spot.open):
                with pytest.raises(LedgerError, match="not made to the end") as caught:
                    attempt()
                assert all(str(path) in str(caught.value.hint) for path in left)
            _remove(left)
            assert spot.make().position().size == 1
        else:
            assert spot.make().position().size == 1
    assert whole


def test_an_interrupt_after_the_last_step_keeps_the_key(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted when the ledger has just got its name, making it leaves it usable."""

    def rename(
        source: Path | str,
        target: Path | str,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        if target == place.folder:
            raise KeyboardInterrupt

    monkeypatch.setattr("postwarden.ledger.files.rename", rename)
    with pytest.raises(KeyboardInterrupt):
        place.make()
    monkeypatch.undo()
    assert put(place.open(), record()).size == 2


def test_two_makers_do_not_meet(place: Place) -> None:
    """A maker that finds another one at work, or just done, changes nothing."""

    def meanwhile(_key: str) -> bytes:
        with pytest.raises(LedgerError, match="not made to the end"):
            place.make()
        return record()

    create(place.folder, place.private, origin="log.example", time=TIME, first=meanwhile)
    assert open_ledger(place.folder, place.private).origin == "log.example"


def test_a_maker_that_was_overtaken_leaves_the_winner_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A maker that saw no ledger, while another made one, keeps its hands off that one."""
    place.make()
    seed = (place.private / "00000000").read_bytes()
    monkeypatch.setattr("postwarden.ledger.creation.presence.explain_half", lambda *_: None)
    seen = iter([False, True])
    monkeypatch.setattr("postwarden.ledger.creation.presence.is_there", lambda _: next(seen))
    with pytest.raises(LedgerError, match="something at"):
        place.make()
    monkeypatch.undo()
    assert (place.private / "00000000").read_bytes() == seed
    assert not (place.state / "ledger.new").exists()
    put(place.open(), record())


def test_a_state_folder_that_cannot_be_made_is_our_error(tmp_path: Path) -> None:
    """A state folder below a file is refused as ours."""
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="cannot be made") as caught:
        create(
            tmp_path / "file" / "ledger",
            tmp_path / "file" / "private",
            origin="log.example",
            time=TIME,
            first=lambda _: record(),
        )
    assert caught.value.hint


def _remove(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            for inner in sorted(path.rglob("*"), reverse=True):
                inner.rmdir() if inner.is_dir() else inner.unlink()
            path.rmdir()
        else:
            path.unlink()
