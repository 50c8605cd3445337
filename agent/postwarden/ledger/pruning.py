"""Whole old segments are removed; the hashes of their leaves stay, so that every proof and root stays what it was.

The order: a record says that they go, under a checkpoint; their hashes are written to `hashes/` and synced; the
segments are unlinked. After a crash in between, both may be there, and pruning again brings it to its end.
"""

from postwarden.errors import LedgerError
from postwarden.ledger import files, hashes, segments
from postwarden.ledger.segments import LENGTH, Edge
from postwarden.ledger.tree import leaf_hash


def make_folder(ledger: int) -> None:
    """The folder for hashes, on the disk; OSError as the system gives it."""
    try:
        files.mkdir(hashes.FOLDER, 0o700, dir_fd=ledger)
    except FileExistsError:
        return
    files.sync(ledger, "the ledger's folder")


def check_stop(stop: int, edge: Edge) -> None:
    """LedgerError where `stop` is no end of whole, closed segments of the ledger."""
    if stop <= 0 or stop % LENGTH or stop > edge.segment:
        raise LedgerError(
            f"records are removed by whole segments of {LENGTH}, and only closed ones",
            "give an earlier time to prune before",
        )


def remove(ledger: int, records: int, stop: int, *, owner: int) -> int:
    """Put hashes in the place of the segments before `stop`, which a record has told of; gives how many went.

    OSError as the system gives it; LedgerUnsound where a segment cannot be read.
    """
    going = [first for first in segments.list_segments(records) if first < stop]
    if not going:
        return 0
    make_folder(ledger)
    with files.folder(hashes.FOLDER, within=ledger) as folder:
        for first in going:
            lines = segments.read_lines(records, first, first + LENGTH, owner=owner)
            files.store(folder, hashes.file_name(first), [b"".join(leaf_hash(line) for line in lines)])
    for first in going:
        files.unlink(segments.segment_name(first), dir_fd=records)
    files.sync(records, "the records folder")
    return len(going)
