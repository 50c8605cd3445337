"""Every change to a ledger of three epochs shows, in any of its files: second signatures, blobs and hashes included."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden.ledger.verify import verify
from tests.unit.ledger.attacks import FORGED, World, make_world, short_segments
from tests.unit.ledger.conftest import put, record, recovery

LONG = bool(os.environ.get("POSTWARDEN_LONG"))
#: Bits and lengths of each file that `make test` tries; the long run tries all.
SAMPLE = 150
NAMES = (
    "checkpoint",
    "keys/00000000", "keys/00000001", "keys/00000002",
    "records/00000004.jsonl", "records/00000008.jsonl", "records/00000012.jsonl",
    "records/00000016.jsonl",
    "blobs/0", "blobs/1", "blobs/2",
    "hashes/00000000",
)  # fmt: skip


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The ledger that is attacked, without its first segment, which was removed as it should be."""
    with short_segments():
        world = make_world(tmp_path_factory.mktemp("world"))
        told = [record("records_pruned", stop=4), record("blobs_kept", blobs=world.blobs)]
        world.place.open(second=True).prune(4, lambda _: told, recovered=recovery)
        put(world.place.open(second=True), FORGED)
        found = verify(world.place.folder)
        assert (found.sound, found.pruned, found.epochs, found.blobs) == (True, 4, 3, 3)
        yield world


def file_of(world: World, name: str) -> Path:
    folder, _, number = name.partition("/")
    return world.blob(int(number)) if folder == "blobs" else world.place.folder / name


def sample(whole: range) -> list[int]:
    """All of it in the long run, else some by chance, with the seed printed."""
    if LONG or len(whole) <= SAMPLE:
        return list(whole)
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    return random.Random(seed).sample(whole, SAMPLE)


def missed(world: World, path: Path, contents: Iterator[tuple[int, bytes]]) -> list[int]:
    """The numbers of those contents of a file with which the ledger is sound."""
    before = path.read_bytes()
    sound = []
    for number, content in contents:
        path.write_bytes(content)
        if verify(world.place.folder).sound:
            sound.append(number)
    path.write_bytes(before)
    return sound


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_shows(pruned: World, name: str) -> None:
    """Each single bit of each file counts."""
    path = file_of(pruned, name)
    content = path.read_bytes()

    def flipped() -> Iterator[tuple[int, bytes]]:
        for bit in sample(range(8 * len(content))):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            yield bit, bytes(changed)

    assert missed(pruned, path, flipped()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_truncation_shows(pruned: World, name: str) -> None:
    """Wherever a file ends too early, down to nothing, the ledger is not sound."""
    path = file_of(pruned, name)
    content = path.read_bytes()
    assert missed(pruned, path, ((end, content[:end]) for end in sample(range(len(content))))) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_file_shows(pruned: World, name: str) -> None:
    """Without any one of its files the ledger is not sound."""
    path = file_of(pruned, name)
    away = path.rename(pruned.place.state / "away")
    found = verify(pruned.place.folder)
    away.rename(path)
    assert not found.sound


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("blobs/")])
def test_bytes_too_many_show(pruned: World, name: str) -> None:
    """What is added to a file shows; to the last segment, which a writer goes on with, it is told as uncommitted."""
    path = file_of(pruned, name)
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    found = verify(pruned.place.folder)
    path.write_bytes(content)
    last = max(pruned.records.iterdir())
    assert found.sound == (path == last)
    assert (found.uncommitted is not None) == (path == last)
