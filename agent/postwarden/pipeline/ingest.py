"""From logs into the history: look, decode, store, and go on where that was."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from postwarden.connectors.log_files.following import Unreadable
from postwarden.connectors.log_files.source import LogFiles
from postwarden.formats.server_logs import Decoder
from postwarden.history.history import History
from postwarden.history.standing import Trouble
from postwarden.history.storing import AHEAD, Storing
from postwarden.model.arrival import Batch, Cursor, Note, Portion
from postwarden.model.event import Event

#: A time that runs back within a log by more milliseconds is a jump.
BACK = 3_600_000
MINUTE = 60_000
#: Files that cannot be read, of one source, that are remembered.
MAX_TROUBLES = 20


class Progress(Struct, frozen=True, kw_only=True):
    """One step of reading a log: what was stored, or what could not be read."""

    source: str
    path: str = ""
    lines: int = 0
    events: int = 0
    unreadable: Unreadable | None = None


class Ingester:
    """Reads one source's logs into a history. It remembers the decoders of contents that are being followed."""

    def __init__(self, source: LogFiles, clock: Callable[[], datetime]) -> None:
        self.source, self._clock = source, clock
        self._decoders: dict[int, tuple[int, Decoder]] = {}

    def turn(self, history: History, storing: Storing) -> Iterator[Progress]:
        """Everything that is new; each step is stored when it is given. Raises HistoryError."""
        now = _ms(self._clock())
        unreadable: dict[str, Unreadable] = {}
        new: dict[bytes, Cursor] = {}
        known: dict[int, Cursor] = {}
        for item in self.source.look(storing.cursors(self.source.name), now):
            if isinstance(item, Unreadable):
                unreadable[item.path] = item
                yield Progress(source=self.source.name, path=item.path, unreadable=item)
                continue
            # A content that is new in this look has its number since its first portion was stored.
            before = new.get(item.cursor.head) if not item.cursor.key else known.get(item.cursor.key)
            batch, decoder = self._decode(item, before or item.cursor, _ms(self._clock()))
            (stored,) = history.store(
                storing, [(batch, self.source.options.idle * 60_000, decoder.ends)], _ms(self._clock())
            )
            new[stored.head] = known[stored.key] = stored
            self._remember(stored, decoder)
            yield Progress(
                source=self.source.name, path=stored.path, lines=batch.lines, events=len(batch.events)
            )
        self._note(history, storing, unreadable, now)

    def _note(
        self, history: History, storing: Storing, unreadable: Mapping[str, Unreadable], now: int
    ) -> None:
        """That the files were looked at, once a minute, and at once where something else cannot be read."""
        troubles = tuple(
            Trouble(path=path, reason=one.error.reason, message=one.error.message, hint=one.error.hint)
            for path, one in sorted(unreadable.items())[:MAX_TROUBLES]
        )
        standing = storing.standing(self.source.name)
        if standing.troubles != troubles or standing.looked is None or now - standing.looked >= MINUTE:
            with history.transaction():
                storing.looked(self.source.name, troubles, now)

    def _remember(self, cursor: Cursor, decoder: Decoder) -> None:
        """Decoders of logs that still grow are kept: they know the times and texts that come again."""
        if cursor.live:
            self._decoders[cursor.key] = cursor.offset, decoder
        else:
            self._decoders.pop(cursor.key, None)

    def _decode(self, portion: Portion, before: Cursor, now: int) -> tuple[Batch, Decoder]:
        decoder = self._decoder(portion, before)
        decoded = decoder.decode(portion.data, portion.start)
        latest, jumps = _jumps(
            decoded.events, before.latest, portion.cursor, now, in_order=self.source.in_order
        )
        cursor = replace(portion.cursor, key=before.key, state=decoder.state(), latest=latest)
        return (
            Batch(
                source=self.source.name,
                cursor=cursor,
                events=decoded.events,
                unread=[*portion.unread, *decoded.unread],
                doubtful=decoded.doubtful,
                passed=decoded.passed,
                lines=decoded.lines,
                fresh=portion.fresh,
                notes=(*portion.notes, *jumps),
            ),
            decoder,
        )

    def _decoder(self, portion: Portion, before: Cursor) -> Decoder:
        """The one that decoded what is before the portion, or one with its state.

        It is remembered again when what it makes of the portion is stored; until then it knows too much.
        """
        known = self._decoders.pop(before.key, None)
        if before.key and known is not None and known[0] in {portion.start, portion.cursor.offset}:
            return known[1]
        return self.source.open_log(before.state, portion.cursor.modified // 1_000_000)


def _jumps(
    events: list[Event], latest: int | None, cursor: Cursor, now: int, *, in_order: bool
) -> tuple[int | None, tuple[Note, ...]]:
    """The latest time with these events, and where time ran backwards or is ahead of now."""
    notes: list[Note] = []
    for event in events:
        time = event.time
        if in_order and latest is not None and time < latest - BACK and not notes:
            words = f"at byte {event.at} time goes back by {(latest - time) // 1000} s"
            notes.append(Note(mishap="jumped", path=cursor.path, words=words, lost=False, time=now))
        if time > now + AHEAD:
            if not notes:
                words = f"at byte {event.at} time is {(time - now) // 1000} s ahead of now"
                notes.append(Note(mishap="jumped", path=cursor.path, words=words, lost=False, time=now))
            continue
        latest = time if latest is None else max(latest, time)
    return latest, tuple(notes)


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
