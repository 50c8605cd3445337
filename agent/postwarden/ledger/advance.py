"""From one right edge of the tree to the checkpoint's: how a writer takes in what it has not read yet.

What lies before the edge that it begins with was read by this process, or by an earlier one that left its edge
as a hint. A hint needs no trust: with wrong peaks the root differs from the checkpoint's, and everything is read.
"""

from collections.abc import Callable

from postwarden.errors import LedgerUnsound
from postwarden.ledger import segments
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.scan import Wanted, scan_segment
from postwarden.ledger.segments import Edge
from postwarden.ledger.writer import Folders

_RUN_VERIFY = "run postwarden verify, and keep what is there as evidence"

Hint = Callable[[], Edge | None]
Progress = Callable[[int], None]


def boundary(edge: Edge) -> Edge:
    """The edge at the beginning of an edge's segment: its first peaks, one for each binary digit."""
    first = edge.segment
    return Edge(first, 0, edge.peaks[: first.bit_count()])


def begin(hint: Hint | None, position: Position) -> Edge:
    """The edge to begin with: the hint, where it has the form of an edge at the beginning of a segment."""
    edge = hint() if hint and position.size >= segments.LENGTH else None
    if edge is None or edge != boundary(edge) or len(edge.peaks) != edge.size.bit_count():
        return Edge()
    return edge


def advance(folders: Folders, edge: Edge, position: Position, progress: Progress | None = None) -> Edge:
    """The edge at the checkpoint: the records from `edge` on are read, and the root is compared.

    LedgerUnsound, with the index of a record, where they do not give it.
    """
    after = _read(folders, edge, position.size, progress)
    if after.position != position:
        raise LedgerUnsound(
            f"records {edge.size} to {position.size - 1} do not give the checkpoint's root"
            if position.size > edge.size
            else "the checkpoint's root changed without a new record",
            _RUN_VERIFY,
            record=edge.size,
        )
    return after


def _read(folders: Folders, edge: Edge, stop: int, progress: Progress | None) -> Edge:
    if edge.offset:  # within a segment: its lines one by one, from that byte on
        end = min(stop, edge.segment + segments.LENGTH)
        lines = segments.read_lines(folders.records, edge.size, end, owner=folders.owner, offset=edge.offset)
        edge = segments.follow(edge, lines)
    for first in range(edge.size, stop, segments.LENGTH):
        wanted = Wanted(first, min(stop, first + segments.LENGTH), segments.LENGTH)
        scan = scan_segment(folders.ledger, wanted, owner=folders.owner, progress=progress)
        if scan.broken:
            raise scan.broken
        edge = segments.follow_scan(edge, scan, scan.size)
    return edge
