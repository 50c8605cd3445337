"""What others said about our checkpoints, kept in the ledger's folder `witnessed/`, by size.

witnessed/00000012          the checkpoint over 12 records, with the cosignatures that were given for it
witnessed/00000012.tsr      a time stamping authority's answer over that checkpoint's text; of a second one -2.tsr
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postwarden.errors import LedgerError
from postwarden.ledger import checkpoint, files, lock
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.cosignature import read_text
from postwarden.ledger.note import MAX_NOTE, Note, encode_base64, parse_note
from postwarden.ledger.proving import WITNESSED
from postwarden.witness.rollback import went_elsewhere

FOLDER = WITNESSED
#: Seconds that we wait for a writer of the ledger.
_PATIENCE = 10.0
_MAX_TOKEN = 512 * 1024


def keep(ledger: Path, content: bytes) -> bytes:
    """Add a checkpoint's signatures to those that are kept for its size, and give them all.

    Of one key the newer signature stays. LedgerUnsound where another root is kept for the size.
    """
    note = parse_note(content)
    _, position = read_text(note.text)
    with _open(ledger) as folder:
        before = files.read(folder, _name(position.size), owner=None, limit=MAX_NOTE)
        merged = content if before is None else _merged(parse_note(before), note, position)
        if merged != before:
            _store(folder, _name(position.size), merged)
    return merged


def keep_token(ledger: Path, size: int, number: int, token: bytes) -> None:
    """Keep the answer of authority `number`, from 0, over the checkpoint of `size` records."""
    with _open(ledger) as folder:
        _store(folder, token_name(size, number), token)


def kept_token(ledger: Path, size: int, number: int) -> bytes | None:
    """That answer, or `None` where there is none."""
    if not (ledger / FOLDER).is_dir():
        return None
    with files.folder(ledger) as root, files.folder(FOLDER, within=root) as folder:
        return files.read(folder, token_name(size, number), owner=None, limit=_MAX_TOKEN)


def newest(ledger: Path) -> bytes:
    """The ledger's newest checkpoint, as it is signed and with the cosignatures that are kept for it."""
    with files.folder(ledger) as root:
        content = files.read(root, checkpoint.NAME, owner=None, limit=MAX_NOTE)
    if content is None:
        raise LedgerError("the checkpoint is missing", "run postwarden verify")
    return with_cosignatures(ledger, content)


def with_cosignatures(ledger: Path, content: bytes) -> bytes:
    """A checkpoint of the ledger with the cosignatures that are kept for it; LedgerUnsound as in `keep`."""
    if not (ledger / FOLDER).is_dir():
        return content
    note = parse_note(content)
    _, position = read_text(note.text)
    with files.folder(ledger) as root, files.folder(FOLDER, within=root) as folder:
        kept = files.read(folder, _name(position.size), owner=None, limit=MAX_NOTE)
    return content if kept is None else _merged(parse_note(kept), note, position)


def token_name(size: int, number: int) -> str:
    """The name of an authority's answer; the first one's has no number."""
    return _name(size) + (f"-{number + 1}" if number else "") + ".tsr"


def _name(size: int) -> str:
    return f"{size:08d}"


def _merged(before: Note, note: Note, position: Position) -> bytes:
    if before.text != note.text:
        raise went_elsewhere(
            f"the kept checkpoint {FOLDER}/{_name(position.size)}", read_text(before.text)[1], position.root
        )
    lines = {(each.name, each.identifier): each.value for each in (*before.signatures, *note.signatures)}
    return note.text + b"".join(
        [
            b"\n",
            *(f"— {name} {encode_base64(key + value)}\n".encode() for (name, key), value in lines.items()),
        ]
    )


@contextmanager
def _open(ledger: Path) -> Iterator[int]:
    with files.folder(ledger) as root:
        owner = os.fstat(root).st_uid
        with lock.hold(root, owner=owner, deadline=time.monotonic() + _PATIENCE):
            try:
                os.mkdir(FOLDER, 0o700, dir_fd=root)
                files.sync(root, "the ledger's folder")
            except OSError as exc:
                if exc.errno != errno.EEXIST:
                    raise files.failure(f"the folder {FOLDER} cannot be made", exc) from exc
            with files.folder(FOLDER, within=root) as folder:
                yield folder


def _store(folder: int, name: str, content: bytes) -> None:
    try:
        files.store(folder, name, [content])
    except OSError as exc:
        raise files.failure(f"{FOLDER}/{name} was not written", exc) from exc
