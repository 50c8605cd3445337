"""A ledger that is there: read it, and commit to it.

Reading needs no lock, for a checkpoint is replaced in one step and nothing within it ever changes. A commit
holds the lock, so that what it decides, it decides on all that was recorded before.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
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
from postwarden.ledger.reading import RUN_VERIFY, Reader
from postwarden.ledger.record import record_form
from postwarden.ledger.reserve import Unwritten
from postwarden.ledger.segments import Edge, Remains
from postwarden.ledger.writer import Folders

__all__ = ["Edge", "Ledger", "Position", "Quarantined", "Unwritten", "open_ledger"]

Result = TypeVar("Result")

#: Edges whose place in their segment is remembered.
_MARKS = 8
_NOT_WRITTEN = "the records were not written"


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


class Ledger(Reader):
    """An open ledger, to be read and committed to. It holds no file open and no lock between its calls; threads may share it."""

    def __init__(
        self,
        folder: Path,
        private: PrivateKeys,
        chain: Chain,
        owner: int,
        hint: Hint | None,
        progress: Progress | None,
    ) -> None:
        super().__init__(folder, chain, owner)
        self._private = private
        self._alone = threading.Lock()
        self._edge = Edge()
        self._in_doubt: LedgerError | None = None
        self._hint, self._progress = hint, progress
        self._device: int | None = None
        #: The epoch whose key was last read, what its file was like then, and the key.
        self._signer: tuple[int, tuple[int, ...], Signer] | None = None

    @property
    def boundary(self) -> Edge:
        """The edge at the beginning of the segment that is written now, as of the last commit: a `hint`."""
        return advance.boundary(self._edge)

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
                RUN_VERIFY,
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
                f"{segments.segment_name(strangers[0])} does not follow the records before it", RUN_VERIFY
            )
        return found
