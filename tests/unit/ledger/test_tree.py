"""Growing a tree gives RFC 6962's roots."""

from hashlib import sha256

import pytest

from postwarden.ledger.tree import EMPTY_ROOT, extend, leaf_hash
from tests.unit.ledger.growing import Growing

# The leaves and roots that Certificate Transparency's implementations test each other with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def recursive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962's own definition: split at the largest power of two below the number of leaves."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    """The roots over the leaves that other implementations use are theirs."""
    tree = Growing()
    for leaf in LEAVES[:size]:
        tree.add(bytes.fromhex(leaf))
    assert tree.root.hex() == ROOTS[size]


def test_every_size_agrees_with_the_definition() -> None:
    """For each size from 0 to 70 the grown root is the recursive definition's."""
    leaves = [f"leaf {index}".encode() for index in range(70)]
    tree = Growing()
    assert tree.root == EMPTY_ROOT == recursive_root([])
    for size, leaf in enumerate(leaves, 1):
        tree.add(leaf)
        assert (tree.size, tree.root) == (size, recursive_root(leaves[:size]))


def test_growth_continues_from_the_peaks_alone() -> None:
    """A tree taken up again from its size and peaks grows as if it had never been put down."""
    leaves = [f"leaf {index}".encode() for index in range(70)]
    for size in range(70):
        first = Growing()
        for leaf in leaves[:size]:
            first.add(leaf)
        again = Growing(first.size, first.peaks)
        for leaf in leaves[size:]:
            again.add(leaf)
        assert again.root == recursive_root(leaves)


def test_many_leaves_at_once() -> None:
    """Any number of leaves after any number before gives the peaks that leaf by leaf gives."""
    leaves = [b"%d" % number for number in range(70)]
    peaks = []
    tree = Growing()
    for leaf in leaves:
        peaks.append(tree.peaks)
        tree.add(leaf)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for before in range(70):
        for after in range(before, 70):
            assert extend(before, peaks[before], hashes[before:after]) == peaks[after]
    assert hashes == [leaf_hash(leaf) for leaf in leaves]
