"""Checkpoints go out, so that others remember them; and what others remember is asked before anything is signed.

What is at hand (journal, syslog, a file) is told after each commit. What may take time (a program, witnesses, time
stamping authorities) is told after an audit and other commands that record, and by the daemon every few minutes. A
place that cannot be told is a warning, kept for `postwarden status`; one that remembers more than the ledger holds is
LedgerUnsound, and nothing is signed any more.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from postwarden import logs
from postwarden.errors import LedgerError, LedgerUnsound, NotifyError
from postwarden.ledger import checkpoint, epochs, files
from postwarden.ledger.cosignature import find_cosignature, read_text
from postwarden.ledger.nodes import Nodes
from postwarden.ledger.note import MAX_NOTE, parse_note
from postwarden.model.encoding import encodable, encode
from postwarden.model.moment import Moment
from postwarden.witness import kept, outlets
from postwarden.witness.configured import (
    JOURNAL,
    Outside,
    name_authority,
    name_file,
    name_syslog,
    name_witness,
)
from postwarden.witness.memory import Remembered, at_witness, compare, in_file, in_journal
from postwarden.witness.peers import Authority, Newest, Witness

#: What became of each place the last time, beside the ledger.
FILE = "outside.json"
_MAX_FILE = 1024 * 1024
#: Characters of a failure that are kept.
_MAX_FAILURE = 300


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place: the largest size that it took and when, and why it could not be told or read the last time."""

    place: str
    size: int | None = None
    time: Moment | None = None
    failure: str | None = None


_TOLD = msgspec.json.Decoder(tuple[Told, ...])


