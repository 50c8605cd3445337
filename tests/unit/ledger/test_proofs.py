"""Proofs are RFC 6962's, and only the right ones are accepted."""

from collections.abc import Iterator
from hashlib import sha256

import pytest

from postwarden.errors import LedgerError
from postwarden.ledger.proofs import check_consistency, check_inclusion, consistency_path, inclusion_path

# Leaves, roots and paths that Certificate Transparency's implementations test each other with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
SIZES = range(65)


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962's own definition of a tree's hash, section 2.1."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


def recursive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962's own definition of an audit path, section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*recursive_path(index, leaves[:split]), recursive_root(leaves[split:])]
    return [*recursive_path(index - split, leaves[split:]), recursive_root(leaves[:split])]


def recursive_proof(old: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 6962's own definition of a consistency proof, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [recursive_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*recursive_proof(old, leaves[:split], whole=whole), recursive_root(leaves[split:])]
    return [*recursive_proof(old - split, leaves[split:], whole=False), recursive_root(leaves[:split])]


class Leaves:
    """A tree in memory."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.leaves = leaves
        self._roots: dict[tuple[int, int], bytes] = {}

    def range_root(self, start: int, stop: int) -> bytes:
        if (start, stop) not in self._roots:
            self._roots[start, stop] = recursive_root(self.leaves[start:stop])
        return self._roots[start, stop]


@pytest.fixture(scope="module")
def tree() -> Leaves:
    return Leaves([f"leaf {index}".encode() for index in range(SIZES.stop)])


def spoilt(path: list[bytes]) -> Iterator[list[bytes]]:
    """The path with one hash changed, left out, doubled, swapped with its neighbour or put in."""
    stranger = bytes(32)
    for at, each in enumerate(path):
        yield [*path[:at], bytes([each[0] ^ 1]) + each[1:], *path[at + 1 :]]
        yield [*path[:at], *path[at + 1 :]]
        yield [*path[: at + 1], each, *path[at + 1 :]]
        yield [*path[:at], each[:31], *path[at + 1 :]]
        if at:
            yield [*path[: at - 1], each, path[at - 1], *path[at + 1 :]]
    for at in range(len(path) + 1):
        yield [*path[:at], stranger, *path[at:]]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_known_inclusion_paths(index: int, size: int) -> None:
    """The audit paths that other implementations agree on are made, and accepted."""
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES[:size]]
    path = inclusion_path(Leaves(leaves), index, size)
    assert [each.hex() for each in path] == INCLUSION[index, size]
    check_inclusion(sha256(b"\x00" + leaves[index]).digest(), index, size, recursive_root(leaves), path)


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_known_consistency_paths(old: int, new: int) -> None:
    """The consistency proofs that other implementations agree on are made, and accepted."""
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES[:new]]
    path = consistency_path(Leaves(leaves), old, new)
    assert [each.hex() for each in path] == CONSISTENCY[old, new]
    check_consistency(old, recursive_root(leaves[:old]), new, recursive_root(leaves), path)


@pytest.mark.parametrize("size", SIZES[1:])
def test_every_inclusion_path_and_no_other(tree: Leaves, size: int) -> None:
    """For every record of every size the path is the definition's, and with any hash spoilt it is refused."""
    root = tree.range_root(0, size)
    for index in range(size):
        path = inclusion_path(tree, index, size)
        assert path == recursive_path(index, tree.leaves[:size])
        leaf = tree.range_root(index, index + 1)
        check_inclusion(leaf, index, size, root, path)
        for bad in spoilt(path):
            with pytest.raises(LedgerError):
                check_inclusion(leaf, index, size, root, bad)
        with pytest.raises(LedgerError):
            check_inclusion(bytes(32), index, size, root, path)
        with pytest.raises(LedgerError):
            check_inclusion(leaf, index, size, bytes(32), path)
        if size > 1:
            with pytest.raises(LedgerError):
                check_inclusion(leaf, (index + 1) % size, size, root, path)


@pytest.mark.parametrize("new", SIZES)
def test_every_consistency_path_and_no_other(tree: Leaves, new: int) -> None:
    """For every pair of sizes the proof is the definition's, and with any hash spoilt it is refused."""
    new_root = tree.range_root(0, new)
    for old in range(new + 1):
        old_root = tree.range_root(0, old)
        path = consistency_path(tree, old, new)
        assert path == (recursive_proof(old, tree.leaves[:new]) if old else [])
        check_consistency(old, old_root, new, new_root, path)
        for bad in spoilt(path):
            with pytest.raises(LedgerError):
                check_consistency(old, old_root, new, new_root, bad)
        with pytest.raises(LedgerError):
            check_consistency(old, bytes(32), new, new_root, path)
        if old:
            with pytest.raises(LedgerError):
                check_consistency(old, old_root, new, bytes(32), path)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (4, 3)])
def test_no_proof_of_a_record_that_is_not_there(tree: Leaves, index: int, size: int) -> None:
    """An index outside the tree is refused by who makes a proof and by who checks one."""
    with pytest.raises(LedgerError, match="no record"):
        inclusion_path(tree, index, size)
    with pytest.raises(LedgerError, match="no record"):
        check_inclusion(bytes(32), index, size, bytes(32), [])


@pytest.mark.parametrize(("old", "new"), [(4, 3), (-1, 3)])
def test_no_proof_that_a_longer_tree_is_the_beginning(tree: Leaves, old: int, new: int) -> None:
    """A larger old size is refused by who makes a proof and by who checks one."""
    with pytest.raises(LedgerError, match="not the beginning"):
        consistency_path(tree, old, new)
    with pytest.raises(LedgerError, match="not the beginning"):
        check_consistency(old, bytes(32), new, bytes(32), [])


def test_a_proof_that_is_too_long_to_be_one_is_not_read(tree: Leaves) -> None:
    """More hashes than any tree is high are refused before one of them is looked at."""
    with pytest.raises(LedgerError, match="more than 63"):
        check_inclusion(bytes(32), 0, 2, bytes(32), [bytes(32)] * 64)


def test_a_hash_of_another_length_is_named() -> None:
    """A hash that is not 32 bytes long is refused before it is hashed with anything."""
    with pytest.raises(LedgerError, match="not 32 bytes"):
        check_inclusion(bytes(32), 0, 2, bytes(32), [bytes(31)])
    with pytest.raises(LedgerError, match="not 32 bytes"):
        check_consistency(1, bytes(32), 2, bytes(33), [bytes(32)])
