"""What the ledger's own records, taken together, say of its keys, blobs and removed segments.

They are taken in the order of the ledger, while it is verified. Nothing of them is kept that grows with the
number of blobs that are there: of a kept blob only whether its file is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from postwarden.errors import LedgerError
from postwarden.ledger.epochs import Chain
from postwarden.ledger.own_records import Before, Blobs, KeyEpoch, Opened, RecordsPruned, read_own
from postwarden.ledger.problems import MAX_LISTED, Problems


@dataclass(frozen=True, slots=True)
class Erased:
    """A blob that is gone because a signed record says so: by whom, when, and which record (its index)."""

    blob: str
    actor: str
    time: str
    record: int


class Tally:
    """Adds up the ledger's own records; `is_there` says whether a blob's file is there."""

    def __init__(self, chain: Chain | None, is_there: Callable[[str], bool], problems: Problems) -> None:
        self._begins = {epoch.begins.size: epoch for epoch in chain.epochs[1:]} if chain else {}
        self._first = chain.epochs[0] if chain else None
        self._is_there, self._problems = is_there, problems
        self._missing: dict[str, int] = {}
        self._erased: dict[str, Erased] = {}
        self._pruned_by_record = 0
        self._pruned_to = 0
        self.pruned = 0
        self._named: set[int] = set()
        self._waiting: tuple[int, KeyEpoch] | None = None
        self.before: Before | None = None

    def take(self, index: int, line: bytes) -> None:
        """The next of these records; one with wrong fields is a problem."""
        try:
            record = read_own(line)
        except LedgerError as exc:
            self._problems.add(f"record {index} cannot be read: {exc}", index, index)
            return
        match record:
            case KeyEpoch():
                self._key_epoch(index, record)
            case Blobs(erased=False, names=names):
                self._kept(index, names)
            case Blobs(names=names, actor=actor, time=time):
                self._erased |= {name: Erased(name, actor, time, index) for name in names}
            case RecordsPruned(stop=stop, before=before):
                self._pruned_by_record = max(self._pruned_by_record, stop)
                self.before = before or self.before
            case Opened(verifier_key=key, before=before):
                if index:
                    self._problems.add(f"record {index} opens a ledger that is open", index, index)
                elif self._first and key != self._first.key.text:
                    self._problems.add("the first record names another key than the first certificate", 0, 0)
                self.before = before or self.before
            case None:
                pass

    def _key_epoch(self, index: int, record: KeyEpoch) -> None:
        epoch = self._begins.get(index + 1)
        if epoch is None:
            self._waiting = index, record
        elif (epoch.number, epoch.key.text, epoch.time) != (record.epoch, record.verifier_key, record.time):
            what = f"record {index} names another key than the certificate of epoch {epoch.number}"
            self._problems.add(what, index, index)
        self._named.add(index + 1)
        if self._waiting and self._waiting[0] != index:
            self._uncertified(self._waiting[0])

    def _uncertified(self, index: int) -> None:
        self._problems.add(
            f"record {index} ends an epoch, and there is no certificate for the next", index, index
        )
        self._waiting = None

    def _kept(self, index: int, names: tuple[str, ...]) -> None:
        for name in names:
            if not self._is_there(name):
                self._missing.setdefault(name, index)

    def prune(self, first: int, stop: int) -> None:
        """Of the records from `first` to before `stop` there are hashes only."""
        self.pruned += stop - first
        self._pruned_to = stop

    def close(self, size: int) -> int | None:
        """The records are read to the end, up to `size`; gives the epoch whose certificate is still to come, if one is."""
        if self._pruned_to > self._pruned_by_record:
            what = "hashes are in place of records, and no record says who pruned them"
            self._problems.add(what, self._pruned_by_record, self._pruned_to - 1)
        for begins, epoch in self._begins.items():
            if self._pruned_to < begins <= size and begins not in self._named:
                what = f"record {begins - 1} should name the key of epoch {epoch.number}"
                self._problems.add(what, begins - 1, begins - 1)
        for name, index in self._missing.items():
            if name not in self._erased:
                self._problems.add(f"the blob {name}, which record {index} names, is missing", index, index)
        if self._waiting is None:
            return None
        index, record = self._waiting
        if index != size - 1:
            self._uncertified(index)
            return None
        return record.epoch

    @property
    def erased(self) -> int:
        """How many blobs are gone as records say."""
        return sum(name in self._erased for name in self._missing)

    def erased_blobs(self) -> tuple[Erased, ...]:
        """The first of them."""
        gone = (self._erased[name] for name in self._missing if name in self._erased)
        return tuple(each for each, _ in zip(gone, range(MAX_LISTED), strict=False))
