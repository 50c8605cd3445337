"""A ledger that is there: read it, and commit to it.

Reading needs no lock, for a checkpoint is replaced in one step and nothing within it ever changes. A commit
holds the lock, so that what it decides, it decides on all that was recorded before.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from postwarden.errors import LedgerError, LedgerUnsound, LedgerUnsynced
from postwarden.ledger import (
    advance,
    blobs,
    epochs,
    files,
    filesystem,
    lock,
    presence,
    private_keys,
    pruning,
    quarantine,
    reserve,
    rotation,
    segments,
    writer,
)
from postwarden.ledger.advance import Hint, Progress
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain, Epoch
from postwarden.ledger.private_keys import PrivateKeys, Signer, Unlock
from postwarden.ledger.quarantine import Quarantined
from postwarden.ledger.record import record_form
from postwarden.ledger.reserve import Unwritten
from postwarden.ledger.segments import Edge, Remains
from postwarden.ledger.writer import Folders

__all__ = ["Edge", "Ledger", "Position", "Quarantined", "Unwritten", "open_ledger"]

Result = TypeVar("Result")

#: Edges whose place in their segment is remembered.
_MARKS = 8
_NOT_WRITTEN = "the records were not written"
_RUN_VERIFY = "run postwarden verify, and keep what is there as evidence"


def open_ledger(
    ledger: Path,
    private: Path,
    *,
    unlock: Unlock | None = None,
    second: bool = False,
    hint: Hint | None = None,
    progress: Progress | None = None,
) -> "Ledger":
    """The ledger in the folder `ledger`, whose private keys are in `private`, wrapped where `unlock` is given.

    With `second`, the next epoch gets a second signature, by ML-DSA-44.

    `hint` is asked under the lock, by the first commit, for the edge that an earlier opening left (`boundary`),
    so that what lies before need not be read again; `progress` is called with the number of records read while
    that commit reads many.

    Only the keys' certificates are read; the private key, and whether records and checkpoint agree, are looked
    at by the first commit. LedgerError where there is no ledger, LedgerUnsound where a certificate is not sound
    or the first is missing.
    """
    if not presence.is_there(ledger):
        raise presence.explain_absence(ledger, private)
    with files.folder(ledger) as root:
        owner = os.fstat(root).st_uid
        with files.folder(epochs.FOLDER, within=root) as folder:
            chain = epochs.read_chain(folder, owner=owner)
    return Ledger(ledger, PrivateKeys(private, unlock, second), chain, owner, hint, progress)


class Ledger:
    """An open ledger. It holds no file open and no lock between its calls; threads may share it."""

    def __init__(
        self,
        folder: Path,
        private: PrivateKeys,
        chain: Chain,
        owner: int,
        hint: Hint | None,
        progress: Progress | None,
    ) -> None:
        self._folder = folder
        self._private = private
        self._chain = chain
        self._owner = owner
        self._alone = threading.Lock()
        self._edge = Edge()
        self._marks: dict[int, int] = {}
        self._in_doubt: LedgerError | None = None
        self._hint, self._progress = hint, progress
        self._device: int | None = None
        #: The checkpoint that was last found sound, the epoch that was the last one then, and what it says.
        self._seen: tuple[bytes, int, Position] | None = None
        #: The epoch whose key was last read, what its file was like then, and the key.
        self._signer: tuple[int, tuple[int, ...], Signer] | None = None

    @property
    def origin(self) -> str:
        """The ledger's name, which its checkpoints begin with."""
        return self._chain.origin

    @property
    def verifier_key(self) -> str:
        """The first key, in the one-line form that people keep: with it, every later one is verified."""
        return self._chain.epochs[0].key.text

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """Every epoch so far, as of the last look at the ledger."""
        return tuple(self._chain.epochs)

    @property
    def epoch(self) -> Epoch:
        """The epoch that signs now, as of the last look at the ledger."""
        return self._chain.last

    @property
    def boundary(self) -> Edge:
        """The edge at the beginning of the segment that is written now, as of the last commit: a `hint`."""
        return advance.boundary(self._edge)

    def position(self) -> Position:
        """How far the ledger goes, from its checkpoint; LedgerUnsound where that is missing or not sound."""
        with files.folder(self._folder) as root:
            return self._read_position(root)

    def records(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Index and line of each record from `start` to before `stop`, and never beyond the checkpoint.

        The lines are as they stand, without line feeds, and are not verified. LedgerUnsound where one within
        the checkpoint is missing.
        """
        if start < 0 or (stop is not None and stop < 0):
            raise LedgerError("a record's index is not negative")
        return self._stream(start, stop)

    def commit(
        self,
        decide: Callable[[Position], Sequence[bytes]],
        *,
        recovered: Callable[[Quarantined], bytes],
        full: Callable[[Unwritten], bytes] | None = None,
        wait: float = 10.0,
    ) -> Position:
        """Append the lines that `decide` returns, and give the position after them.

        `decide` is called under the lock with the position before the commit, and may read the ledger. What a
        writer left beyond the checkpoint goes to quarantine; `recovered` gives the record of each such piece,
        and these records come before the ones that were decided. If there is nothing to append, nothing is
        written; if `decide` or `recovered` raises, everything stays as it was. When this returns, the records
        are on the disk under a signed checkpoint. Where the disk has no room for them, the reserve is given up
        for the one record that `full` gives, and the error is raised all the same.

        Raises LedgerBusy where the lock is not free within `wait` seconds, LedgerFull where the disk has no
        room, LedgerUnsound before anything is signed where records, tree, checkpoint and keys do not agree, and
        LedgerError where a line does not have a record's form or the disk fails. After a failed sync
        (LedgerUnsynced) this object writes nothing any more; whoever opens the ledger anew reads it again.
        """
        return self._with_lock(
            lambda folders, kept: self._commit(folders, kept, decide, recovered, full), wait
        )

    def record_full(
        self,
        full: Callable[[Unwritten], bytes],
        unwritten: Unwritten,
        *,
        recovered: Callable[[Quarantined], bytes],
        wait: float = 10.0,
    ) -> None:
        """Give up the reserve for the record of something else that found no room, such as a blob.

        Once only: where the reserve was given up before, nothing is recorded.
        """

        def write(folders: Folders, kept: int) -> None:
            self._use_reserve(folders, kept, full, unwritten, recovered)

        self._with_lock(write, wait)

    def rotate(
        self,
        record: Callable[[int, str], bytes],
        *,
        recovered: Callable[[Quarantined], bytes],
        wait: float = 10.0,
    ) -> Epoch:
        """Change to a new signing key, destroy the old one, and give the epoch that begins.

        `record` is called under the lock with the new epoch's number and verifier key and gives the `key_epoch`
        record. Errors as in `commit`; whatever failed, the next commit brings the change to its end or takes
        it back.
        """

        def decide(_: Position) -> list[bytes]:
            return [record(*rotation.prepare(self._private, self._chain))]

        return self._with_lock(lambda folders, kept: self._rotate(folders, kept, decide, recovered), wait)

    def prune(
        self,
        stop: int,
        decide: Callable[[Position], Sequence[bytes]],
        *,
        recovered: Callable[[Quarantined], bytes],
        wait: float = 10.0,
    ) -> int:
        """Remove the segments before `stop`, after committing the records that say so; gives how many went.

        `decide` gives these records under the lock: who removes what (`records_pruned`), and what later readers
        need to know of it. Before anything goes, everything is read and compared with the checkpoint. Errors as
        in `commit`; LedgerError where `stop` is not the end of a closed segment. The hashes of what went stay.
        """

        def write(folders: Folders, kept: int) -> int:
            position, _ = self._open_checkpoint(folders.ledger)
            edge = advance.advance(folders, Edge(), position, self._progress)
            pruning.check_stop(stop, edge)
            self._commit(folders, kept, decide, recovered, None)
            try:
                return pruning.remove(folders.ledger, folders.records, stop, owner=self._owner)
            except OSError as exc:
                raise files.failure("old segments were not removed", exc) from exc

        return self._with_lock(write, wait)

    @property
    def first(self) -> int:
        """The index of the first record that is there: 0, or where the removed segments end."""
        with files.folder(self._folder) as root, files.folder(segments.FOLDER, within=root) as records:
            return min(segments.list_segments(records), default=0)

    def erase(
        self,
        names: Sequence[str],
        decide: Callable[[Position], Sequence[bytes]],
        *,
        recovered: Callable[[Quarantined], bytes],
        wait: float = 10.0,
    ) -> None:
        """Erase blobs, after committing the records of it that `decide` gives (`blobs_erased`); errors as in `commit`."""

        def write(folders: Folders, kept: int) -> None:
            self._commit(folders, kept, decide, recovered, None)
            with files.folder(blobs.FOLDER, within=folders.ledger) as folder:
                try:
                    blobs.erase(folder, names)
                except OSError as exc:
                    raise files.failure("a blob was not erased", exc) from exc

        self._with_lock(write, wait)

    def put_blob(self, content: bytes) -> str:
        """Keep content with a salt of its own and give the blob's name; it is on the disk on return.

        A blob that no record comes to name, because the commit after it failed, does no harm.
        """
        self._refuse_other_user()
        self._refuse_doubt()
        with files.folder(self._folder) as root, files.folder(blobs.FOLDER, within=root) as folder:
            try:
                return blobs.put_blob(folder, content)
            except LedgerUnsynced as exc:
                self._in_doubt = exc
                raise

    def has_blob(self, name: str) -> bool:
        """Whether a blob of this name is there; its content is not looked at."""
        return (self._folder / blobs.FOLDER / name).is_file()

    def blob(self, name: str) -> bytes:
        """The content of a blob; LedgerError where there is none, LedgerUnsound where it was changed."""
        with files.folder(self._folder) as root, files.folder(blobs.FOLDER, within=root) as folder:
            return blobs.read_blob(folder, name, owner=self._owner)

    def blobs(self) -> Iterator[tuple[str, bytes]]:
        """Name and content of every blob, by name; errors as in `blob`."""
        with files.folder(self._folder) as root, files.folder(blobs.FOLDER, within=root) as folder:
            for name in blobs.list_blobs(folder):
                yield name, blobs.read_blob(folder, name, owner=self._owner)

    def _with_lock(self, write: Callable[[Folders, int], Result], wait: float) -> Result:
        deadline = time.monotonic() + wait
        self._refuse_other_user()
        if not self._alone.acquire(timeout=max(wait, 0)):
            raise lock.busy()
        try:
            self._refuse_doubt()
            with (
                files.folder(self._folder) as root,
                lock.hold(root, owner=self._owner, deadline=deadline),
                files.folder(segments.FOLDER, within=root) as records,
                files.folder(quarantine.FOLDER, within=root) as kept,
            ):
                self._refuse_network(root)
                return write(Folders(root, records, self._owner), kept)
        except LedgerUnsynced as exc:
            self._in_doubt = exc
            raise
        finally:
            self._alone.release()

    def _rotate(
        self,
        folders: Folders,
        kept: int,
        decide: Callable[[Position], Sequence[bytes]],
        recovered: Callable[[Quarantined], bytes],
    ) -> Epoch:
        position = self._commit(folders, kept, decide, recovered, None)
        self._settle(folders, position)
        return self.epoch

    def _settle(self, folders: Folders, position: Position) -> None:
        def last() -> bytes:
            lines = segments.read_lines(folders.records, position.size - 1, position.size, owner=self._owner)
            return next(lines)

        rotation.settle(folders.ledger, self._private, self._chain, position, last)

    def _refuse_other_user(self) -> None:
        """What another user wrote, root included, the ledger's owner could not read."""
        if os.geteuid() != self._owner:
            raise LedgerError(
                f"the ledger {self._folder} belongs to user id {self._owner}", "run as the user that owns it"
            )

    def _refuse_network(self, root: int) -> None:
        """Looked at again only where the folder has come to lie on another device."""
        device = os.fstat(root).st_dev
        if device != self._device:
            filesystem.refuse_network(self._folder)
            self._device = device

    def _refuse_doubt(self) -> None:
        if self._in_doubt:
            kind = LedgerUnsynced if isinstance(self._in_doubt, LedgerUnsynced) else LedgerError
            raise kind(
                f"no further commit after a failed write: {self._in_doubt}",
                "check the disk, then start postwarden again",
            )

    def _stream(self, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
        with files.folder(self._folder) as root:
            size = self._read_position(root).size
            end = size if stop is None else min(stop, size)
            if start < end:
                with files.folder(segments.FOLDER, within=root) as records:
                    offset = self._marks.get(start)
                    lines = segments.read_lines(records, start, end, owner=self._owner, offset=offset)
                    yield from enumerate(lines, start)

    def _read_position(self, root: int) -> Position:
        return self._open_checkpoint(root)[0]

    def _open_checkpoint(self, root: int) -> tuple[Position, bytes]:
        """What the checkpoint says, and its bytes."""
        content = writer.read_checkpoint(root, owner=self._owner)
        if content is None:
            raise LedgerUnsound("the checkpoint is missing", _RUN_VERIFY)
        with files.folder(epochs.FOLDER, within=root) as folder:
            # After the checkpoint: a certificate is always there before what its key signs.
            epochs.extend_chain(self._chain, folder, owner=self._owner)
        seen = self._seen
        if seen is None or seen[:2] != (content, self.epoch.number):
            try:
                seen = content, self.epoch.number, self._chain.open_checkpoint(content)
            except LedgerError as exc:
                raise LedgerUnsound(f"the checkpoint is not sound: {exc}", _RUN_VERIFY) from exc
            self._seen = seen
        return seen[2], content

    def _commit(
        self,
        folders: Folders,
        kept: int,
        decide: Callable[[Position], Sequence[bytes]],
        recovered: Callable[[Quarantined], bytes],
        full: Callable[[Unwritten], bytes] | None,
    ) -> Position:
        position, before = self._open_checkpoint(folders.ledger)
        self._edge = self._catch_up(folders, position)
        self._mark()
        self._settle(folders, position)
        private = self._load_key()
        found = self._find_left(folders.records)
        left = [
            (quarantine.examine(folders.records, each, owner=self._owner), each)
            for each in found
            if each.length
        ]
        taken = {each.name: each for each in quarantine.list_unrecorded(kept, owner=self._owner)}
        taken |= {each.name: each for each, _ in left}
        lines = [recovered(each) for each in taken.values()]
        lines += decide(position)
        if not lines:
            return position
        for line in lines:
            record_form(line)
        try:
            for each, remains in left:
                quarantine.keep(folders.records, kept, remains, each, owner=self._owner)
            self._edge, written = writer.write(
                folders,
                self._edge,
                lines,
                origin=self.origin,
                private=private,
                before=before,
                cut=bool(found),
            )
            self._seen = written, self.epoch.number, self._edge.position
            if taken:
                quarantine.settle(kept, taken.values())
        except OSError as exc:
            if full and files.no_room(exc):
                why = files.failure(_NOT_WRITTEN, exc).message
                unwritten = Unwritten(len(lines), sum(map(len, lines)) + len(lines), why)
                self._use_reserve(folders, kept, full, unwritten, recovered)
            raise files.failure(_NOT_WRITTEN, exc) from exc
        except LedgerError as exc:
            self._in_doubt = exc
            raise
        self._mark()
        if full:
            reserve.make_again(folders.ledger)
        return self._edge.position

    def _load_key(self) -> Signer:
        """The private key of this epoch, read again where its file or the mode of its folder is not as it was."""
        try:
            folder = self._private.folder.stat()
            file = self._private.path(self.epoch.number).lstat()
        except OSError:
            return private_keys.load(self._private, self.epoch)
        as_it_was = (folder.st_mode, file.st_dev, file.st_ino, file.st_mode, file.st_uid, file.st_ctime_ns)
        if self._signer is None or self._signer[:2] != (self.epoch.number, as_it_was):
            self._signer = self.epoch.number, as_it_was, private_keys.load(self._private, self.epoch)
        return self._signer[2]

    def _use_reserve(
        self,
        folders: Folders,
        kept: int,
        full: Callable[[Unwritten], bytes],
        unwritten: Unwritten,
        recovered: Callable[[Quarantined], bytes],
    ) -> None:
        try:
            there = reserve.give_up(folders.ledger)
        except OSError as exc:
            raise files.failure("the reserve was not given up", exc) from exc
        if there:
            self._commit(folders, kept, lambda _: [full(unwritten)], recovered, None)

    def _mark(self) -> None:
        """Remembers where the edge is in its segment: what is recorded next is read from there before long."""
        self._marks.pop(self._edge.size, None)
        self._marks[self._edge.size] = self._edge.offset
        if len(self._marks) > _MARKS:
            del self._marks[next(iter(self._marks))]

    def _catch_up(self, folders: Folders, position: Position) -> Edge:
        """The edge at the checkpoint: the records that are new to us are read, and the root is compared."""
        edge = self._edge
        if position.size < edge.size:
            raise LedgerUnsound(
                f"the ledger went back from {edge.size} records to {position.size}",
                _RUN_VERIFY,
                record=position.size,
            )
        if not edge.size and (hinted := advance.begin(self._hint, position)).size:
            try:
                return advance.advance(folders, hinted, position)
            except LedgerUnsound:
                edge = Edge()  # the hint, or the ledger: to read everything tells
        return advance.advance(folders, edge, position, self._progress)

    def _find_left(self, records: int) -> list[Remains]:
        """What a writer left beyond the edge; one of length 0 is a segment that was made and not written to."""
        found, strangers = segments.find_remains(records, self._edge, owner=self._owner)
        if strangers:
            raise LedgerUnsound(
                f"{segments.segment_name(strangers[0])} does not follow the records before it", _RUN_VERIFY
            )
        return found
