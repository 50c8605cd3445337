"""What others remember of a ledger, and whether the ledger still holds it. Asked before anything is signed.

A place that cannot be read is no reason to stop, but it is said: who restores an old state could take it away too.
What is remembered is not verified: a place is trusted as far as others cannot write there, and a false memory stops
the writer, which is noticed, and never lets it go on.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from postwarden.errors import LedgerError, NotifyError
from postwarden.ledger import files
from postwarden.ledger.checkpoint import Position, parse_root, parse_size
from postwarden.ledger.cosignature import read_text
from postwarden.ledger.note import MAX_NOTE, parse_note
from postwarden.witness.outlets import MESSAGE_ID
from postwarden.witness.peers import Witness
from postwarden.witness.rollback import went_back, went_elsewhere

#: Entries of the journal that are looked at: the largest of them counts, whichever came last.
ENTRIES = 20
#: Seconds that journalctl may take, and bytes that it may print.
PATIENCE = 20.0
_MAX_OUTPUT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Remembered:
    """What one place remembers: a position, nothing yet, or it could not be read for the reason `unread`."""

    who: str
    position: Position | None = None
    unread: str | None = None


def in_file(path: Path, origin: str) -> Remembered:
    """The checkpoint in a file."""
    who = f"the file {path}"
    if not os.path.lexists(path):
        return Remembered(who) if path.parent.is_dir() else Remembered(who, unread="its folder is not there")
    try:
        with files.folder(path.parent) as folder:
            content = files.read(folder, path.name, owner=None, limit=MAX_NOTE)
        return Remembered(who) if content is None else _told(who, content, origin)
    except LedgerError as exc:
        return Remembered(who, unread=str(exc))


def in_journal(origin: str, user: int) -> Remembered:
    """The largest of the newest checkpoints that the user with this id put into the journal."""
    who = "the journal"
    program = shutil.which("journalctl")
    if program is None:
        return Remembered(who, unread="there is no journalctl")
    matches = [f"MESSAGE_ID={MESSAGE_ID}", f"POSTWARDEN_ORIGIN={origin}", f"_UID={user}"]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, and no shell
            [program, "--output=json", f"--lines={ENTRIES}", "--no-pager", "--quiet", *matches],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return Remembered(who, unread=f"{program} did not answer: {exc}")
    said = " ".join(done.stderr.decode("utf-8", "backslashreplace").split())[:300]
    if done.returncode or len(done.stdout) > _MAX_OUTPUT:
        return Remembered(who, unread=said or f"{program} ended with status {done.returncode}")
    try:
        positions = [_from_entry(line) for line in done.stdout.split(b"\n") if line]
    except LedgerError as exc:
        return Remembered(who, unread=str(exc))
    if not positions and said:
        return Remembered(who, unread=said)
    return Remembered(who, max(positions, key=lambda each: each.size, default=None))


def at_witness(witness: Witness, origin: str) -> Remembered:
    """The newest checkpoint that a witness has cosigned."""
    from postwarden.witness.client import seen_by

    who = f"the witness {witness.name}"
    try:
        seen = seen_by(witness, origin)
    except NotifyError as exc:
        return Remembered(who, unread=str(exc))
    return Remembered(who, None if seen is None else seen[0])


def compare(position: Position, root_at: Callable[[int], bytes], remembered: Iterable[Remembered]) -> None:
    """LedgerUnsound where one remembers more records than the ledger has, or others.

    `position` must have been read after `remembered`; `root_at` gives the ledger's root over so many records.
    """
    for each in remembered:
        known = each.position
        if known is None:
            continue
        if known.size > position.size:
            raise went_back(each.who, known.size, position)
        root = position.root if known.size == position.size else root_at(known.size)
        if known.root != root:
            raise went_elsewhere(each.who, known, root)


def _told(who: str, content: bytes, origin: str) -> Remembered:
    told, position = read_text(parse_note(content).text)
    if told != origin:
        return Remembered(who, unread=f"it holds a checkpoint of {told}")
    return Remembered(who, position)


def _from_entry(line: bytes) -> Position:
    try:
        entry = json.loads(line)
        size, root = entry["POSTWARDEN_SIZE"], entry["POSTWARDEN_ROOT"]
    except (ValueError, RecursionError, KeyError, TypeError) as exc:
        raise LedgerError("an entry of the journal is not a checkpoint's") from exc
    if not isinstance(size, str) or not isinstance(root, str):
        raise LedgerError("an entry of the journal is not a checkpoint's")
    return Position(parse_size(size), parse_root(root))
