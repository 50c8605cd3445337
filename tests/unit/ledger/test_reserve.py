"""A full disk is recorded, with the space that was set aside for that."""

from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerFull, LedgerUnsynced
from postwarden.ledger import reserve
from postwarden.ledger.reserve import Unwritten
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Faults, Place, put, record, recovery

BIG = [record(number=number) for number in range(3)]


def full(unwritten: Unwritten) -> bytes:
    return record("ledger_full", count=unwritten.count, length=unwritten.length, why=unwritten.why)


def commit(ledger: Ledger, *lines: bytes) -> int:
    return ledger.commit(lambda _: lines, recovered=recovery, full=full).size


def no_room_while_reserved(place: Place, faults: Faults, number: str = "ENOSPC") -> None:
    """The disk has no room for more as long as the reserve is there."""
    faults.spoil = lambda _count, name: (
        number if name in {"pwrite", "posix_fallocate"} and (place.folder / reserve.NAME).exists() else None
    )


def test_the_reserve_takes_its_room(place: Place, ledger: Ledger) -> None:
    """A new ledger has a reserve of one MiB that takes its blocks on the disk."""
    status = (place.folder / reserve.NAME).stat()
    assert status.st_size == reserve.LENGTH
    assert status.st_blocks * 512 >= reserve.LENGTH
    assert status.st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT"])
def test_a_full_disk_is_recorded(place: Place, ledger: Ledger, faults: Faults, number: str) -> None:
    """Where there is no room for records, the error is raised, and one record says what did not fit."""
    no_room_while_reserved(place, faults, number)
    with pytest.raises(LedgerFull, match="the records were not written") as caught:
        commit(ledger, *BIG)
    faults.restart()
    (told,) = place.lines()[1:]
    assert told == full(Unwritten(3, sum(map(len, BIG)) + 3, caught.value.message))
    assert not (place.folder / reserve.NAME).exists()
    found = verify(place.folder)
    assert (found.sound, found.uncommitted) == (True, None)


def test_it_is_recorded_once(place: Place, ledger: Ledger, faults: Faults) -> None:
    """A disk that stays full is recorded once."""
    no_room_while_reserved(place, faults)
    with pytest.raises(LedgerFull):
        commit(ledger, *BIG)
    faults.of("pwrite", "ENOSPC")
    for _ in range(3):
        with pytest.raises(LedgerFull):
            commit(ledger, *BIG)
    with pytest.raises(LedgerFull):
        commit(place.open(), *BIG)
    faults.restart()
    assert len(place.lines()) == 2


def test_the_reserve_is_made_again(
    place: Place, ledger: Ledger, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next commit that succeeds the reserve is there again, if there is plenty of room, and not before."""
    no_room_while_reserved(place, faults)
    with pytest.raises(LedgerFull):
        commit(ledger, *BIG)
    faults.restart()
    monkeypatch.setattr(reserve, "_ROOM", 1 << 62)
    commit(ledger, *BIG)
    assert not (place.folder / reserve.NAME).exists()
    monkeypatch.undo()
    commit(ledger, *BIG)
    assert (place.folder / reserve.NAME).stat().st_size == reserve.LENGTH
    assert verify(place.folder).sound


def test_a_reserve_that_a_crash_left_empty(place: Place, ledger: Ledger) -> None:
    """A reserve that takes no room, as a crash may leave it, is made again with the next commit."""
    (place.folder / reserve.NAME).write_bytes(b"")
    commit(ledger, *BIG)
    assert (place.folder / reserve.NAME).stat().st_blocks * 512 >= reserve.LENGTH


def test_a_quota_that_leaves_no_reserve(place: Place, ledger: Ledger, faults: Faults) -> None:
    """Where making the reserve again fails for want of room, the records are acknowledged all the same."""
    (place.folder / reserve.NAME).unlink()
    faults.of("posix_fallocate", "EDQUOT")
    assert commit(ledger, *BIG) == 4
    assert not (place.folder / reserve.NAME).exists()


def test_left_overs_are_kept_before_the_record(place: Place, ledger: Ledger, faults: Faults) -> None:
    """If there was no room to keep a left-over aside, the reserve is used for that too, and nothing is cut off."""
    with place.segment.open("ab") as file:
        file.write(b"torn")
    no_room_while_reserved(place, faults)
    with pytest.raises(LedgerFull):
        commit(ledger, *BIG)
    faults.restart()
    lines = place.lines()
    assert [b'"kind":"recovery"' in lines[1], b'"kind":"ledger_full"' in lines[2], len(lines)] == [
        True,
        True,
        3,
    ]
    assert [path.read_bytes() for path in (place.folder / "quarantine").iterdir()] == [b"torn"]


def test_a_blob_without_room_is_recorded(place: Place, ledger: Ledger, faults: Faults) -> None:
    """What found no room outside of a commit is recorded on demand, once."""
    no_room_while_reserved(place, faults)
    with pytest.raises(LedgerFull) as caught:
        ledger.put_blob(b"content")
    unwritten = Unwritten(1, 7, caught.value.message)
    ledger.record_full(full, unwritten, recovered=recovery)
    ledger.record_full(full, unwritten, recovered=recovery)
    faults.restart()
    assert place.lines()[1:] == [full(unwritten)]


def test_other_errors_keep_the_reserve(place: Place, ledger: Ledger, faults: Faults) -> None:
    """An error of the disk that is not want of room leaves the reserve alone."""
    faults.of("pwrite", "EIO")
    with pytest.raises(LedgerError, match="input/output error") as caught:
        commit(ledger, *BIG)
    assert not isinstance(caught.value, LedgerFull)
    faults.restart()
    assert (place.folder / reserve.NAME).exists()
    assert len(place.lines()) == 1


def test_a_blob_whose_sync_failed_ends_all_writing(place: Place, ledger: Ledger, faults: Faults) -> None:
    """After a failed sync of a blob the same object writes neither records nor blobs."""
    faults.of("fsync", "EIO")
    with pytest.raises(LedgerUnsynced, match="could not be synced"):
        ledger.put_blob(b"content")
    faults.restart()
    with pytest.raises(LedgerUnsynced, match="no further commit"):
        put(ledger, record())
    with pytest.raises(LedgerUnsynced, match="no further commit"):
        ledger.put_blob(b"content")
    assert faults.log == []


def test_a_ledger_without_room_for_its_reserve_is_not_made(place: Place, faults: Faults) -> None:
    """Where there is no room for the reserve, no ledger is made, and nothing of it is left."""
    faults.of("posix_fallocate", "ENOSPC")
    with pytest.raises(LedgerFull):
        place.make()
    faults.restart()
    assert [path for path in place.state.rglob("*") if path.is_file()] == []
    assert put(place.make(), record()).size == 2
    assert Path(place.folder / reserve.NAME).exists()
