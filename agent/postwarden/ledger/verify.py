"""Is a ledger sound? Read everything, write nothing, need no lock and no private key.

A ledger is sound if the tree over its records gives the root of a checkpoint that its key has signed, if
every record has a record's form, if the tree goes through the sizes and roots that the epochs' certificates
bind, if every blob that a record names is there or was erased as another record says, and if nothing lies in
`records/`, `keys/` and `blobs/` that a writer does not leave there. The checkpoint is read first, so that a writer at
work is no problem; where one removes what the records name while we read, all is read once more. Bytes beyond the
checkpoint, as a crash leaves them, are reported and are no problem either.

What this cannot see: a ledger put back to an older state of its own, whole, is sound too. Only somebody who
kept a later checkpoint can tell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import blobs, checkpoint, epochs, files, own_records, segments, writer
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain
from postwarden.ledger.note import VerifierKey, parse_key
from postwarden.ledger.own_records import Before
from postwarden.ledger.problems import Problem, Problems
from postwarden.ledger.scan import Wanted
from postwarden.ledger.segments import Edge
from postwarden.ledger.spread import count_processes, spread
from postwarden.ledger.tally import Erased, Tally

#: Kinds of records that say something about the ledger itself.
_KINDS = frozenset(
    {
        own_records.KEY_EPOCH,
        own_records.BLOBS_KEPT,
        own_records.BLOBS_ERASED,
        own_records.RECORDS_PRUNED,
        own_records.LEDGER_OPENED,
    }
)

#: Looks at checkpoint and certificates while they do not fit together and change; each reads only what is new.
_LOOKS = 20
#: Times that all is read while it is not sound and a writer is at work.
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """What lies beyond the checkpoint: lines (one that is cut off counts), bytes, and their SHA-256 in hex."""

    count: int
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """A position that was seen before, and by whom, as a clause like "the witness w1": a ledger must go on from it.

    What lies `inside` the ledger's folder goes back with it when an older state is put back.
    """

    by: str
    position: Position
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    `origin`, `verifier_key`, `size` and `root` are what a sound certificate and a sound checkpoint say, `None`
    where there is none. `epochs` counts the sound certificates; `compared_epoch` is the epoch whose key
    somebody had kept, `None` where none was compared. `pruned` records are hashes only. Of `blobs` each was
    compared with its name; `erased` more are gone as signed records say, the first of which are `erased_blobs`.
    `remembered` are those who saw the ledger before and were compared with it. `next_epoch` is the number of an
    epoch that a crash kept from getting its certificate. `before` is the ledger that this one goes on for.
    """

    sound: bool
    origin: str | None
    size: int | None
    root: bytes | None
    verifier_key: str | None
    epochs: int
    compared_epoch: int | None
    pruned: int
    blobs: int
    erased: int
    erased_blobs: tuple[Erased, ...]
    remembered: tuple[Remembered, ...]
    next_epoch: int | None
    before: Before | None
    uncommitted: Uncommitted | None
    problems: tuple[Problem, ...]


