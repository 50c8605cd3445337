"""Whenever the power ends, and whatever the disk forgot: what was acknowledged is there, and the ledger goes on."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.conftest import Killed, Place, put, record, recovery
from tests.unit.ledger.forgetful import Disk, Outcome


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two records a segment, so that commits begin new ones."""
    for module in ("segments", "writer"):
        monkeypatch.setattr(f"postwarden.ledger.{module}.LENGTH", 2)


def a_life(ledger: Ledger) -> Iterator[tuple[list[bytes], dict[str, bytes]]]:
    """Commits, blobs and a change of the key; after each step, the lines and blobs that it acknowledged."""
    one = [record(number=1)]
    put(ledger, *one)
    yield one, {}
    yield [], {ledger.put_blob(b"evidence"): b"evidence"}
    four = [record(number=number) for number in (2, 3, 4, 5)]
    put(ledger, *four)
    yield four, {}
    ledger.rotate(lambda number, key: record("key_epoch", epoch=number, verifier_key=key), recovered=recovery)
    yield [], {}
    last = [record(number=6)]
    put(ledger, *last)
    yield last, {}


def lived(place: Place, disk: Disk, ends_at: int | None) -> tuple[list[bytes], dict[str, bytes]]:
    """What was acknowledged before the power ended."""
    disk.ends_at = ends_at
    lines: list[bytes] = []
    blobs: dict[str, bytes] = {}
    with contextlib.suppress(Killed):
        for more, kept in a_life(place.open()):
            lines += more
            blobs |= kept
    return lines, blobs


def check(place: Place, lines: list[bytes], blobs: dict[str, bytes]) -> None:
    """Everything acknowledged is there in order, the ledger is sound before and after the next commit."""
    ledger = place.open()
    found = verify(place.folder)
    assert (found.sound, found.problems) == (True, ())
    numbered = [line for line in place.lines() if b'"number":' in line]
    assert numbered[: len(lines)] == lines
    for name, content in blobs.items():
        assert ledger.blob(name) == content
    put(ledger, record(number=99))
    assert place.lines()[-1] == record(number=99)
    found = verify(place.folder)
    assert (found.sound, found.uncommitted, found.next_epoch) == (True, None, None)


@pytest.fixture(params=["plain", "left over"])
def scene(request: pytest.FixtureRequest, place: Place) -> Place:
    """A ledger, with something beyond its checkpoint or without."""
    put(place.make(), record(kind="began"))
    if request.param == "left over":
        with place.segment.with_name("00000002.jsonl").open("ab") as file:
            file.write(b'{"left":"over"}\ntorn')
    return place


@pytest.mark.timeout(600)
@pytest.mark.parametrize("outcome", Outcome)
def test_power_ends_before_each_call(scene: Place, tmp_path: Path, outcome: Outcome) -> None:
    """Power ends before each call in turn, the disk forgets what it may, and nothing acknowledged is lost."""
    trial, back = Place(tmp_path / "trial"), Place(tmp_path / "back")
    number, whole = 0, False
    while not whole:
        shutil.copytree(scene.state, trial.state)
        with pytest.MonkeyPatch.context() as patched:
            disk = Disk(patched, trial.state)
            lines, blobs = lived(trial, disk, number)
            whole = disk.calls < number
        disk.after(outcome, back.state)
        check(back, lines, blobs)
        shutil.rmtree(trial.state)
        shutil.rmtree(back.state)
        number += 1
    assert number > 50
    assert len(lines) == 6
