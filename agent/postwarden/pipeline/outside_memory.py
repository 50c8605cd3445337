"""What others remember of a ledger, gathered for verification."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from postwarden.errors import LedgerError, NotifyError, UsageError
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import CosignerKey, find_cosignature, parse_cosigner, read_text
from postwarden.ledger.note import MAX_NOTE, parse_note
from postwarden.ledger.verify import Remembered
from postwarden.witness import kept
from postwarden.witness.configured import Outside
from postwarden.witness.memory import Remembered as Asked
from postwarden.witness.memory import at_witness, in_file, in_journal
from postwarden.witness.peers import Witness
from postwarden.witness.timestamp import check_stamp


class Memory(Struct, frozen=True, kw_only=True):
    """Positions that others remember, places that remember nothing yet, and places that could not be asked, with the reason.

    `stamps` say, a sentence each, what time stamping authorities have put their names to.
    """

    remembered: tuple[Remembered, ...] = ()
    empty: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()


def gather(ledger: Path, origin: str, outside: Outside, given: list[tuple[str, str]]) -> Memory:
    """Ask the configured places, and the witnesses that the caller gives as key and address (or file).

    What witnesses and authorities said before is in the ledger's own folder; it binds where their keys are known.
    """
    # The agent wrote to the journal as the user that owns the ledger, whoever verifies.
    user = ledger.stat().st_uid if ledger.exists() else os.geteuid()
    asked = [*_configured(origin, outside, user), *(_given(origin, key, place) for key, place in given)]
    cosigners = [*(each.key for each in outside.witnesses), *(parse_cosigner(key) for key, _ in given)]
    stamped = list(_stamped(ledger, origin, outside))
    inside = [*_cosigned(ledger, cosigners), *(each for each, _ in stamped)]
    return Memory(
        stamps=tuple(told for _, told in stamped if told is not None),
        remembered=(*_positions(asked, inside=False), *_positions(inside, inside=True)),
        empty=tuple(each.who for each in asked if each.position is None and each.unread is None),
        unread=tuple(f"{each.who}: {each.unread}" for each in (*asked, *inside) if each.unread is not None),
    )


def _positions(asked: Iterable[Asked], *, inside: bool) -> Iterator[Remembered]:
    for each in asked:
        if each.position is not None:
            yield Remembered(each.who, each.position, inside=inside)


def _configured(origin: str, outside: Outside, user: int) -> Iterator[Asked]:
    if outside.file is not None:
        yield in_file(outside.file, origin)
    if outside.journal is not None:
        yield in_journal(origin, user)
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


def _cosigned(ledger: Path, cosigners: list[CosignerKey]) -> Iterator[Asked]:
    """For each of these witnesses every kept checkpoint with a cosignature of its own."""
    for path in sorted((ledger / kept.FOLDER).glob("[0-9]" * 8)) if cosigners else ():
        for cosigner in cosigners:
            who = f"{kept.FOLDER}/{path.name} with the cosignature of {cosigner.name}"
            try:
                content = read_kept(path)
                if content is not None and find_cosignature(content, cosigner) is not None:
                    yield Asked(who, read_text(parse_note(content).text)[1])
            except LedgerError as exc:
                yield Asked(who, unread=str(exc))


def _stamped(ledger: Path, origin: str, outside: Outside) -> Iterator[tuple[Asked, str | None]]:
    """What each configured authority's newest kept answer shows, and the same with its time as a sentence."""
    for number, authority in enumerate(outside.authorities):
        for path in sorted((ledger / kept.FOLDER).glob("[0-9]" * 8), reverse=True):
            token = kept.kept_token(ledger, int(path.name), number)
            if token is None:
                continue
            who = f"{kept.FOLDER}/{path.name} with the time stamp of {authority.url}"
            try:
                text = parse_note(read_kept(path) or b"").text
                told, position = read_text(text)
                stamp = check_stamp(token, text, authority.roots)
            except (LedgerError, NotifyError) as exc:
                yield Asked(who, unread=str(exc)), None
                break
            if told != origin:
                yield Asked(who, unread=f"it is a checkpoint of {told}"), None
            elif stamp.time is None:
                yield Asked(who, unread=stamp.unread), None
            else:
                when = f"{stamp.time:%Y-%m-%dT%H:%M:%SZ}"
                yield (
                    Asked(who, position),
                    f"{position.size} records were there at {when}, says {authority.url}",
                )
            break


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
