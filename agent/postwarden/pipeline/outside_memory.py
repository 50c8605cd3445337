"""What others remember of a ledger, gathered for verification."""

import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from postwarden.errors import LedgerError, UsageError
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import CosignerKey, find_cosignature, parse_cosigner, read_text
from postwarden.ledger.note import MAX_NOTE, parse_note
from postwarden.ledger.verify import Remembered
from postwarden.witness.configured import Outside
from postwarden.witness.memory import Remembered as Asked
from postwarden.witness.memory import at_witness, in_file, in_journal
from postwarden.witness.peers import Witness


class Memory(Struct, frozen=True, kw_only=True):
    """Positions that others remember, places that remember nothing yet, and places that could not be asked, with the reason."""

    remembered: tuple[Remembered, ...] = ()
    empty: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def gather(origin: str, outside: Outside, given: list[tuple[str, str]]) -> Memory:
    """Ask the configured places, and the witnesses that the caller gives as key and address (or file)."""
    asked = [*_configured(origin, outside), *(_given(origin, key, place) for key, place in given)]
    return Memory(
        remembered=tuple(Remembered(each.who, each.position) for each in asked if each.position is not None),
        empty=tuple(each.who for each in asked if each.position is None and each.unread is None),
        unread=tuple(f"{each.who}: {each.unread}" for each in asked if each.unread is not None),
    )


def _configured(origin: str, outside: Outside) -> Iterator[Asked]:
    if outside.file is not None:
        yield in_file(outside.file, origin)
    if outside.journal is not None:
        yield in_journal(origin, os.geteuid())
    for witness in outside.witnesses:
        yield at_witness(witness, origin)


def _given(origin: str, key: str, place: str) -> Asked:
    """A witness at an address, or a checkpoint that it cosigned, in a file."""
    try:
        witness = parse_cosigner(key)
    except LedgerError as exc:
        raise UsageError(f"--witness: {exc.message}", exc.hint) from exc
    if place.startswith(("https://", "http://")):
        return at_witness(Witness(place.rstrip("/"), witness), origin)
    return _cosigned_file(origin, witness, Path(place))


def _cosigned_file(origin: str, witness: CosignerKey, path: Path) -> Asked:
    content = read_kept(path)
    if content is None:
        raise UsageError(
            f"--witness: there is no file {path}", "give an address, or a checkpoint that was kept"
        )
    told, position = read_text(parse_note(content).text)
    if told != origin:
        raise UsageError(f"{path} holds a checkpoint of {told}, not of {origin}", "give one of this ledger")
    if find_cosignature(content, witness) is None:
        raise UsageError(
            f"{path} has no cosignature of {witness.name}", "give one that this witness cosigned"
        )
    return Asked(f"the witness {witness.name}", position)


def read_kept(path: Path) -> bytes | None:
    """A checkpoint's note from a file of somebody who keeps one, `None` where there is no file; LedgerError."""
    with files.folder(path.parent) as folder:
        return files.read(folder, path.name, owner=None, limit=MAX_NOTE)


def remembered_in(path: Path) -> Remembered | None:
    """What a verifier's own file (`--state`) remembers, `None` where it is not there yet; LedgerError."""
    content = read_kept(path)
    if content is None:
        return None
    _, position = read_text(parse_note(content).text)
    return Remembered(f"the state file {path}", position)


def remember_in(path: Path, ledger: Path, position: Position) -> None:
    """Keep the ledger's checkpoint in a verifier's own file, if it still is the one that was verified."""
    with files.folder(ledger) as root:
        content = files.read(root, "checkpoint", owner=None, limit=MAX_NOTE)
    if content is None or read_text(parse_note(content).text)[1] != position:
        return  # a writer was at work; the next verification remembers more
    try:
        with files.folder(path.parent) as folder:
            files.store(folder, path.name, [content])
    except OSError as exc:
        raise files.failure(f"the state file {path} was not written", exc) from exc
