"""The tree over a ledger's records at any place: what proofs and tiles are made of.

Nothing but the records is stored, so a node is hashed from its segment when it is asked for. The nodes of the two
segments that were asked for last are kept (4 MB each), of every other segment only its root (32 bytes). Where a
segment was pruned, its leaf hashes are read from `hashes/`; whether they are the ones that were signed shows
in the root that whoever asks compares with a checkpoint.
"""

from functools import lru_cache

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import files, hashes, segments
from postwarden.ledger.hashes import HASH
from postwarden.ledger.segments import LENGTH, first_of
from postwarden.ledger.tree import leaf_hash, node_hash, root_of

_TOP = LENGTH.bit_length() - 1
_KEPT_SEGMENTS = 2
_KEPT_ROOTS = 1024


class Nodes:
    """Nodes of the tree over a ledger's first `size` records.

    `ledger` is the descriptor of the ledger's folder, `owner` as in `files.open_regular`. LedgerUnsound, with the
    index of the record, where one that is needed is missing or torn.
    """

    def __init__(self, ledger: int, size: int, *, owner: int | None) -> None:
        self.size = size
        self._ledger = ledger
        self._owner = owner
        self._roots: dict[int, bytes] = {}
        self._levels_of = lru_cache(_KEPT_SEGMENTS)(self._read_levels)
        self._joined = lru_cache(_KEPT_ROOTS)(self._join)

    def node(self, level: int, index: int) -> bytes:
        """The root over the 2**level leaves from index * 2**level on; level 0 are the leaves' own hashes."""
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise LedgerError(f"a ledger of {self.size} records has no node {index} of level {level}")
        if level > _TOP:
            return self._joined(level, index)
        first = index << level
        if level == _TOP and first in self._roots:
            return self._roots[first]
        levels = self._levels_of(first_of(first))
        at = (first % LENGTH >> level) * HASH
        return levels[level][at : at + HASH]

    def range_root(self, start: int, stop: int) -> bytes:
        """The root over the leaves from `start` to before `stop`, as RFC 6962 splits them.

        `start` must be a multiple of the largest power of two below the number of leaves, as it is in every proof.
        """
        peaks = []
        while start < stop:
            level = (stop - start).bit_length() - 1
            if start % (1 << level):
                raise LedgerError(f"no subtree begins at record {start}")
            peaks.append(self.node(level, start >> level))
            start += 1 << level
        return root_of(peaks)

    def _join(self, level: int, index: int) -> bytes:
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))

    def _read_levels(self, first: int) -> list[bytes]:
        """The hashes of each level of a segment, one after another, as far as the size goes, or to the segment's end."""
        levels = [self._read_leaves(first)]
        while len(levels) <= _TOP:
            below = levels[-1]
            pairs = range(0, len(below) - HASH, 2 * HASH)
            levels.append(
                b"".join(node_hash(below[at : at + HASH], below[at + HASH : at + 2 * HASH]) for at in pairs)
            )
        if levels[_TOP]:
            self._roots[first] = levels[_TOP]
        return levels

    def _read_leaves(self, first: int) -> bytes:
        stop = min(self.size, first + LENGTH)
        with files.folder(segments.FOLDER, within=self._ledger) as records:
            if first in segments.list_segments(records):
                lines = segments.read_lines(records, first, stop, owner=self._owner)
                return b"".join(leaf_hash(line) for line in lines)
        return self._read_pruned(first)

    def _read_pruned(self, first: int) -> bytes:
        content = hashes.read(self._ledger, first, LENGTH, owner=self._owner)
        if content is None:
            raise LedgerUnsound(
                f"{segments.segment_name(first)} is missing, and so are its hashes",
                "restore the ledger from a backup, and keep what is there as evidence",
                record=first,
            )
        return content