class CheckpointsOut:
    """The way out for the checkpoints of the ledger in `state`; threads may share it."""

    def __init__(self, outside: Outside, state: Path, clock: Callable[[], datetime]) -> None:
        self.outside = outside
        self._state, self._ledger, self._clock = state, state / "ledger", clock
        self._alone = threading.Lock()
        self._at_hand = -1

    def check_memory(self) -> None:
        """Asks every place what it remembers; LedgerUnsound where the ledger does not hold that any more."""
        with _looking(self._ledger) as look:
            remembered = list(self._remembered(look()))
            # Only after the places: what they have, the ledger had before.
            newest = look()
            for each in remembered:
                if each.unread is not None:
                    self._note(each.who, None, f"not read: {each.unread}")
            compare(newest.position, newest.root_at, remembered)

    def tell_at_hand(self) -> None:
        """Tells the journal or syslog, and the file, unless they know the newest checkpoint already."""
        outside = self.outside
        if outside.journal is None and outside.syslog is None and outside.file is None:
            return
        note = kept.newest(self._ledger)
        _, position = read_text(parse_note(note).text)
        with self._alone:
            if position.size <= self._at_hand:
                return
            self._at_hand = position.size
        if (journal := outside.journal) is not None:
            self._try(JOURNAL, position.size, lambda: outlets.to_journal(note, journal))
        if (syslog := outside.syslog) is not None:
            self._try(name_syslog(syslog), position.size, lambda: outlets.to_syslog(note, syslog))
        if (file := outside.file) is not None:
            self._try(name_file(file), position.size, lambda: self._to_file(note, file, position.size))

    def tell_all(self) -> None:
        """Tells every place; LedgerUnsound where a witness has seen more than the ledger holds."""
        self.tell_at_hand()
        outside = self.outside
        with _looking(self._ledger) as look:
            for witness in outside.witnesses:
                size = look().position.size
                self._try(name_witness(witness), size, partial(self._cosign, witness, look))
            newest = look()
            size = newest.position.size
            for number, authority in enumerate(outside.authorities):
                self._try(
                    name_authority(authority),
                    size,
                    partial(self._stamp, authority, number, newest),
                )
        if outside.command:
            # Last, so that it gets the cosignatures too.
            note = kept.newest(self._ledger)
            self._try(outside.command[0], size, lambda: outlets.to_command(note, outside.command))
        if outside.file is not None and outside.witnesses:
            file, note = outside.file, kept.newest(self._ledger)
            self._try(name_file(file), size, lambda: self._to_file(note, file, size))

    def _remembered(self, newest: Newest) -> Iterator[Remembered]:
        outside = self.outside
        if outside.file is not None:
            yield in_file(outside.file, newest.origin)
        if outside.journal is not None:
            yield in_journal(newest.origin, os.geteuid())
        for witness in outside.witnesses:
            yield at_witness(witness, newest.origin)

    def _cosign(self, witness: Witness, look: Callable[[], Newest]) -> None:
        from postwarden.witness.client import cosigned_by

        if find_cosignature(kept.newest(self._ledger), witness.key) is None:
            kept.keep(self._ledger, cosigned_by(witness, look))

    def _stamp(self, authority: Authority, number: int, newest: Newest) -> None:
        from postwarden.witness.timestamp import stamp

        size = newest.position.size
        if kept.kept_token(self._ledger, size, number) is not None:
            return
        made = stamp(authority, newest.text)
        kept.keep(self._ledger, newest.note)
        kept.keep_token(self._ledger, size, number, made.token)
        if made.unread is not None:
            raise NotifyError(f"{made.unread}; it is kept as {kept.FOLDER}/{kept.token_name(size, number)}")

    def _to_file(self, note: bytes, file: Path, size: int) -> None:
        """Unless it has a larger one by now, which another process put there."""
        there = in_file(file, read_text(parse_note(note).text)[0]).position
        if there is None or there.size <= size:
            outlets.to_file(note, file)

    def _try(self, place: str, size: int, tell: Callable[[], None]) -> None:
        try:
            tell()
        except LedgerUnsound as exc:
            self._note(place, None, str(exc))
            raise
        except (NotifyError, LedgerError) as exc:
            self._note(place, None, str(exc))
            # What is at hand is tried again with the others, not only after the next record.
            self._at_hand = -1
        else:
            self._note(place, size, None)

    def _note(self, place: str, size: int | None, failure: str | None) -> None:
        """Warns of a failure, and keeps what became of the place."""
        if failure is not None:
            failure = encodable(failure)[:_MAX_FAILURE]
            logs.get("ledger").warning("checkpoint_not_out", place=place, error=failure)
        with self._alone:
            known = {each.place: each for each in read_told(self._state, self.outside)}
            before = known.get(place, Told(place=place))
            if size is None:
                known[place] = msgspec.structs.replace(before, failure=failure)
            else:
                known[place] = Told(place=place, size=size, time=self._clock())
            try:
                _write_told(self._state, tuple(known.values()))
            except OSError as exc:
                # The checkpoint went out or did not; that status cannot show it is no reason to stop.
                logs.get("ledger").warning("status_not_written", file=FILE, error=str(exc))


def read_told(state: Path, outside: Outside) -> tuple[Told, ...]:
    """What became of each place the last time; nothing of one where that is not known."""
    try:
        with (state / FILE).open("rb") as file:
            return tuple(each for each in _TOLD.decode(file.read(_MAX_FILE)) if each.place in outside.places)
    except (FileNotFoundError, msgspec.DecodeError):
        return ()


def _write_told(state: Path, told: tuple[Told, ...]) -> None:
    """Replaces the file in one step; OSError as the system gives it."""
    temporary = state / f"{FILE}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(encode(told) + b"\n")
    temporary.rename(state / FILE)


@contextmanager
def _looking(ledger: Path) -> Iterator[Callable[[], Newest]]:
    """Reads the newest checkpoint as often as it is asked, with what proofs over it are made of."""
    with files.folder(ledger) as root:

        def look() -> Newest:
            note = files.read(root, checkpoint.NAME, owner=None, limit=MAX_NOTE)
            if note is None:
                raise LedgerUnsound("the checkpoint is missing", "run postwarden verify")
            _, position = read_text(parse_note(note).text)
            return Newest(note, Nodes(root, position.size, owner=None), _certificates(root))

        yield look


def _certificates(root: int) -> tuple[bytes, ...]:
    """Those of the ledger's keys, from the first to the newest."""
    found: list[bytes] = []
    with files.folder(epochs.FOLDER, within=root) as folder:
        while content := epochs.read_certificate(folder, len(found), owner=None):
            found.append(content)
    return tuple(found)