def verify(
    ledger: Path,
    *,
    key: str | None = None,
    remembered: Sequence[Remembered] = (),
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Verify the ledger in a folder.

    `key` is a verifier key that somebody kept: the first, as `init` printed it, or that of a later epoch, with
    which what the earlier ones signed is not shown. `remembered` are positions of this ledger from elsewhere.
    `progress` is called with the number of records read so far. LedgerError where the folder is no ledger,
    where `key` is no verifier key, or where a file cannot be read at all.
    """
    kept = None if key is None else parse_key(key)
    with files.folder(ledger) as root:
        if not {checkpoint.NAME, epochs.FOLDER, segments.FOLDER}.intersection(
            files.list_names(root, str(ledger))
        ):
            raise LedgerError(
                f"{ledger} is not a ledger", "give the folder that holds checkpoint, keys and records"
            )
        for _ in range(_TIMES):
            head = _read_head(root, kept)
            found = _verify_under(head, ledger, root, remembered, progress)
            if found.sound or _read_checkpoint(root, Problems()) == head.content:
                break  # else a writer may have pruned or erased what our checkpoint's records still name
    return found


@dataclass(frozen=True, slots=True)
class _Head:
    """A checkpoint as it stands, the certificates read after it, and what they say; `None` for what is not sound."""

    content: bytes | None
    chain: Chain | None
    compared: int | None
    position: Position | None
    problems: Problems


def _read_head(root: int, kept: VerifierKey | None) -> _Head:
    content: bytes | None = None
    chain: Chain | None = None
    for look in range(_LOOKS):
        problems, before = Problems(), content
        content = _read_checkpoint(root, problems)
        chain = _verify_keys(root, chain, problems)
        compared = _compare_key(chain, kept, problems)
        position = _open_checkpoint(content, None if kept and compared is None else chain, problems)
        beyond = chain and position and chain.last.begins.size > position.size
        if not beyond or (look and content == before):
            break  # else the key may have changed since the checkpoint was read: look once more
    return _Head(content, chain, compared, position, problems)


def _verify_under(
    head: _Head,
    ledger: Path,
    root: int,
    remembered: Sequence[Remembered],
    progress: Callable[[int], None] | None,
) -> Verification:
    """Everything that lies under a checkpoint."""
    chain, position, problems = head.chain, head.position, head.problems
    uncommitted, next_epoch, blob_count = None, None, 0
    known = [*_certified(chain), *remembered]
    _compare_sizes(position, known, problems)
    with ExitStack() as stack:
        # Without the folder every blob that a record names is missing, and nothing is where none names one.
        blob_folder = _open_folder(stack, blobs.FOLDER, root, Problems())
        tally = Tally(
            chain, lambda name: blob_folder is not None and files.is_there(blob_folder, name), problems
        )
        records = _open_folder(stack, segments.FOLDER, root, problems)
        if records is not None:
            try:
                edge = _verify_records(ledger, records, position, _Marks(known), tally, problems, progress)
                if edge:
                    next_epoch = tally.close(edge.size)
                    uncommitted = _verify_beyond(records, edge, problems)
            except LedgerUnsound as exc:
                problems.add(exc.message)
        if blob_folder is not None:
            blob_count = blobs.verify_blobs(blob_folder, problems)
    if uncommitted and _read_checkpoint(root, Problems()) != head.content:
        uncommitted = None  # a writer was at work, and these may have become records since
    return Verification(
        sound=not problems.count,
        origin=chain.origin if chain else None,
        size=position.size if position else None,
        root=position.root if position else None,
        verifier_key=chain.epochs[0].key.text if chain else None,
        epochs=len(chain.epochs) if chain else 0,
        compared_epoch=head.compared,
        pruned=tally.pruned,
        blobs=blob_count,
        erased=tally.erased,
        erased_blobs=tally.erased_blobs(),
        remembered=tuple(remembered),
        next_epoch=next_epoch,
        before=tally.before,
        uncommitted=uncommitted,
        problems=problems.listed(),
    )


class _Marks:
    """The sizes at which the tree's root is known from elsewhere, and who knows it."""

    def __init__(self, remembered: Iterable[Remembered]) -> None:
        self._known: dict[int, list[tuple[bytes, str]]] = {}
        for each in remembered:
            self._known.setdefault(each.position.size, []).append((each.position.root, each.by))

    def within(self, first: int, stop: int) -> tuple[int, ...]:
        return tuple(sorted(size for size in self._known if first < size <= stop))

    def compare(self, position: Position, problems: Problems) -> None:
        for root, who in self._known[position.size]:
            if root != position.root:
                problems.add(
                    f"the first {position.size} records are not those that {who} has seen",
                    0,
                    position.size - 1,
                )


def _open_folder(stack: ExitStack, name: str, root: int, problems: Problems) -> int | None:
    try:
        return stack.enter_context(files.folder(name, within=root))
    except LedgerUnsound as exc:
        problems.add(exc.message)
        return None


def _compare_key(chain: Chain | None, kept: VerifierKey | None, problems: Problems) -> int | None:
    """The epoch whose key somebody kept; a problem where it is none of this ledger's."""
    if chain is None or kept is None:
        return None
    for epoch in chain.epochs:
        if epoch.key == kept:
            return epoch.number
    problems.add("none of the ledger's keys is the one that it was compared with")
    return None


def _certified(chain: Chain | None) -> Iterator[Remembered]:
    """What the certificates of the epochs bind."""
    for epoch in chain.epochs[1:] if chain else ():
        yield Remembered(f"the certificate of epoch {epoch.number}", epoch.begins)


def _compare_sizes(position: Position | None, remembered: Sequence[Remembered], problems: Problems) -> None:
    for each in remembered:
        if position is not None and each.position.size > position.size:
            problems.add(
                f"{each.by} has seen {each.position.size} records, and the ledger has {position.size}:"
                " it was cut off or put back"
            )


def _read_checkpoint(root: int, problems: Problems) -> bytes | None:
    try:
        content = writer.read_checkpoint(root, owner=None)
    except LedgerUnsound as exc:
        problems.add(exc.message)
        return None
    if content is None:
        problems.add("the checkpoint is missing")
    return content


def _open_checkpoint(content: bytes | None, chain: Chain | None, problems: Problems) -> Position | None:
    if content is None:
        return None
    if chain is None:
        problems.add("the checkpoint cannot be verified without a sound key")
        return None
    try:
        return chain.open_checkpoint(content)
    except LedgerError as exc:
        problems.add(f"the checkpoint is not sound: {exc}")
        return None


def _verify_keys(root: int, chain: Chain | None, problems: Problems) -> Chain | None:
    """The chain of the epochs' certificates, `None` where the first is missing or one is not sound.

    A `chain` that was read before goes on with the certificates that have come since.
    """
    try:
        with files.folder(epochs.FOLDER, within=root) as folder:
            names = files.list_names(folder, "the keys folder")  # before they are read: a writer may add one
            if chain is None:
                chain = epochs.read_chain(folder, owner=None)
            else:
                epochs.extend_chain(chain, folder, owner=None)
            known = {epochs.file_name(epoch.number) for epoch in chain.epochs}
            # A crash may leave the next certificate under its temporary name; it is made again.
            numbers = (max(1, chain.last.number), chain.last.number + 1)
            known |= {epochs.file_name(number) + files.TEMPORARY for number in numbers}
            for name in names:
                if name not in known and files.is_there(folder, name):
                    problems.add(f"{epochs.FOLDER}/{name!a} is not a file of the ledger")
    except LedgerUnsound as exc:
        problems.add(exc.message)
        return None
    return chain


def _verify_records(
    ledger: Path,
    records: int,
    position: Position | None,
    marks: "_Marks",
    tally: Tally,
    problems: Problems,
    progress: Callable[[int], None] | None,
) -> Edge | None:
    """The edge over the records that the checkpoint covers, `None` where they do not give its root."""
    for name in files.list_names(records, "the records folder"):
        if segments.segment_first(name) is None:
            problems.add(f"{segments.FOLDER}/{name!a} is not a file of the ledger")
    stop = position.size if position else _beyond_all(records)
    wanted = [
        Wanted(first, end, segments.LENGTH, marks.within(first, end), _KINDS)
        for first in range(0, stop, segments.LENGTH)
        for end in [min(stop, first + segments.LENGTH)]
    ]
    edge = Edge()
    scans = spread(ledger, wanted, processes=count_processes(wanted), progress=progress)
    with closing(scans):
        for scan in scans:
            for problem in scan.problems:
                problems.add(problem.what, problem.first, problem.last)
            problems.count += scan.unlisted
            if scan.broken:
                if position:
                    what, record = scan.broken.message, scan.broken.record
                    problems.add(what, record, None if record is None else max(record, stop - 1))
                _not_covered(problems, stop if position else scan.size)
                return None
            if scan.pruned:
                tally.prune(scan.first, scan.size)
            for index, line in scan.found:
                tally.take(index, line)
            for mark in marks.within(scan.first, scan.size):
                marks.compare(segments.follow_scan(edge, scan, mark).position, problems)
            edge = segments.follow_scan(edge, scan, scan.size)
    if edge.position == position:
        return edge
    if position:
        problems.add("the records do not give the checkpoint's root")
    _not_covered(problems, edge.size)
    return None


def _beyond_all(records: int) -> int:
    """A size that no record of the segments that are there lies beyond."""
    last = max(segments.list_segments(records), default=-segments.LENGTH)
    return last + segments.LENGTH


def _not_covered(problems: Problems, size: int) -> None:
    if size:
        problems.add(f"no sound checkpoint covers records 0 to {size - 1}", 0, size - 1)


def _verify_beyond(records: int, edge: Edge, problems: Problems) -> Uncommitted | None:
    """What lies beyond the edge, if anything does; segments that no writer can have left are a problem."""
    try:
        uncommitted, strangers = _look_beyond(records, edge)
    except LedgerUnsound:
        strangers = [edge.segment]
    if strangers:  # a writer may have cut the records while we looked: look once more
        uncommitted, strangers = _look_beyond(records, edge)
    for first in strangers:
        problems.add(f"{segments.segment_name(first)} does not follow the records before it")
    return uncommitted


def _look_beyond(records: int, edge: Edge) -> tuple[Uncommitted | None, list[int]]:
    remains, strangers = segments.find_remains(records, edge, owner=None)
    digest, length, count, last = sha256(), 0, 0, b"\n"
    for each in remains:
        for chunk in segments.read_remains(records, each, owner=None):
            digest.update(chunk)
            length += len(chunk)
            count += chunk.count(b"\n")
            last = chunk[-1:]
    if not length:
        return None, strangers
    return Uncommitted(count + (last != b"\n"), length, digest.hexdigest()), strangers
