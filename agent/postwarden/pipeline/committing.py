"""The ledger and the state store beside it: opened together, and written together under the ledger's lock."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from postwarden import errors
from postwarden.findings.store import StateStore
from postwarden.ledger.private_keys import Unlock
from postwarden.ledger.store import Edge, Ledger, Position, Quarantined, Unwritten, open_ledger
from postwarden.model import moment
from postwarden.model.encoding import encode
from postwarden.model.record import (
    AnyRecord,
    BlobsKept,
    Envelope,
    KeyEpoch,
    LedgerFull,
    Record,
    Recovery,
)
from postwarden.pipeline.checkpoints_out import CheckpointsOut
from postwarden.witness import kept
from postwarden.witness.configured import Outside

STORE = "state.sqlite"
#: Characters of an error that a record keeps.
MAX_ERROR = 500
#: Blobs that one record names.
MAX_BLOBS = 800

_T = TypeVar("_T")

_RECORD = msgspec.json.Decoder(AnyRecord)


def line(record: Record) -> bytes:
    """The record as the ledger keeps it; what is signed is first decoded and compared."""
    encoded = encode(record)
    if _RECORD.decode(encoded) != record:
        raise AssertionError(f"a {type(record).__name__} does not survive its encoding")
    return encoded


class Keys(Struct, frozen=True, kw_only=True):
    """When the signing key is changed, and how the keys are kept.

    A key is changed after so many `days` or `records` (0: not because of them). `unlock` gives the passphrase that
    wraps private keys; with `second`, the next epoch's checkpoints have a second signature.
    """

    days: int = 0
    records: int = 0
    unlock: Unlock | None = None
    second: bool = False


class _NotAsked(Exception):
    """Something is about to be signed, and the places outside were not asked yet."""


class Committer:
    """Commits records. `clock` gives the time of each commit, which waits `wait` seconds for its turn.

    `progress` is called with the number of records read, where all of a long ledger must be read to open it.
    `outside` are the places that checkpoints go to. Before the first record is signed they are asked what they
    remember: LedgerUnsound where that is not what the ledger holds.
    """

    def __init__(
        self,
        state: Path,
        *,
        run: str,
        actor: str,
        agent: str,
        clock: Callable[[], datetime],
        wait: float = 10.0,
        progress: Callable[[int], None] | None = None,
        outside: Outside | None = None,
        keys: Keys | None = None,
    ) -> None:
        self._wait = wait
        self._out = CheckpointsOut(outside or Outside(), state, clock)
        self._memory_checked = not self._out.outside.remembers
        # Sessions are recorded by the threads that open them, everything else by one thread.
        self._alone = threading.RLock()
        self._keys = keys or Keys()
        self._folder = state / "ledger"
        self._ledger: Ledger = open_ledger(
            self._folder,
            state / "private",
            unlock=self._keys.unlock,
            second=self._keys.second,
            hint=self._hint,
            progress=progress,
        )
        self._path = state / STORE
        self._run, self._actor, self._agent, self._clock = run, actor, agent, clock
        self._known: StateStore | None = None
        self._new_blobs: dict[bytes, str] = {}
        self._unnamed: set[str] = set()
        self.refresh()

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def store(self) -> StateStore:
        assert self._known is not None
        return self._known

    def refresh(self) -> None:
        """Brings the state store up to the ledger."""
        self.commit(lambda _: [])

    def rebuild(self) -> None:
        """Makes the state store anew from the ledger."""

        def decide(_: Position) -> list[bytes]:
            self.store.rebuild()
            return []

        self.change(lambda ledger: ledger.commit(decide, recovered=self.recovered, wait=self._wait))
        self.refresh()

    def keep(self, raw: bytes) -> str:
        """The name of the blob that keeps `raw`; an unchanged state reuses its blob."""
        with self._alone:
            try:
                return self.put(raw)
            except errors.LedgerFull as exc:
                self._tell_full(exc, len(raw))
                raise

    def put(self, raw: bytes) -> str:
        """The same for whoever decides under the ledger's lock: that a blob found no room is not recorded."""
        known = self._new_blobs.get(raw) or self.store.blob_of(raw)
        if known is not None and self._ledger.has_blob(known):
            if not self.store.is_named(known):
                self._unnamed.add(known)  # its commit failed: the next one names it
            return known
        name = self._ledger.put_blob(raw)
        self._new_blobs[raw] = name
        self._unnamed.add(name)
        return name

    def publish(self) -> None:
        """Tells every place outside the newest checkpoint; LedgerUnsound where a witness has seen more."""
        self._out.tell_all()

    @property
    def out(self) -> CheckpointsOut:
        """The way out of this ledger's checkpoints."""
        return self._out

    def newest_checkpoint(self) -> str:
        """The newest checkpoint as others verify it: with the signatures, and the cosignatures that there are."""
        return kept.newest(self._folder).decode()

    def close(self) -> None:
        if self._known is not None:
            self._known.close()

    def envelope(self) -> Envelope:
        """What every record of this run begins with, as of now."""
        return {
            "time": moment.text(self._clock()),
            "run": self._run,
            "actor": self._actor,
            "agent": self._agent,
        }

    def commit(self, decide: Callable[[Position], Iterable[Record]]) -> None:
        """Records what `decide` says, which is asked under the ledger's lock with the state store up to date."""
        before: list[int] = []

        def under_lock(position: Position) -> list[bytes]:
            before.append(position.size)
            return self.decided(position, decide)

        def act(ledger: Ledger) -> bool:
            try:
                after = ledger.commit(under_lock, recovered=self.recovered, full=self._full, wait=self._wait)
            except errors.LedgerFull as exc:
                self._tell_full(
                    exc, 0
                )  # of its own records the ledger has told; the state store may be meant
                raise
            return after.size > before[-1]

        with self._alone:
            if self.change(act):
                self._rotate_if_due()
                self._out.tell_at_hand()

    def change(self, act: Callable[[Ledger], _T]) -> _T:
        """Does something to the ledger, for one thread at a time, after others were asked what they remember."""
        with self._alone:
            try:
                return act(self._ledger)
            except _NotAsked:
                # Nothing was written, and no lock is held while others are asked.
                self._out.check_memory()
                self._memory_checked = True
                return act(self._ledger)

    def decided(self, position: Position, decide: Callable[[Position], Iterable[Record]]) -> list[bytes]:
        """Under the ledger's lock: the lines to append, those that name new blobs first."""
        known = self._open_store()
        known.catch_up(
            position.size,
            position.root,
            lambda start: self._ledger.records(start, position.size),
            self._ledger.blobs,
            self._ledger.find_blob,
            self._ledger.first,
        )
        known.remember_blobs(self._new_blobs.items())
        self._unnamed = {name for name in self._unnamed if not known.is_named(name)}
        known.remember_edge(self._ledger.boundary.size, self._ledger.boundary.peaks)
        self._new_blobs.clear()
        lines = [line(record) for record in decide(position)]
        if lines:
            self._refuse_unasked()
            lines = [*(line(record) for record in self.naming(sorted(self._unnamed))), *lines]
        return lines

    def naming(self, names: list[str]) -> Iterator[BlobsKept]:
        """The records that name blobs."""
        for start in range(0, len(names), MAX_BLOBS):
            yield BlobsKept(**self.envelope(), blobs=tuple(names[start : start + MAX_BLOBS]))

    def rotate(self, reason: str) -> None:
        """Changes to a new signing key, and destroys the old one."""

        def record(epoch: int, key: str) -> bytes:
            self._refuse_unasked()
            return line(KeyEpoch(**self.envelope(), epoch=epoch, verifier_key=key, reason=reason))

        self.change(lambda ledger: ledger.rotate(record, recovered=self.recovered, wait=self._wait))
        self.refresh()
        self._out.tell_at_hand()

    def _rotate_if_due(self) -> None:
        epoch = self._ledger.epoch
        age = self._clock() - moment.parse(epoch.time)
        if self._keys.days and age >= timedelta(days=self._keys.days):
            self.rotate("days")
        elif self._keys.records:
            signed = self._ledger.position().size - epoch.begins.size
            if signed >= self._keys.records:
                self.rotate("records")

    def _tell_full(self, failure: errors.LedgerFull, length: int) -> None:
        """Records that something beside the records, of so many bytes, found no room; once while it is so."""
        unwritten = Unwritten(0, length, failure.message)
        self.change(
            lambda ledger: ledger.record_full(
                self._full, unwritten, recovered=self.recovered, wait=self._wait
            )
        )

    def _open_store(self) -> StateStore:
        """The state store, opened by the first commit: the ledger's lock is held."""
        if self._known is None:
            self._known = StateStore(self._path)
        return self._known

    def _hint(self) -> Edge | None:
        """Where the ledger's last full segment ended when it was last written to, as the state store remembers."""
        edge = self._open_store().edge()
        return Edge(edge[0], 0, edge[1]) if edge else None

    def _full(self, unwritten: Unwritten) -> bytes:
        self._refuse_unasked()
        return line(
            LedgerFull(
                **self.envelope(),
                records=unwritten.count,
                length=unwritten.length,
                error=unwritten.why[:MAX_ERROR],
            )
        )

    def _refuse_unasked(self) -> None:
        if not self._memory_checked:
            raise _NotAsked

    def recovered(self, tail: Quarantined) -> bytes:
        """The record of what a crash left beyond the checkpoint."""
        self._refuse_unasked()
        return line(
            Recovery(
                **self.envelope(),
                file=tail.name,
                segment=tail.segment,
                offset=tail.offset,
                length=tail.length,
                digest=tail.digest,
            )
        )
