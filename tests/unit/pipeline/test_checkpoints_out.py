"""Checkpoints go out after each commit, memory is asked before the first, and trouble is kept for status."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden.errors import LedgerUnsound
from postwarden.ledger.cosignature import read_text
from postwarden.ledger.note import parse_note
from postwarden.model.finding import Finding
from postwarden.notify import Attached
from postwarden.notify.notice import Notice
from postwarden.pipeline.checkpoints_out import read_told
from postwarden.pipeline.record import Recorder, create_ledger
from postwarden.pipeline.unsound_alarm import tell_unsound
from postwarden.witness.configured import Outside
from tests.unit.pipeline.conftest import NOW

ORIGIN = "postwarden/test"


class Place:
    """A state folder whose checkpoints go to a file elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.state, self.elsewhere = folder / "state", folder / "elsewhere"
        self.elsewhere.mkdir()
        create_ledger(self.state, origin=ORIGIN, run="run-0", actor="a", agent="p", now=NOW)
        self.outside = Outside(file=self.elsewhere / "checkpoint")
        self._opened: list[Recorder] = []

    def open(self) -> Recorder:
        made = Recorder(self.state, run="r", actor="a", agent="p", clock=lambda: NOW, outside=self.outside)
        self._opened.append(made)
        return made

    def close(self) -> None:
        for one in self._opened:
            one.close()

    @property
    def remembered(self) -> int:
        """The size that the file remembers."""
        return read_text(parse_note((self.elsewhere / "checkpoint").read_bytes()).text)[1].size


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def write(recorder: Recorder, mark: str) -> int:
    """Records something, and gives the size after it."""
    recorder.configuration(mark.encode(), mark)
    return recorder.ledger.position().size


def roll_back(place: Place) -> int:
    """Puts an old state back after more was recorded; the size that was recorded by then."""
    shutil.copytree(place.state, place.state.with_name("backup"))
    recorder = place.open()
    write(recorder, "one")
    size = write(recorder, "two")
    shutil.rmtree(place.state)
    shutil.copytree(place.state.with_name("backup"), place.state)
    return size


def test_each_commit_is_told_at_once(place: Place) -> None:
    """The file has the newest checkpoint after each commit, and status knows how far it is."""
    recorder = place.open()
    for mark in ("one", "two"):
        size = write(recorder, mark)
        assert place.remembered == size
    (told,) = read_told(place.state, place.outside)
    assert (told.size, told.time, told.failure) == (size, NOW, None)


def test_reading_asks_and_tells_nobody(place: Place) -> None:
    """Whoever records nothing neither asks nor tells, also on an old state."""
    roll_back(place)
    before = place.remembered
    place.open().refresh()
    assert place.remembered == before


def test_an_old_state_is_stopped_before_anything_is_signed(place: Place) -> None:
    """On an old state the first record is refused with both sizes, and the disk stays as it is."""
    size = roll_back(place)
    checkpoint = (place.state / "ledger" / "checkpoint").read_bytes()
    recorder = place.open()
    for _ in range(2):
        with pytest.raises(LedgerUnsound, match=rf"seen {size} records of this ledger, and it has 1"):
            write(recorder, "three")
    assert (place.state / "ledger" / "checkpoint").read_bytes() == checkpoint
    assert place.remembered == size


def test_an_old_state_does_not_wipe_what_is_remembered(place: Place) -> None:
    """Publishing an old state's checkpoint leaves the file's newer one where it is."""
    size = roll_back(place)
    place.open().publish()
    assert place.remembered == size


def test_what_a_crash_left_is_not_signed_on_an_old_state(place: Place) -> None:
    """Even the record of a recovery waits until others were asked."""
    roll_back(place)
    segment = place.state / "ledger" / "records" / "00000000.jsonl"
    segment.write_bytes(segment.read_bytes() + b"half a rec")
    before = segment.read_bytes()
    with pytest.raises(LedgerUnsound, match="records of this ledger"):
        place.open()
    assert segment.read_bytes() == before
    assert not list((place.state / "ledger" / "quarantine").iterdir())


