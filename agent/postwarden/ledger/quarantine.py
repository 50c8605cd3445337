"""What lay beyond the last checkpoint: kept for whoever wants to look, never adopted, always recorded.

A copy bears the ending `.unrecorded` until the record that tells of it is under a checkpoint; so one that a
crash left without its record gets it with the next commit, whatever became of the bytes it was made from.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from postwarden.errors import LedgerError
from postwarden.ledger import files
from postwarden.ledger.segments import Remains, read_remains

FOLDER = "quarantine"
_UNRECORDED = ".unrecorded"
_NAME = re.compile(r"([0-9]{8,18})-([0-9]+)-[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Bytes taken out of the records: where they began, how many, their SHA-256 in hex, the copy's name.

    `segment` is the first index of the segment they lay in, `offset` their first byte in it.
    """

    segment: int
    offset: int
    length: int
    digest: str
    name: str


def examine(records: int, remains: Remains, *, owner: int) -> Quarantined:
    """What the copy of a left-over will be called; nothing is written."""
    length, digest = _measure(read_remains(records, remains, owner=owner))
    name = f"{remains.segment:08d}-{remains.offset}-{digest}"
    return Quarantined(remains.segment, remains.offset, length, digest, name)


def list_unrecorded(quarantine: int, *, owner: int) -> list[Quarantined]:
    """The copies that a crash left without a record."""
    found = []
    for name in files.list_names(quarantine, "the quarantine folder"):
        match = _NAME.fullmatch(name.removesuffix(_UNRECORDED))
        if match and name.endswith(_UNRECORDED):
            length, digest = _measure(_read(quarantine, name, owner=owner))
            found.append(Quarantined(int(match[1]), int(match[2]), length, digest, match[0]))
    return found


def keep(records: int, quarantine: int, remains: Remains, taken: Quarantined, *, owner: int) -> None:
    """Copy a left-over and bring the copy to the disk; OSError as the system gives it."""
    files.store(quarantine, taken.name + _UNRECORDED, read_remains(records, remains, owner=owner))
    length, digest = _measure(_read(quarantine, taken.name + _UNRECORDED, owner=owner))
    if (length, digest) != (taken.length, taken.digest):
        raise LedgerError(
            "the bytes beyond the checkpoint changed while they were copied",
            "somebody writes to the records without the lock; find out who, then run again",
        )


def settle(quarantine: int, taken: Iterable[Quarantined]) -> None:
    """Take the mark off copies whose record is under a checkpoint."""
    try:
        for each in taken:
            files.rename(each.name + _UNRECORDED, each.name, src_dir_fd=quarantine, dst_dir_fd=quarantine)
    except OSError as exc:
        raise files.failure("a copy in quarantine could not be marked as recorded", exc) from exc
    files.sync(quarantine, "the quarantine folder")


def _read(quarantine: int, name: str, *, owner: int) -> Iterator[bytes]:
    try:
        descriptor = files.open_regular(quarantine, name, os.O_RDONLY, owner=owner)
    except OSError as exc:
        raise files.failure(f"{name} in quarantine cannot be read", exc) from exc
    with os.fdopen(descriptor, "rb") as file:
        while chunk := file.read(files.CHUNK):
            yield chunk


def _measure(chunks: Iterable[bytes]) -> tuple[int, str]:
    digest, length = sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        length += len(chunk)
    return length, digest.hexdigest()
