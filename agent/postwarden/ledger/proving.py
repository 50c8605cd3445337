"""Proofs from a ledger's folder, for somebody who has a checkpoint and the first key, and not the ledger.

Needs no lock and no private key, and works on a copy. Every proof is checked before it is given away, so a ledger
that does not give the root of its own checkpoint proves nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger import epochs, files, segments, writer
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.epochs import Chain
from postwarden.ledger.nodes import Nodes
from postwarden.ledger.note import MAX_NOTE
from postwarden.ledger.proof_file import ConsistencyProof, InclusionProof
from postwarden.ledger.proofs import check_consistency, check_inclusion, consistency_path, inclusion_path

#: The folder of checkpoints that others have signed, too: a file each, named by its size.
WITNESSED = "witnessed"
_RUN_VERIFY = "run postwarden verify, and keep what is there as evidence"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A ledger as its checkpoint seals it; `folder` is its open folder, which belongs to the user id `owner`.

    `checkpoint` has the cosignatures that witnesses gave for it, where some are kept.
    """

    folder: int
    owner: int
    chain: Chain
    checkpoint: bytes
    position: Position


@contextmanager
def open_sealed(ledger: Path) -> Iterator[Sealed]:
    """The ledger as it is now; LedgerUnsound where checkpoint and keys do not agree."""
    with files.folder(ledger) as root:
        owner = os.fstat(root).st_uid
        names = files.list_names(root, str(ledger))
        if not {epochs.FOLDER, segments.FOLDER}.issubset(names):
            raise LedgerError(
                f"{ledger} is not a ledger", "give the folder that holds checkpoint, keys and records"
            )
        content = writer.read_checkpoint(root, owner=owner)
        if content is None:
            raise LedgerUnsound("the checkpoint is missing", _RUN_VERIFY)
        with files.folder(epochs.FOLDER, within=root) as folder:
            # After the checkpoint: a certificate is always there before what its key signs.
            chain = epochs.read_chain(folder, owner=owner)
        position = _open(chain, content)
        kept = _read_witnessed(root, owner, position.size)
        if kept is not None and _open(chain, kept) != position:
            raise LedgerUnsound(f"there are two roots for {position.size} records", _RUN_VERIFY)
        yield Sealed(root, owner, chain, kept or content, position)


def witnessed(sealed: Sealed, size: int) -> bytes | None:
    """The checkpoint over `size` records that is kept with its cosignatures, `None` where there is none."""
    return (
        sealed.checkpoint
        if size == sealed.position.size
        else _read_witnessed(sealed.folder, sealed.owner, size)
    )


def check_root(sealed: Sealed) -> Nodes:
    """The nodes of the whole tree, after it was read once; LedgerUnsound where it does not give the signed root."""
    nodes = Nodes(sealed.folder, sealed.position.size, owner=sealed.owner)
    if nodes.range_root(0, nodes.size) != sealed.position.root:
        raise LedgerUnsound("the records do not give the checkpoint's root", _RUN_VERIFY)
    return nodes


def read_records(sealed: Sealed) -> Iterator[tuple[int, bytes]]:
    """Index and line of each record under the checkpoint, from the first that was not pruned on."""
    with files.folder(segments.FOLDER, within=sealed.folder) as records:
        start = min(segments.list_segments(records), default=0)
        lines = segments.read_lines(records, start, sealed.position.size, owner=sealed.owner)
        yield from enumerate(lines, start)


def prove_record(sealed: Sealed, index: int) -> InclusionProof:
    """The proof that the record `index` is in the ledger, with the record in `extra` unless it was pruned.

    LedgerError where there is no such record, LedgerUnsound where the records do not give the checkpoint's root.
    """
    position = sealed.position
    if not 0 <= index < position.size:
        raise LedgerError(
            f"there is no record {index}", f"the ledger has {position.size} records; the first is record 0"
        )
    nodes = Nodes(sealed.folder, position.size, owner=sealed.owner)
    path = inclusion_path(nodes, index, position.size)
    try:
        check_inclusion(nodes.node(0, index), index, position.size, position.root, path)
    except LedgerError as exc:
        raise LedgerUnsound("the records do not give the checkpoint's root", _RUN_VERIFY) from exc
    return InclusionProof(index, tuple(path), _read_record(sealed, index), sealed.checkpoint)


def prove_consistency(sealed: Sealed, old: int | bytes, new: bytes | None = None) -> ConsistencyProof:
    """The proof that the ledger at `old` is the beginning of the ledger at `new`.

    `old` is a size or a checkpoint that somebody kept, `new` a kept checkpoint, or `None` for the ledger's own.
    LedgerUnsound where a kept checkpoint is of this ledger's key and the records do not give its root: then they
    are not the ones that it was signed over.
    """
    after = sealed.position if new is None else _open_kept(sealed, new)
    size = old if isinstance(old, int) else _open_kept(sealed, old).size
    if not 0 <= size <= after.size <= sealed.position.size:
        raise LedgerError(
            f"a ledger of {size} records is not the beginning of one of {after.size}"
            if after.size <= sealed.position.size
            else f"the ledger has {sealed.position.size} records, and not {after.size}",
            "give the older one first",
        )
    nodes = Nodes(sealed.folder, sealed.position.size, owner=sealed.owner)
    before = Position(size, nodes.range_root(0, size))
    path = consistency_path(nodes, size, after.size)
    try:
        check_consistency(size, before.root, after.size, after.root, path)
    except LedgerError as exc:
        raise LedgerUnsound(
            f"the records do not give the root over {after.size} records", _RUN_VERIFY
        ) from exc
    if not isinstance(old, int) and _open_kept(sealed, old) != before:
        raise LedgerUnsound(
            f"the records do not give the root of the kept checkpoint over {size} records",
            "this is not the ledger that it was signed over: keep both as evidence",
        )
    return ConsistencyProof(size, tuple(path), sealed.checkpoint if new is None else new)


def _read_record(sealed: Sealed, index: int) -> bytes | None:
    with files.folder(segments.FOLDER, within=sealed.folder) as records:
        if segments.first_of(index) not in segments.list_segments(records):
            return None
        return next(segments.read_lines(records, index, index + 1, owner=sealed.owner))


def _read_witnessed(root: int, owner: int, size: int) -> bytes | None:
    if WITNESSED not in files.list_names(root, "the ledger's folder"):
        return None
    with files.folder(WITNESSED, within=root) as folder:
        return files.read(folder, f"{size:08d}", owner=owner, limit=MAX_NOTE)


def _open(chain: Chain, content: bytes) -> Position:
    try:
        return chain.open_checkpoint(content)
    except LedgerError as exc:
        raise LedgerUnsound(f"the checkpoint is not sound: {exc}", _RUN_VERIFY) from exc


def _open_kept(sealed: Sealed, content: bytes) -> Position:
    try:
        return sealed.chain.open_checkpoint(content)
    except LedgerError as exc:
        raise LedgerError(
            f"the kept checkpoint is not one of this ledger: {exc}", "give a checkpoint as it was signed"
        ) from exc
