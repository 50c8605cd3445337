"""Proofs about a tree: that a record is in it, and that one tree is the beginning of another.

How they are made is RFC 6962, sections 2.1.1 and 2.1.2; how they are checked is RFC 9162, sections 2.1.3.2 and
2.1.4.2. Nothing here reads a file: the roots that a proof is made of come from a `Subtrees`, such as `nodes.Nodes`.
"""

from collections.abc import Sequence
from typing import Protocol

from postwarden.errors import LedgerError
from postwarden.ledger.tree import EMPTY_ROOT, node_hash

#: No tree that a size of 18 digits can tell of has a longer proof.
MAX_PATH = 63
_HASH = 32


class Subtrees(Protocol):
    """What proofs are made of."""

    def range_root(self, start: int, stop: int) -> bytes:
        """The root of the tree over the leaves from `start` to before `stop`, as RFC 6962 splits them."""
        ...


def inclusion_path(subtrees: Subtrees, index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root over `size` leaves, the leaf's sibling first."""
    if not 0 <= index < size:
        raise LedgerError(f"there is no record {index} among {size}")
    siblings = []
    start, stop = 0, size
    while stop - start > 1:
        split = _split(start, stop)
        if index < split:
            siblings.append((split, stop))
            stop = split
        else:
            siblings.append((start, split))
            start = split
    return [subtrees.range_root(*sibling) for sibling in reversed(siblings)]


def consistency_path(subtrees: Subtrees, old: int, new: int) -> list[bytes]:
    """The hashes that show the tree over `old` leaves to be the beginning of the one over `new`.

    Empty where `old` is 0 or `new`: there is nothing to show then.
    """
    if not 0 <= old <= new:
        raise LedgerError(f"a ledger of {old} records is not the beginning of one of {new}")
    if old == 0:
        return []
    parts = []
    start, stop = 0, new
    while stop != old:
        split = _split(start, stop)
        if old <= split:
            parts.append((split, stop))
            stop = split
        else:
            parts.append((start, split))
            start = split
    if start:  # else the old root itself, which whoever checks has, stands for this part
        parts.append((start, stop))
    return [subtrees.range_root(*part) for part in reversed(parts)]


def check_inclusion(leaf_hash: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """LedgerError unless `path` leads from the hash of leaf `index` to the root over `size` leaves."""
    if not 0 <= index < size:
        raise LedgerError(f"there is no record {index} among {size}")
    _check_hashes([leaf_hash, root, *path])
    reached, number, last = leaf_hash, index, size - 1
    for sibling in path:
        if last == 0:
            raise LedgerError("the inclusion proof is longer than the tree is high")
        if number & 1 or number == last:
            reached = node_hash(sibling, reached)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, sibling)
        number >>= 1
        last >>= 1
    if last:
        raise LedgerError("the inclusion proof is shorter than the tree is high")
    if reached != root:
        raise LedgerError(f"the inclusion proof does not lead from record {index} to the root")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """LedgerError unless `path` shows the tree over `old` leaves to be the beginning of the one over `new`."""
    if not 0 <= old <= new:
        raise LedgerError(f"a ledger of {old} records is not the beginning of one of {new}")
    _check_hashes([old_root, new_root, *path])
    if old in {0, new}:
        if path:
            raise LedgerError("a consistency proof is not empty where there is nothing to show")
        if (old_root != EMPTY_ROOT) if old == 0 else (old_root != new_root):
            raise LedgerError(f"two different roots for {old} records")
        return
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        raise LedgerError("the consistency proof is empty")
    number, last = old - 1, new - 1
    while number & 1:
        number >>= 1
        last >>= 1
    reached_old = reached_new = hashes[0]
    for part in hashes[1:]:
        if last == 0:
            raise LedgerError("the consistency proof is longer than the tree is high")
        if number & 1 or number == last:
            reached_old = node_hash(part, reached_old)
            reached_new = node_hash(part, reached_new)
            while not number & 1 and number:
                number >>= 1
                last >>= 1
        else:
            reached_new = node_hash(reached_new, part)
        number >>= 1
        last >>= 1
    if last:
        raise LedgerError("the consistency proof is shorter than the tree is high")
    if reached_old != old_root:
        raise LedgerError(f"the consistency proof does not lead to the root over {old} records")
    if reached_new != new_root:
        raise LedgerError(f"the consistency proof does not lead to the root over {new} records")


def _split(start: int, stop: int) -> int:
    """Where RFC 6962 parts a tree: after the largest power of two that is less than its number of leaves."""
    return start + (1 << (stop - start - 1).bit_length() - 1)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > MAX_PATH + 2:
        raise LedgerError(f"a proof has more than {MAX_PATH} hashes")
    if any(len(each) != _HASH for each in hashes):
        raise LedgerError("a hash of a proof is not 32 bytes long")
