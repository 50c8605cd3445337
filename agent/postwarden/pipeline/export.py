"""Handing out records: as they stand, with the proof of each, or the whole tree as tiles; and recording that.

Everything is read under one checkpoint and written as it is read, so that memory does not grow with the ledger.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from msgspec import Struct

from postwarden.errors import LedgerError
from postwarden.ledger import epochs, files
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.nodes import Nodes
from postwarden.ledger.proof_file import ENDING, InclusionProof, write_inclusion
from postwarden.ledger.proofs import check_inclusion, inclusion_path
from postwarden.ledger.proving import Sealed, check_root, open_sealed, read_records
from postwarden.ledger.segments import LENGTH
from postwarden.ledger.tiles import entry_tiles, tree_tiles
from postwarden.ledger.tree import leaf_hash
from postwarden.logs.escaping import clean
from postwarden.model.record import ExportMade
from postwarden.pipeline.csv_cells import csv_line
from postwarden.pipeline.export_choice import Choice, ContentOf, Row, ScopeOf, chosen, row
from postwarden.pipeline.export_folder import Target, open_target
from postwarden.pipeline.export_readme import readme
from postwarden.pipeline.record import Recorder

Format = Literal["jsonl", "csv", "tlog-tiles"]
Progress = Callable[[int], None]

COLUMNS = ("index", "time", "kind", "account", "run", "actor", "agent", "record")
_STEP = 1024
_KEPT_SCOPES = 4096


class Exported(Struct, frozen=True, kw_only=True):
    """What was handed out: how many records, under which checkpoint, and SHA-256 of SHA256SUMS."""

    count: int
    position: Position
    digest: str


def export(
    recorder: Recorder, ledger: Path, folder: Path, form: Format, choice: Choice, progress: Progress
) -> Exported:
    """Write the records of `choice` from the folder `ledger` into `folder`, and record that they were handed out.

    `progress` is called with the number of records read so far. LedgerUnsound where the ledger does not give its
    checkpoint's root: then nothing is handed out. LedgerError where the folder is not empty or cannot be written,
    or where the export could not be recorded.
    """
    scope_of = lru_cache(_KEPT_SCOPES)(recorder.store.scope_of)
    content_of = recorder.ledger.find_blob
    with open_sealed(ledger) as sealed:
        nodes = check_root(sealed)
        with open_target(folder) as target:
            if form == "tlog-tiles":
                count = _put_tiles(target, sealed, nodes, progress)
            else:
                count = _put_records(target, sealed, nodes, form, choice, scope_of, content_of, progress)
            target.put("checkpoint", sealed.checkpoint)
            for name, certificate in _certificates(sealed):
                target.put(f"{epochs.FOLDER}/{name}", certificate)
            target.put("README.txt", readme(sealed, form, count, _words(choice)).encode())
        exported = Exported(count=count, position=sealed.position, digest=target.digest)
    _record(recorder, folder, form, choice, exported)
    return exported


def _put_records(
    target: Target,
    sealed: Sealed,
    nodes: Nodes,
    form: Format,
    choice: Choice,
    scope_of: ScopeOf,
    content_of: ContentOf,
    progress: Progress,
) -> int:
    count = 0
    with target.file(f"records.{form}") as write:
        if form == "csv":
            write(csv_line(COLUMNS).encode())
        for index, line in read_records(sealed):
            if index % _STEP == 0:
                progress(index)
            one = row(index, line, scope_of, content_of)
            if chosen(choice, one):
                write(_line(one, form))
                target.put(f"proofs/{index}{ENDING}", _proof(sealed, nodes, one))
                count += 1
    return count


def _line(one: Row, form: Format) -> bytes:
    if form == "jsonl":
        return one.line + b"\n"
    accounts = ", ".join(one.accounts)
    text = one.line.decode("ascii")
    return csv_line((one.index, one.time, one.kind, accounts, one.run, one.actor, one.agent, text)).encode()


def _proof(sealed: Sealed, nodes: Nodes, one: Row) -> bytes:
    position = sealed.position
    path = inclusion_path(nodes, one.index, position.size)
    check_inclusion(leaf_hash(one.line), one.index, position.size, position.root, path)
    return write_inclusion(InclusionProof(one.index, tuple(path), one.line, sealed.checkpoint))


def _put_tiles(target: Target, sealed: Sealed, nodes: Nodes, progress: Progress) -> int:
    records = read_records(sealed)
    first, lines = _from_first(records)
    count = 0

    def counted() -> Iterator[bytes]:
        nonlocal count
        for line in lines:
            if count % _STEP == 0:
                progress(first + count)
            count += 1
            yield line

    for name, content in entry_tiles(counted(), first):
        target.put(name, content)
    for name, content in tree_tiles(nodes):
        target.put(name, content)
    return count


def _from_first(records: Iterator[tuple[int, bytes]]) -> tuple[int, Iterator[bytes]]:
    """The index of the first record that was not pruned, and the lines from it on."""
    index, line = next(records)
    assert index % LENGTH == 0

    def lines() -> Iterator[bytes]:
        yield line
        for _, following in records:
            yield following

    return index, lines()


def _certificates(sealed: Sealed) -> Iterator[tuple[str, bytes]]:
    with files.folder(epochs.FOLDER, within=sealed.folder) as folder:
        for epoch in sealed.chain.epochs:
            content = epochs.read_certificate(folder, epoch.number, owner=sealed.owner)
            assert content is not None
            yield epochs.file_name(epoch.number), content


def _words(choice: Choice) -> str:
    told = [
        f"account {choice.account}" if choice.account is not None else None,
        f"from {choice.since}" if choice.since is not None else None,
        f"before {choice.until}" if choice.until is not None else None,
    ]
    return clean(", ".join(word for word in told if word is not None))


def _record(recorder: Recorder, folder: Path, form: Format, choice: Choice, exported: Exported) -> None:
    try:
        recorder.write(
            lambda envelope: [
                ExportMade(
                    **envelope,
                    format=form,
                    account=choice.account,
                    since=choice.since,
                    until=choice.until,
                    count=exported.count,
                    size=exported.position.size,
                    digest=exported.digest,
                )
            ]
        )
    except LedgerError as exc:
        raise type(exc)(
            f"the export in {folder} was not recorded: {exc.message}",
            "do not hand it out: remove it, and export again when the ledger can be written",
        ) from exc
