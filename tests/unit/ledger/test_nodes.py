"""Nodes of the tree over a ledger's records, at any place."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import nodes as nodes_module
from postwarden.ledger import segments
from postwarden.ledger.proofs import check_consistency, check_inclusion, consistency_path, inclusion_path
from postwarden.ledger.tree import leaf_hash
from tests.unit.ledger.growing import Growing
from tests.unit.ledger.opened import open_nodes

LENGTH = 8


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 8 records, so that a few records reach over several."""
    monkeypatch.setattr(segments, "LENGTH", LENGTH)
    monkeypatch.setattr(nodes_module, "LENGTH", LENGTH)
    monkeypatch.setattr(nodes_module, "_TOP", 3)


def lines(count: int) -> list[bytes]:
    return [f"record {index}".encode() for index in range(count)]


def write(folder: Path, content: list[bytes], length: int) -> Path:
    """Records as a ledger has them, without a checkpoint."""
    (folder / "records").mkdir(parents=True)
    for first in range(0, len(content), length):
        part = content[first : first + length]
        (folder / "records" / segments.segment_name(first)).write_bytes(
            b"".join(line + b"\n" for line in part)
        )
    return folder


def prune(folder: Path, first: int, length: int) -> None:
    """Leave only the hashes of a segment."""
    segment = folder / "records" / segments.segment_name(first)
    hashes = b"".join(leaf_hash(line) for line in segment.read_bytes().split(b"\n")[:length])
    (folder / "hashes").mkdir(exist_ok=True)
    (folder / "hashes" / f"{first:08d}").write_bytes(hashes)
    segment.unlink()


def roots(content: list[bytes]) -> list[bytes]:
    """The root of each size."""
    tree = Growing()
    found = [tree.root]
    for line in content:
        tree.add(line)
        found.append(tree.root)
    return found


@pytest.mark.usefixtures("small_segments")
def test_every_size_over_several_segments(tmp_path: Path) -> None:
    """Roots, inclusion and consistency proofs hold for every size over up to six segments."""
    content = lines(47)
    expected = roots(content)
    folder = write(tmp_path, content, LENGTH)
    for size in range(len(content) + 1):
        with open_nodes(folder, size) as nodes:
            assert nodes.range_root(0, size) == expected[size]
            for index in range(size):
                path = inclusion_path(nodes, index, size)
                check_inclusion(leaf_hash(content[index]), index, size, expected[size], path)
            for old in range(size + 1):
                path = consistency_path(nodes, old, size)
                check_consistency(old, expected[old], size, expected[size], path)


@pytest.mark.usefixtures("small_segments")
def test_pruned_segments_are_read_from_their_hashes(tmp_path: Path) -> None:
    """Proofs stay the same when the records of old segments are gone and their hashes stay, for older sizes too."""
    content = lines(45)
    expected = roots(content)
    folder = write(tmp_path, content, LENGTH)
    prune(folder, 0, LENGTH)
    prune(folder, 8, LENGTH)
    for size in (5, 8, 13, 16, 17, 45):
        with open_nodes(folder, size) as nodes:
            assert nodes.range_root(0, size) == expected[size]
            check_inclusion(leaf_hash(content[3]), 3, size, expected[size], inclusion_path(nodes, 3, size))


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("spoil", [Path.unlink, _shorten, _make_fifo])
def test_hashes_that_are_missing_or_torn_are_not_sound(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """Without its records a segment needs its hashes, whole and in a regular file."""
    folder = write(tmp_path, lines(20), LENGTH)
    prune(folder, 8, LENGTH)
    spoil(folder / "hashes" / "00000008")
    with open_nodes(folder, 20) as nodes, pytest.raises(LedgerUnsound):
        nodes.node(0, 9)


@pytest.mark.usefixtures("small_segments")
def test_records_that_are_missing_are_named(tmp_path: Path) -> None:
    """A segment without records and hashes, and a record that was cut off, are named by index."""
    folder = write(tmp_path, lines(20), LENGTH)
    (folder / "records" / segments.segment_name(0)).unlink()
    with open_nodes(folder, 20) as nodes, pytest.raises(LedgerUnsound) as missing:
        nodes.range_root(0, 20)
    assert missing.value.record == 0
    with open_nodes(folder, 22) as nodes, pytest.raises(LedgerUnsound) as torn:
        nodes.node(0, 21)
    assert torn.value.record == 20


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize(("level", "index"), [(0, 20), (1, 10), (4, 1), (5, 0), (-1, 0), (0, -1)])
def test_a_node_that_is_not_there(tmp_path: Path, level: int, index: int) -> None:
    """A node that reaches beyond the ledger's size is refused."""
    folder = write(tmp_path, lines(20), LENGTH)
    with open_nodes(folder, 20) as nodes, pytest.raises(LedgerError, match="no node"):
        nodes.node(level, index)


@pytest.mark.usefixtures("small_segments")
def test_a_range_that_is_no_subtree(tmp_path: Path) -> None:
    """A range that RFC 6962 never cuts out is refused instead of getting some other root."""
    folder = write(tmp_path, lines(20), LENGTH)
    with open_nodes(folder, 20) as nodes, pytest.raises(LedgerError, match="no subtree"):
        nodes.range_root(1, 5)


def test_real_segments_agree_with_the_grown_tree(tmp_path: Path) -> None:
    """Around the border of a segment of 65,536 records, roots and proofs are right."""
    content = lines(65_540)
    folder = write(tmp_path, content, 65_536)
    for size in (65_535, 65_536, 65_537, 65_540):
        tree = Growing()
        for line in content[:size]:
            tree.add(line)
        with open_nodes(folder, size) as nodes:
            assert nodes.range_root(0, size) == tree.root
            path = inclusion_path(nodes, size - 1, size)
            check_inclusion(sha256(b"\0" + content[size - 1]).digest(), size - 1, size, tree.root, path)
