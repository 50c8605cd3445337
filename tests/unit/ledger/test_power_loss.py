"""Whenever the power ends, and whatever the disk forgot: what was acknowledged is there, and the ledger goes on."""

import contextlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Killed, Place, put, record, recovery
from tests.unit.ledger.forgetful import Disk, Outcome


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records a segment, so that commits begin new ones."""
    for module in ("segments", "writer"):
        monkeypatch.setattr(f"postwarden.ledger.{module}.LENGTH", 2)


@dataclass
class Acknowledged:
    """What a life was told to be on the disk."""

    lines: list[bytes] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    rotated: bool = False


def live(ledger: Ledger, told: Acknowledged) -> None:
    """Commits, a blob and a change of the key."""
    one = [record(number=1)]
    put(ledger, *one)
    told.lines += one
    told.blobs[ledger.put_blob(b"evidence")] = b"evidence"
    four = [record(number=number) for number in (2, 3, 4, 5)]
    put(ledger, *four)
    told.lines += four
    ledger.rotate(lambda number, key: record("key_epoch", epoch=number, verifier_key=key), recovered=recovery)
    told.rotated = True
    last = [record(number=6)]
    put(ledger, *last)
    told.lines += last


def check(place: Place, told: Acknowledged) -> None:
    """Everything acknowledged is there in order, the ledger is sound before and after the next commit."""
    ledger = place.open()
    found = verify(place.folder)
    assert (found.sound, found.problems) == (True, ())
    numbered = [line for line in place.lines() if b'"number":' in line]
    assert numbered[: len(told.lines)] == told.lines
    for name, content in told.blobs.items():
        assert ledger.blob(name) == content
    put(ledger, record(number=99))
    assert place.lines()[-1] == record(number=99)
    found = verify(place.folder)
    assert (found.sound, found.uncommitted, found.next_epoch) == (True, None, None)
    recovered = [line for line in place.lines() if b'"kind":"recovery"' in line]
    if told.lines:
        assert len(recovered) == len(set(recovered))


@pytest.fixture(params=[0, 1, 3])
def scene(request: pytest.FixtureRequest, place: Place) -> Place:
    """A ledger, with so many segments beyond its checkpoint."""
    put(place.make(), record(kind="began"))
    for number in range(request.param):
        content = b'{"left":"over"}\n' * 2 if number < request.param - 1 else b"torn"
        place.segment.with_name(f"{2 * number + 2:08d}.jsonl").write_bytes(content)
    return place


@pytest.mark.timeout(600)
@pytest.mark.parametrize("outcome", Outcome)
def test_power_ends_before_each_call(scene: Place, tmp_path: Path, outcome: Outcome) -> None:
    """Power ends before each call in turn, the disk forgets what it may, and nothing acknowledged is lost."""
    trial, back = Place(tmp_path / "trial"), Place(tmp_path / "back")
    seed = (scene.private / "00000000").read_bytes()
    number, whole = 0, False
    while not whole:
        shutil.copytree(scene.state, trial.state)
        told = Acknowledged()
        with pytest.MonkeyPatch.context() as patched:
            disk = Disk(patched, trial.state)
            disk.ends_at = number
            with contextlib.suppress(Killed):
                live(trial.open(), told)
            whole = disk.calls < number
        disk.after(outcome, back.state)
        if told.rotated:
            assert [path.name for path in back.private.iterdir()] == ["00000001"]
            assert seed not in disk.blocks(outcome)
        check(back, told)
        shutil.rmtree(trial.state)
        shutil.rmtree(back.state)
        number += 1
    assert number > 50
    assert len(told.lines) == 6


@pytest.mark.parametrize("outcome", Outcome)
def test_power_ends_while_a_ledger_is_made(tmp_path: Path, outcome: Outcome) -> None:
    """Power ends before each call of a ledger's making: there is a whole ledger, or none, and it is said what to do."""
    number, whole = 0, False
    seen = set()
    while not whole:
        trial, back = tmp_path / f"trial{number}", tmp_path / f"back{number}"
        trial.mkdir()
        made = False
        with pytest.MonkeyPatch.context() as patched:
            disk = Disk(patched, trial)
            disk.ends_at = number
            with contextlib.suppress(Killed):
                Place(trial / "state").make()
                made = True
            whole = disk.calls < number
        disk.after(outcome, back)
        place = Place(back / "state")
        is_there = place.folder.exists()
        assert is_there >= made
        if is_there:
            check(place, Acknowledged())
        else:
            with pytest.raises(LedgerError) as caught:
                place.open()
            assert caught.value.hint
        seen.add(is_there)
        number += 1
    assert number > 20
    assert seen == {True, False}
