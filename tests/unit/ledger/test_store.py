"""Commits, readings and the right edge of a ledger."""

import fcntl
import os
import threading
from hashlib import sha256

import pytest

from postwarden.errors import LedgerBusy, LedgerError, LedgerUnsound
from postwarden.ledger import segments
from postwarden.ledger.store import Ledger, Position
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Place, put, record, recovery


def test_committed_records_are_read_again(place: Place, ledger: Ledger) -> None:
    """Records come back as they were, in order, with their indices, also in a ledger opened anew."""
    lines = [record(number=number) for number in range(5)]
    position = put(ledger, *lines[:2])
    assert put(ledger, *lines[2:]).size == 6
    assert position.size == 3
    assert list(place.open().records(1)) == list(enumerate(lines, 1))
    assert list(ledger.records(2, 4)) == [(2, lines[1]), (3, lines[2])]
    assert list(ledger.records(4, 99))[-1] == (5, lines[4])
    assert list(ledger.records(6)) == list(ledger.records(3, 3)) == []
    assert place.open().position() == ledger.position() == Position(6, ledger.position().root)
    assert verify(place.folder).sound


def test_negative_indices_are_refused(ledger: Ledger) -> None:
    """A negative index is refused at once."""
    with pytest.raises(LedgerError, match="not negative"):
        ledger.records(-1)
    with pytest.raises(LedgerError, match="not negative"):
        ledger.records(0, -1)


def test_decide_is_asked_under_the_lock_with_the_position(place: Place, ledger: Ledger) -> None:
    """What decides sees the position before the commit and all records, and nobody else can commit."""
    put(ledger, record())
    other = place.open()

    def decide(position: Position) -> list[bytes]:
        assert position == other.position()
        assert position.size == sum(1 for _ in ledger.records()) == 2
        with pytest.raises(LedgerBusy):
            put(other, record(), wait=0)
        with pytest.raises(LedgerBusy):
            put(ledger, record(), wait=0)
        return [record(number=position.size)]

    assert ledger.commit(decide, recovered=recovery).size == 3


def test_a_busy_ledger_says_so_after_the_wait(place: Place, ledger: Ledger) -> None:
    """Who cannot get the lock in time is told with a hint, and the lock is free again afterwards."""
    reached, done = threading.Event(), threading.Event()

    def hold(_: Position) -> list[bytes]:
        reached.set()
        assert done.wait(10)
        return []

    thread = threading.Thread(target=lambda: ledger.commit(hold, recovered=recovery))
    thread.start()
    assert reached.wait(10)
    for busy in (place.open(), ledger):
        with pytest.raises(LedgerBusy, match="lock") as caught:
            put(busy, record(), wait=0.03)
        assert caught.value.hint
    done.set()
    thread.join()
    assert put(place.open(), record()).size == 2


