"""Verification beside a writer who changes more than the end: keys, old segments, blobs."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from postwarden.ledger import files
from postwarden.ledger import verify as verification
from postwarden.ledger.store import Ledger
from postwarden.ledger.verify import verify
from tests.unit.ledger.attacks import World, make_world, short_segments
from tests.unit.ledger.conftest import Place, put, record, recovery


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with short_segments():
        yield make_world(tmp_path)


def before_records(monkeypatch: pytest.MonkeyPatch, *does: Callable[[], object]) -> list[int]:
    """What happens between checkpoint and records, the first time they are read, the second, …; counts the times."""
    times: list[int] = []
    read = verification._verify_records

    def reading(*args: Any) -> Any:
        times.append(len(times))
        if len(times) <= len(does):
            does[len(times) - 1]()
        return read(*args)

    monkeypatch.setattr(verification, "_verify_records", reading)
    return times


def prune(world: World, stop: int) -> None:
    told = [record("records_pruned", stop=stop), record("blobs_kept", blobs=world.blobs)]
    world.place.open(second=True).prune(stop, lambda _: told, recovered=recovery)


def erase(world: World, name: str) -> None:
    told = [record("blobs_erased", blobs=[name])]
    world.place.open(second=True).erase([name], lambda _: told, recovered=recovery)


def test_old_segments_that_are_pruned_meanwhile_are_no_problem(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record that says so lies behind the checkpoint that was read first; the next one covers it."""
    times = before_records(monkeypatch, partial(prune, world, 4))
    found = verify(world.place.folder)
    assert (found.sound, found.pruned, len(times)) == (True, 4, 2)


def test_a_blob_that_is_erased_meanwhile_is_no_problem(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the record behind the checkpoint says."""
    times = before_records(monkeypatch, partial(erase, world, world.blobs[1]))
    found = verify(world.place.folder)
    assert (found.sound, found.erased, len(times)) == (True, 1, 2)


def test_a_writer_at_work_hides_no_loss(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is recorded meanwhile, a blob that went without a word is missing, and the looks have an end."""
    world.blob(1).unlink()
    commit = partial(put, world.place.open(second=True), record(number=1))
    times = before_records(monkeypatch, *[commit] * 9)
    found = verify(world.place.folder)
    assert not found.sound
    assert len(times) == 3


def test_what_lies_still_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is not sound is not read again while nobody writes."""
    world.blob(1).unlink()
    times = before_records(monkeypatch)
    assert not verify(world.place.folder).sound
    assert len(times) == 1


def test_keys_that_change_while_they_are_read_are_no_problem(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time the checkpoint was read a new epoch has begun; what was followed before is not read again."""
    put(ledger, record(number=1))
    read, changes = verification._read_checkpoint, iter(range(40))

    def told(number: int, key: str) -> bytes:
        return record("key_epoch", epoch=number, verifier_key=key)

    def reading(*args: Any) -> Any:
        content = read(*args)
        if next(changes, None) is not None:
            ledger.rotate(told, recovered=recovery)
        return content

    monkeypatch.setattr(verification, "_read_checkpoint", reading)
    found = verify(place.folder)
    assert (found.sound, found.problems, found.epochs) == (True, (), 41)


def test_a_certificate_in_the_making_is_no_problem(
    place: Place, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A temporary name that was there when we looked, and is gone when the keys are read, was a writer's."""
    listed = files.list_names

    def listing(folder: int, what: str) -> list[str]:
        return [*listed(folder, what), *(["00000009.tmp"] if what == "the keys folder" else [])]

    monkeypatch.setattr(files, "list_names", listing)
    assert verify(place.folder).sound
    (place.folder / "keys" / "00000009.tmp").touch()
    assert not verify(place.folder).sound
