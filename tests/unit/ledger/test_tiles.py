"""A ledger's tiles are where and what tlog-tiles says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from postwarden.ledger.tiles import _places, entry_tiles, tile_name, tree_tiles
from postwarden.ledger.tree import leaf_hash, root_of
from tests.unit.ledger.growing import Growing
from tests.unit.ledger.opened import open_nodes

SIZES = (0, 1, 2, 255, 256, 257, 512, 1000, 65_535, 65_536, 65_537, 70_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """70,000 records as a ledger has them, without a checkpoint."""
    path = tmp_path_factory.mktemp("ledger")
    (path / "records").mkdir()
    for first in (0, 65_536):
        content = b"".join(line(index) + b"\n" for index in range(first, min(70_000, first + 65_536)))
        (path / "records" / f"{first:08d}.jsonl").write_bytes(content)
    return path


def line(index: int) -> bytes:
    return f"record {index}".encode()


def split(bundle: bytes) -> Iterator[bytes]:
    """The records of a bundle."""
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        yield bundle[2 : 2 + length]
        bundle = bundle[2 + length :]


def root_over(size: int) -> bytes:
    tree = Growing()
    for index in range(size):
        tree.add(line(index))
    return tree.root


@pytest.mark.parametrize(
    ("kind", "number", "width", "name"),
    [
        ("0", 0, 256, "tile/0/000"),
        ("0", 273, 112, "tile/0/273.p/112"),
        ("1", 1_234_067, 256, "tile/1/x001/x234/067"),
        ("entries", 1_234_067, 1, "tile/entries/x001/x234/067.p/1"),
        ("2", 1000, 256, "tile/2/x001/000"),
    ],
)
def test_names(kind: str, number: int, width: int, name: str) -> None:
    """Tiles have the specification's names."""
    assert tile_name(kind, number, width) == name


def test_the_specification_example(folder: Path) -> None:
    """70,000 records give the tiles that the specification names for that size."""
    with open_nodes(folder, 70_000) as nodes:
        names = [name for name, _ in tree_tiles(nodes)]
    full = [f"tile/0/{number:03d}" for number in range(273)]
    rest = ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert sorted(names) == sorted([*full, *rest])


@pytest.mark.parametrize("size", SIZES)
def test_tiles_hold_the_tree(folder: Path, size: int) -> None:
    """Of each level the hashes are right: alone they give the tree's root, and the lowest are the records'."""
    with open_nodes(folder, size) as nodes:
        tiles = dict(tree_tiles(nodes))
    entries = dict(entry_tiles(line(index) for index in range(size)))
    records = [record for bundle in entries.values() for record in split(bundle)]
    assert records == [line(index) for index in range(size)]
    peaks: list[bytes] = []
    for level in (2, 1, 0):
        count = size >> 8 * level
        hashes = b"".join(
            tiles[tile_name(str(level), number, min(256, count - 256 * number))]
            for number in range(-(-count // 256))
        )
        assert len(hashes) == 32 * count
        if level == 0:
            assert hashes == b"".join(leaf_hash(record) for record in records)
        left = 32 * 256 * (count // 256)
        peaks += _peaks(hashes[left:])
    assert root_of(peaks) == root_over(size)
    assert sorted(entries) == sorted(
        name.replace("tile/0/", "tile/entries/") for name in tiles if name.startswith("tile/0/")
    )


def test_tiles_of_all_levels_come_as_soon_as_they_are_full() -> None:
    """When the last hash of a tile is full, so may be the tiles above it, one after another."""
    places = list(_places(256**3 + 5))
    assert places[-4:] == [(1, 255, 256), (2, 0, 256), (0, 65_536, 5), (3, 0, 1)]
    assert len(places) == 65_536 + 256 + 1 + 2


def _peaks(hashes: bytes) -> list[bytes]:
    """The roots of the perfect subtrees over a partial tile's hashes, the largest first."""
    from postwarden.ledger.tree import node_hash

    peaks: list[tuple[int, bytes]] = []
    for at in range(0, len(hashes), 32):
        height, each = 0, hashes[at : at + 32]
        while peaks and peaks[-1][0] == height:
            each = node_hash(peaks.pop()[1], each)
            height += 1
        peaks.append((height, each))
    return [each for _, each in peaks]


def test_bundles_after_pruning_keep_their_numbers(folder: Path) -> None:
    """Where the first records are gone, the bundles of the others have the numbers they always had."""
    names = [name for name, _ in entry_tiles((line(index) for index in range(65_536, 66_000)), 65_536)]
    assert names == ["tile/entries/256", "tile/entries/257.p/208"]