def test_threads_may_share_a_ledger(ledger: Ledger) -> None:
    """Commits of many threads on one object are all there."""
    threads = [threading.Thread(target=lambda n=n: put(ledger, record(number=n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line for _, line in ledger.records(1)) == sorted(record(number=n) for n in range(8))


def test_nothing_to_record_writes_nothing(place: Place, ledger: Ledger) -> None:
    """A commit of nothing leaves every file as it was."""
    before = {path: path.stat().st_mtime_ns for path in place.folder.rglob("*")}
    assert put(ledger) == ledger.position()
    assert before == {path: path.stat().st_mtime_ns for path in place.folder.rglob("*")}


def test_an_exception_of_decide_leaves_everything(place: Place, ledger: Ledger) -> None:
    """If deciding fails, nothing changes, left-overs included, and the next commit works."""
    with place.segment.open("ab") as file:
        file.write(b"left over")
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}

    def decide(_: Position) -> list[bytes]:
        raise KeyError

    with pytest.raises(KeyError):
        ledger.commit(decide, recovered=recovery)
    assert before == {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    assert put(ledger, record()).size == 3


def test_malformed_records_are_not_written(place: Place, ledger: Ledger) -> None:
    """If one line of many is no record, none is written, and the next commit works."""
    before = place.segment.read_bytes()
    with pytest.raises(LedgerError, match="canonical"):
        put(ledger, record(), record() + b" ", record())
    with pytest.raises(LedgerError, match="printable"):
        put(ledger, record() + b"\n" + record())
    assert place.segment.read_bytes() == before
    assert put(ledger, record()).size == 2


@pytest.mark.parametrize(
    "tail", [b"torn", record(number=1) + b"\n", record() + b"\n" + b"torn", b"\n", b"\x00"]
)
def test_bytes_beyond_the_checkpoint_go_to_quarantine(place: Place, ledger: Ledger, tail: bytes) -> None:
    """Left-overs, sound records too, are kept aside, recorded before what is decided, and never adopted."""
    put(ledger, record(number=0))
    offset = place.segment.stat().st_size
    with place.segment.open("ab") as file:
        file.write(tail)
    assert len(place.lines()) == 2
    assert put(place.open(), record(number=2)).size == 4
    name = f"00000000-{offset}-{sha256(tail).hexdigest()}"
    taken, decided = place.lines()[2:]
    assert decided == record(number=2)
    assert taken == record(
        "recovery",
        name=name,
        length=len(tail),
        digest=sha256(tail).hexdigest(),
        segment=0,
        offset=offset,
    )
    assert [path.name for path in (place.folder / "quarantine").iterdir()] == [name]
    assert (place.folder / "quarantine" / name).read_bytes() == tail
    assert (place.folder / "quarantine" / name).stat().st_mode & 0o777 == 0o600
    found = verify(place.folder)
    assert (found.sound, found.uncommitted) == (True, None)


def test_a_recovery_alone_is_recorded_too(place: Place, ledger: Ledger) -> None:
    """A commit that decides nothing still records what it put into quarantine, once."""
    with place.segment.open("ab") as file:
        file.write(b"torn")
    assert put(ledger).size == 2
    assert put(ledger).size == 2
    assert put(place.open()).size == 2


def test_the_same_left_over_twice_is_recorded_twice(place: Place, ledger: Ledger) -> None:
    """The same bytes put there again are kept and recorded again."""
    for size in (2, 3):
        with place.segment.open("ab") as file:
            file.write(b"torn")
        assert put(ledger).size == size
    assert verify(place.folder).sound


def test_commits_of_another_process_are_followed(place: Place, ledger: Ledger) -> None:
    """Two open ledgers that take turns build one tree."""
    other = place.open()
    for number in range(6):
        put((ledger, other)[number % 2], record(number=number))
    assert place.lines()[1:] == [record(number=number) for number in range(6)]
    assert verify(place.folder).sound


def test_segments_begin_where_they_are_named(place: Place, ledger: Ledger) -> None:
    """Records that cross into a third segment are in files named by their first index, and are read back."""
    line = record()
    put(ledger, *[line] * (segments.LENGTH - 2))
    other = place.open()
    assert put(other, *[line] * (segments.LENGTH + 1)).size == 2 * segments.LENGTH
    assert put(ledger, record(number=1)).size == 2 * segments.LENGTH + 1
    names = sorted(path.name for path in (place.folder / "records").iterdir())
    assert names == ["00000000.jsonl", "00065536.jsonl", "00131072.jsonl"]
    for name, count in zip(names, (65_536, 65_536, 1), strict=True):
        assert (place.folder / "records" / name).read_bytes().count(b"\n") == count
    assert [index for index, _ in ledger.records(65_535, 65_537)] == [65_535, 65_536]
    assert list(place.open().records(131_072)) == [(131_072, record(number=1))]
    found = verify(place.folder)
    assert (found.sound, found.size) == (True, 131_073)


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of four records."""
    monkeypatch.setattr("postwarden.ledger.segments.LENGTH", 4)
    monkeypatch.setattr("postwarden.ledger.writer.LENGTH", 4)


@pytest.mark.usefixtures("short_segments")
def test_left_overs_in_several_segments_are_recovered(place: Place, ledger: Ledger) -> None:
    """Left-overs that fill a segment and go on in the next are kept apart, and their empty files go."""
    put(ledger, record(), record())
    with place.segment.open("ab") as file:
        file.write(b"a\n")
    later = place.folder / "records" / "00000004.jsonl"
    later.write_bytes(b"b\nc\nd\ne\n")
    (place.folder / "records" / "00000008.jsonl").touch()
    found = verify(place.folder)
    assert found.sound
    assert found.uncommitted
    assert (found.uncommitted.count, found.uncommitted.length) == (5, 10)
    assert found.uncommitted.digest == sha256(b"a\nb\nc\nd\ne\n").hexdigest()
    assert put(place.open()).size == 5
    assert [path.read_bytes() for path in sorted((place.folder / "quarantine").iterdir())] == [
        b"a\n",
        b"b\nc\nd\ne\n",
    ]
    assert not (place.folder / "records" / "00000008.jsonl").exists()
    assert verify(place.folder).sound


@pytest.mark.usefixtures("short_segments")
def test_a_segment_out_of_row_stops_the_writer(place: Place, ledger: Ledger) -> None:
    """A segment that no writer can have left, as the one before is not just full, stops every commit."""
    put(ledger, record())
    (place.folder / "records" / "00000004.jsonl").write_bytes(b"")
    before = place.checkpoint.read_bytes()
    content = place.segment.read_bytes()
    for left in (b"", b"one\n", b"one\ntwo", b"one\ntwo\ntorn", b"one\ntwo\nthree\n"):
        place.segment.write_bytes(content + left)
        with pytest.raises(LedgerUnsound, match=r"00000004\.jsonl does not follow"):
            put(place.open(), record())
        assert place.checkpoint.read_bytes() == before
        assert not verify(place.folder).sound
    place.segment.write_bytes(content + b"one\ntwo\n")
    assert put(place.open(), record()).size == 4


@pytest.mark.usefixtures("short_segments")
def test_sizes_around_a_segment_can_be_taken_up_again(place: Place, ledger: Ledger) -> None:
    """Whatever the size, a ledger opened anew commits where the records end."""
    for number in range(1, 14):
        assert put(place.open(), record(number=number)).size == number + 1
        assert put(ledger).size == number + 1
        assert [index for index, _ in ledger.records(number)] == [number]
    assert place.lines()[1:] == [record(number=number) for number in range(1, 14)]
    assert verify(place.folder).sound


def test_damaged_records_are_not_signed_over(place: Place, ledger: Ledger) -> None:
    """A ledger opened anew signs nothing where the records do not give the checkpoint's root."""
    put(ledger, record(number=1), record(number=2))
    place.segment.write_bytes(place.segment.read_bytes().replace(b'"number":1', b'"number":3'))
    before = place.checkpoint.read_bytes()
    for _ in range(2):
        with pytest.raises(LedgerUnsound, match="do not give the checkpoint's root") as caught:
            put(place.open(), record())
        assert caught.value.record == 0
    assert place.checkpoint.read_bytes() == before


def test_cut_records_are_not_signed_over(place: Place, ledger: Ledger) -> None:
    """A missing end is noticed by a ledger opened anew and by one that has been open."""
    put(ledger, record(number=1), record(number=2))
    content = place.segment.read_bytes()
    for cut in (content[:-1], content[: -len(record(number=2)) - 1], b""):
        place.segment.write_bytes(cut)
        for each in (place.open(), ledger):
            with pytest.raises(LedgerUnsound):
                put(each, record())
    place.segment.unlink()
    for each in (place.open(), ledger):
        with pytest.raises(LedgerUnsound, match="missing"):
            put(each, record())
    with pytest.raises(LedgerUnsound, match="missing"):
        list(ledger.records())


def test_a_ledger_that_went_back_is_not_signed_over(place: Place, ledger: Ledger) -> None:
    """An older state put back as a whole is noticed by whoever saw the later one."""
    put(ledger, record(number=1))
    older = place.segment.read_bytes(), place.checkpoint.read_bytes()
    put(ledger, record(number=2))
    place.segment.write_bytes(older[0])
    place.checkpoint.write_bytes(older[1])
    with pytest.raises(LedgerUnsound, match="went back from 3 records to 2"):
        put(ledger, record())
    assert put(place.open(), record(number=3)).size == 3
    with pytest.raises(LedgerUnsound, match="root changed without a new record"):
        put(ledger, record())
    put(place.open(), record(number=4))
    with pytest.raises(LedgerUnsound, match="records 3 to 3 do not give"):
        put(ledger, record())


def test_missing_parts_are_named(place: Place, ledger: Ledger) -> None:
    """A ledger without checkpoint, certificate or one of its folders is not sound, and says which."""
    place.checkpoint.rename(place.state / "aside")
    for attempt in (ledger.position, lambda: put(ledger, record()), lambda: list(ledger.records())):
        with pytest.raises(LedgerUnsound, match="the checkpoint is missing"):
            attempt()
    (place.state / "aside").rename(place.checkpoint)
    for name in ("records", "quarantine"):
        (place.folder / name).rename(place.state / name)
        with pytest.raises(LedgerUnsound, match=f"has no folder {name}"):
            put(ledger, record())
        (place.state / name).rename(place.folder / name)
    place.certificate.unlink()
    with pytest.raises(LedgerUnsound, match="keys/00000000, is missing"):
        place.open()
    place.certificate.write_bytes(b"nonsense\n")
    with pytest.raises(LedgerUnsound, match="certificate of epoch 0 is not sound"):
        place.open()
    place.certificate.parent.rename(place.state / "keys")
    with pytest.raises(LedgerUnsound, match="has no folder keys"):
        place.open()


def test_a_checkpoint_of_another_key_is_not_sound(place: Place, ledger: Ledger) -> None:
    """A checkpoint that another ledger's key signed, of the same name, is refused."""
    other = Place(place.state.parent / "other")
    other.make()
    place.checkpoint.write_bytes(other.checkpoint.read_bytes())
    with pytest.raises(LedgerUnsound, match="no signature of the expected key"):
        put(ledger, record())


def test_another_private_key_signs_nothing(place: Place, ledger: Ledger) -> None:
    """With a private key that is not the ledger's, nothing is written."""
    (place.private / "00000000").write_bytes(bytes(32))
    before = place.segment.read_bytes()
    with pytest.raises(LedgerError, match="not the one that this ledger is signed with"):
        put(ledger, record())
    assert place.segment.read_bytes() == before


@pytest.mark.parametrize("name", ["checkpoint", "records/00000000.jsonl", "lock", "keys/00000000"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_links_and_pipes_are_not_followed(place: Place, ledger: Ledger, name: str, kind: str) -> None:
    """A link, a FIFO or a folder in place of a file of the ledger is refused, without waiting."""
    path = place.folder / name
    path.rename(place.state / "aside")
    match kind:
        case "link":
            path.symlink_to(place.state / "aside")
        case "fifo":
            os.mkfifo(path)
        case _:
            path.mkdir()
    with pytest.raises(LedgerUnsound, match="not a regular file"):
        put(place.open(), record())


def test_linked_folders_are_not_followed(place: Place, ledger: Ledger) -> None:
    """A link in place of a folder of the ledger is refused."""
    for name in ("records", "quarantine"):
        path = place.folder / name
        path.rename(place.state / name)
        path.symlink_to(place.state / name)
        with pytest.raises(LedgerUnsound, match=f"has no folder {name}"):
            put(ledger, record())
        path.unlink()
        (place.state / name).rename(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files away")
@pytest.mark.parametrize("name", ["checkpoint", "records/00000000.jsonl", "lock", "keys/00000000"])
def test_files_of_another_user_are_refused(place: Place, ledger: Ledger, name: str) -> None:
    """A file of the ledger that belongs to another user is refused."""
    os.chown(place.folder / name, 1234, -1)
    with pytest.raises(LedgerError, match="belongs to user id 1234"):
        put(place.open(), record())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files away")
def test_a_ledger_of_another_user_is_read_and_not_written(place: Place, ledger: Ledger) -> None:
    """Root reads a ledger that belongs to another user, and writes neither records nor blobs to it."""
    for path in [place.folder, *place.folder.rglob("*")]:
        os.chown(path, 1234, -1)
    theirs = place.open()
    assert len(list(theirs.records())) == 1
    for attempt in (lambda: put(theirs, record()), lambda: theirs.put_blob(b"content")):
        with pytest.raises(LedgerError, match="belongs to user id 1234"):
            attempt()


def test_an_exchanged_lock_is_not_relied_on(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for a lock file that was exchanged meanwhile waits for the new one as well."""
    path = place.folder / "lock"
    held = [os.open(path, os.O_RDWR)]
    fcntl.flock(held[0], fcntl.LOCK_EX)

    def exchange(_pause: float) -> None:
        if len(held) == 1:
            path.unlink()
            held.append(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            fcntl.flock(held[1], fcntl.LOCK_EX)
            fcntl.flock(held[0], fcntl.LOCK_UN)

    monkeypatch.setattr("postwarden.ledger.lock.time.sleep", exchange)
    with pytest.raises(LedgerBusy):
        put(ledger, record(), wait=0.05)
    for descriptor in held:
        os.close(descriptor)
    assert put(ledger, record(), wait=0.05).size == 2


def test_a_lock_that_was_taken_away_is_made_again(place: Place, ledger: Ledger) -> None:
    """Where somebody took the lock's file away during a commit, the next writer makes another."""

    def decide(_: Position) -> list[bytes]:
        (place.folder / "lock").unlink()
        return [record()]

    ledger.commit(decide, recovered=recovery)
    assert put(place.open(), record()).size == 3