def test_what_a_crash_left_is_taken_aside_where_all_is_well(place: Place) -> None:
    """Where the memory agrees, a recovery is recorded and told."""
    before = write(place.open(), "one")
    segment = place.state / "ledger" / "records" / "00000000.jsonl"
    segment.write_bytes(segment.read_bytes() + b"half a rec")
    assert place.open().ledger.position().size == before + 1
    assert place.remembered == before + 1


def test_other_records_are_stopped(place: Place) -> None:
    """A ledger of another origin's history, grown beyond what is remembered, is refused."""
    write(place.open(), "one")
    shutil.rmtree(place.state)
    create_ledger(place.state, origin=ORIGIN, run="other", actor="a", agent="p", now=NOW)
    without = place.outside
    place.outside = Outside()
    recorder = place.open()
    write(recorder, "x")
    write(recorder, "y")
    place.outside = without
    with pytest.raises(LedgerUnsound, match="another ledger"):
        write(place.open(), "z")


def test_a_place_that_is_away_is_said_and_does_not_stop(place: Place) -> None:
    """What cannot be told or read is kept for status with the reason, until it works again."""
    away = place.elsewhere.with_name("away")
    place.elsewhere.rename(away)
    recorder = place.open()
    write(recorder, "one")
    (told,) = read_told(place.state, place.outside)
    assert told.size is None
    assert told.failure
    away.rename(place.elsewhere)
    recorder.publish()
    (told,) = read_told(place.state, place.outside)
    assert (told.size, told.failure) == (place.remembered, None)


def test_status_forgets_what_is_not_configured(place: Place) -> None:
    """A place that is no longer in agent.toml is not shown."""
    write(place.open(), "one")
    assert read_told(place.state, Outside()) == ()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_damaged_status_is_no_reason_to_stop(place: Place, content: bytes) -> None:
    """What status shows is made anew where it cannot be read."""
    (place.state / "outside.json").write_bytes(content)
    size = write(place.open(), "one")
    assert [each.size for each in read_told(place.state, place.outside)] == [size]


def test_a_program_gets_the_checkpoint_when_it_is_published(place: Place) -> None:
    """The command runs when a command that records has ended, and not at each commit."""
    script = 'cat >> "$1"'
    told = place.elsewhere / "told"
    place.outside = Outside(command=("/bin/sh", "-c", script, "sh", str(told)))
    recorder = place.open()
    write(recorder, "one")
    assert not told.exists()
    recorder.publish()
    assert told.read_text() == recorder.newest_checkpoint()
    assert oct((place.state / "outside.json").stat().st_mode & 0o777) == "0o600"


class Inbox:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def send(self, notice: Notice) -> None:
        self.notices.append(notice)


@pytest.mark.parametrize(
    ("content", "told"), [(b"any\n\x80\x1b", "any\n\\x80\x1b"), (None, ""), (b"x" * 300_000, "")]
)
def test_an_unsound_ledger_is_told_to_everybody(content: bytes | None, told: str, tmp_path: Path) -> None:
    """Every notifier is told, with sentence, advice and the checkpoint that is there, always under the same id."""
    inbox = Inbox()
    attached = [Attached(name=name, level="critical", notifier=inbox) for name in ("a", "b")]
    failure = LedgerUnsound("the file x has seen 9 records", "put it back", record=5)
    if content is not None:
        (tmp_path / "checkpoint").write_bytes(content)
    tell_unsound(failure, attached, tmp_path, origin=ORIGIN, now=NOW, actor="postwarden run", agent="p")
    first, second = inbox.notices
    assert first.checkpoint == told
    assert first == second
    finding: Finding = first.finding
    assert (finding.name, finding.level, finding.why) == ("ledger_not_sound", "critical", (failure.message,))
    assert (first.ledger, first.record, finding.advice) == (ORIGIN, 5, ("put it back",))
