"""tlog-scales, a Python implementation by others, reads our tiles and agrees about every proof."""

from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof

from postwarden.ledger.proofs import check_consistency, check_inclusion, consistency_path, inclusion_path
from postwarden.ledger.proving import open_sealed, read_records
from postwarden.ledger.tree import leaf_hash
from tests.interop.conftest import SIZES, Kept
from tests.unit.ledger.opened import open_nodes


@pytest.mark.parametrize("size", SIZES)
def test_tiles_records_and_inclusion(kept: dict[int, Kept], tmp_path: Path, size: int) -> None:
    """It takes the checkpoint, finds the root and the records in the tiles, and makes and checks the same proofs."""
    ledger = kept[size]
    reader = TilesReader(LocalBackend(ledger.tiles(tmp_path)))
    checkpoint = reader.get_checkpoint()
    with open_sealed(ledger.folder) as sealed:
        signer = Vkey.from_string(sealed.chain.at(size).key.text)
        lines = [line for _, line in read_records(sealed)]
    checkpoint.verify(signer)
    assert (checkpoint.size, reader.calculate_root_hash()) == (size, checkpoint.root_hash)
    with open_nodes(ledger.folder, size) as nodes:
        for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
            assert reader.get_entry(index) == lines[index]
            ours = inclusion_path(nodes, index, size)
            theirs = reader.get_inclusion_proof(index, size)
            assert theirs.node_hashes == ours
            leaf = leaf_hash(lines[index])
            InclusionProof(index, size, ours).check(leaf, checkpoint.root_hash)
            check_inclusion(leaf, index, size, checkpoint.root_hash, theirs.node_hashes)


def test_consistency(kept: dict[int, Kept], tmp_path: Path) -> None:
    """Between each two of the sizes it makes our proof, and each takes the other's."""
    last = kept[SIZES[-1]]
    reader = TilesReader(LocalBackend(last.tiles(tmp_path)))
    reader.get_checkpoint()
    roots = {
        size: Checkpoint.from_text(ledger.checkpoint.decode()).root_hash for size, ledger in kept.items()
    }
    with open_nodes(last.folder, last.size) as nodes:
        for old, new in combinations_with_replacement(SIZES, 2):
            ours = consistency_path(nodes, old, new)
            theirs = reader.get_consistency_proof(old, new)
            assert theirs.node_hashes == ours
            ConsistencyProof(old, new, ours).check(roots[old], roots[new])
            check_consistency(old, roots[old], new, roots[new], theirs.node_hashes)
