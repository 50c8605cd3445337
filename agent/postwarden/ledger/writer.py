"""One commit on the disk. Everything here happens under the lock.

Order of the system calls, which keeps the records at or beyond the checkpoint at every moment:

1. What lies beyond the checkpoint is copied to `quarantine/`: temporary file, fsync, rename, fsync of the folder.
2. Later segments are unlinked, the last first, and `records/` is synced; the edge's segment is cut (ftruncate).
3. For each segment: open (a new one: fsync of `records/`), pwrite until all is written, fdatasync.
4. The checkpoint: temporary file made exclusively, pwrite, fsync, rename, fsync of the ledger's folder.
5. The copies in quarantine lose their mark: rename, fsync of the folder.

The records count from the rename in step 4. An error before it cuts the records back to where they were;
after it nothing is cut. Whether the rename happened is read from the disk, not remembered.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from postwarden.errors import LedgerError, LedgerUnsynced
from postwarden.ledger import checkpoint, files
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import cosign
from postwarden.ledger.note import MAX_NOTE, parse_note
from postwarden.ledger.private_keys import Signer
from postwarden.ledger.segments import LENGTH, Edge, first_of, follow, list_segments, segment_name


@dataclass(frozen=True, slots=True)
class Folders:
    """Descriptors of the ledger's folder and of `records/` in it, and the user id that owns them."""

    ledger: int
    records: int
    owner: int


def read_checkpoint(folder: int, *, owner: int | None) -> bytes | None:
    """The checkpoint's bytes, or `None` where there is none."""
    return files.read(folder, checkpoint.NAME, owner=owner, limit=MAX_NOTE)


def write(
    folders: Folders,
    edge: Edge,
    lines: Sequence[bytes],
    *,
    origin: str,
    private: Signer,
    before: bytes,
    cut: bool,
) -> tuple[Edge, bytes]:
    """Append lines at the edge and publish the checkpoint over them: steps 2 to 4; gives the new edge and checkpoint.

    `before` is the checkpoint that is there, `cut` says whether anything lies beyond it. OSError: a write failed
    and was undone, the ledger is as it was. LedgerError: the disk's state is in doubt, and this process must
    not write again before it has read everything anew.
    """
    after = follow(edge, lines)
    content = sign(after.position, origin, private, lines[-1])
    try:
        if cut:
            _cut(folders, edge)
        _append(folders, edge, lines)
        files.prepare(folders.ledger, checkpoint.NAME, [content])
        files.publish(folders.ledger, checkpoint.NAME)
    except BaseException as exc:
        if read_checkpoint(folders.ledger, owner=folders.owner) == before:
            _undo(folders, edge)
        elif isinstance(exc, OSError):
            raise LedgerError(*_in_doubt("the checkpoint could not be renamed", after)) from exc
        raise
    try:
        files.sync(folders.ledger, "the ledger's folder")
    except LedgerUnsynced as exc:
        raise LedgerUnsynced(*_in_doubt(exc.message, after)) from exc
    return after, content


def sign(position: Position, origin: str, private: Signer, last: bytes) -> bytes:
    """The checkpoint; the time of a second signature is that of the last record, in whole seconds."""
    content = checkpoint.sign_checkpoint(position, origin, private.first)
    if private.second is None:
        return content
    time = datetime.fromisoformat(json.loads(last)["time"])
    text = parse_note(content).text
    return content + cosign(text, origin, private.second, time=int(time.timestamp()))


def _in_doubt(what: str, after: Edge) -> tuple[str, str]:
    """Message and hint for a checkpoint that is there, and of which nobody can tell whether it stays."""
    return (
        f"{what}, after the checkpoint over {after.size} records was written",
        "the records may be lost if the machine stops now; check the disk, then run verify",
    )


def _append(folders: Folders, edge: Edge, lines: Sequence[bytes]) -> None:
    for first, offset, content in _by_segment(edge, lines):
        name = segment_name(first)
        flags = os.O_WRONLY if offset else os.O_WRONLY | os.O_CREAT
        descriptor = files.open_regular(folders.records, name, flags, owner=folders.owner)
        try:
            if not offset:
                files.sync(folders.records, "the records folder")
            files.write_all(descriptor, content, offset)
            files.sync(descriptor, name, data_only=True)
        finally:
            os.close(descriptor)


def _by_segment(edge: Edge, lines: Sequence[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """For each segment that gets lines: its first index, the byte they begin at, and their bytes."""
    index, offset, done = edge.size, edge.offset, 0
    while done < len(lines):
        part = lines[done : done + LENGTH - index % LENGTH]
        yield first_of(index), offset, b"".join(line + b"\n" for line in part)
        index, offset, done = index + len(part), 0, done + len(part)


def _cut(folders: Folders, edge: Edge) -> None:
    """Take away everything beyond the edge, the last segment first, so that no gap is ever left."""
    segments = list_segments(folders.records)
    later = [first for first in segments if first > edge.segment]
    for first in reversed(later):
        files.unlink(segment_name(first), dir_fd=folders.records)
    if later:
        files.sync(folders.records, "the records folder")
    if edge.segment in segments:
        name = segment_name(edge.segment)
        descriptor = files.open_regular(folders.records, name, os.O_WRONLY, owner=folders.owner)
        try:
            if os.fstat(descriptor).st_size > edge.offset:
                files.ftruncate(descriptor, edge.offset)
        finally:
            os.close(descriptor)


def _undo(folders: Folders, edge: Edge) -> None:
    try:
        _cut(folders, edge)
    except OSError as exc:
        raise files.failure("what was written could not be taken back", exc) from exc
