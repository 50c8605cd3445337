"""The Merkle tree of RFC 6962, section 2.1, grown at its right edge.

A leaf's hash is SHA-256 over 0x00 and the leaf, a node's over 0x01 and its two children, and the root of the
empty tree is SHA-256 over nothing. Of a tree of any size only its peaks are kept: the roots of the perfect
subtrees that the binary digits of the size name, the largest first.
"""

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 over 0x00 and the leaf's bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over 0x01 and the hashes of both children."""
    return sha256(b"\x01" + left + right).digest()


def root_of(peaks: Sequence[bytes]) -> bytes:
    """The root over a tree's peaks: the smaller ones are joined first, each to the right of its elder."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def extend(size: int, peaks: Sequence[bytes], hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The peaks of a tree of `size` leaves after more leaves' hashes, joined level by level.

    On each level the old peak, where there is one, comes before the new nodes; what has no partner is a peak.
    """
    old, new = list(peaks), []
    level, height = list(hashes), 0
    while level:
        if size >> height & 1:
            level = [old.pop(), *level]
        if len(level) & 1:
            new.append(level.pop())
        nodes = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=True)]
        height += 1
    return (*old, *reversed(new))
