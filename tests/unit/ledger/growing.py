"""The tree grown leaf by leaf, as simply as can be: what growing it by many at once is compared with."""

from collections.abc import Sequence

from postwarden.ledger.tree import leaf_hash, node_hash, root_of


class Growing:
    """A tree that takes leaves at its right edge; the one mutable value of the tree's code."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)

    def add(self, leaf: bytes) -> None:
        peaks = self._peaks
        peaks.append(leaf_hash(leaf))
        before = self.size
        while before & 1:
            right = peaks.pop()
            peaks[-1] = node_hash(peaks[-1], right)
            before >>= 1
        self.size += 1

    @property
    def peaks(self) -> tuple[bytes, ...]:
        return tuple(self._peaks)

    @property
    def root(self) -> bytes:
        return root_of(self._peaks)
