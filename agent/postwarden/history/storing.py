"""Storing what came in: events become rows, sessions are joined, and the cursor goes with them in one transaction."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from postwarden.access.joining import Ending, Group, Joiner, Key
from postwarden.history.interning import Interned
from postwarden.history.schema import ARRIVED, NEXT
from postwarden.history.shapes import sample_of, shape_of
from postwarden.history.standing import BUCKETS, LATELY, LEAST, Standing, Trouble, bucket_of
from postwarden.model.arrival import Batch, Cursor
from postwarden.model.event import Access, Act, Transfer

DAY = 86_400_000
#: A default for requests without session ids: so many milliseconds apart, they are two sessions.
IDLE = 1_800_000
#: After so many milliseconds of its log's time nobody waits for the end of a session any more: it is unknown.
OPEN_FOR = 7 * DAY
#: Times that are more milliseconds ahead of now than clocks differ are nobody's: a log does not stand there.
AHEAD = 300_000
#: Shapes of unread lines that are counted by themselves for one source and day; the others together.
MAX_SHAPES = 100
OTHER_SHAPES = "other shapes"
#: Pairs of account and place, and sessions unlike each other, whose first time is kept in memory.
REMEMBERED = 500_000

#: Name, protocol, address, client and application of a session, as numbers.
Like = tuple[int, int, int | None, int | None, int | None]

_JOINED = msgspec.json.Decoder(tuple[str, str | None, str | None, str])
_GROUP = msgspec.msgpack.Decoder(Group)
_CURSOR = msgspec.msgpack.Decoder(Cursor)
_STANDING = msgspec.msgpack.Decoder(Standing)

_SEEN = "INSERT INTO first_seen VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET time = min(time, excluded.time)"


def _insertion(table: str, *, numbered: bool) -> str:
    columns = [column for column, _ in ARRIVED[table]]
    if numbered:
        columns.insert(0, "id")
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


INSERT_ACCESS = _insertion("access", numbered=True)
INSERT_ENDING = _insertion("ending", numbered=False)
INSERT_ACT = _insertion("act", numbered=False)
INSERT_TRANSFER = _insertion("transfer", numbered=False)
INSERT_LATE = _insertion("late", numbered=False)
INSERT_MISHAP = _insertion("mishap", numbered=False)


class Storing:
    """Writes into one history, for one process at a time: `base` is in the caller's hands and locked by them."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._interned = Interned(base)
        self._joiners: dict[str, Joiner] = {}
        self._seen: dict[tuple[int, str, int], int] = {}
        self._together: dict[Like, int] = {}
        self._day: int | None = None
        self._next_row: int | None = None

    def forget(self) -> None:
        """After a failed transaction, everything is looked up anew."""
        self._interned.forget()
        self._joiners.clear()
        self._seen.clear()
        self._together.clear()
        self._day = self._next_row = None

    def store(self, batch: Batch, now: int, *, idle: int = IDLE, ends: bool = True) -> Cursor:
        """Takes the batch in, inside the caller's transaction; gives the cursor with its number.

        `ends` says whether its log tells when sessions end.
        """
        source = self._interned.text(batch.source)
        day = self._day_of(now)
        cursor = self._keep_cursor(source, batch.cursor)
        joiner = self._joiner(batch.source, source, idle)
        accesses = [event for event in batch.events if isinstance(event, Access)]
        joined = joiner.take(accesses, ends=ends)
        endings = joined.endings
        standing = self.standing(batch.source)
        times = [event.time for event in batch.events]
        if past := [time for time in times if time <= now + AHEAD]:
            endings += joiner.expire(max(past))
        self._store_accesses(source, cursor.key, day, joined.rows)
        self._base.executemany(
            INSERT_LATE, [(source, day, now, access, ended) for access, ended in joined.late]
        )
        self._store_endings(cursor.key, day, endings)
        self._keep_open(source, joiner)
        self._next_row = joiner.next_row
        if len(accesses) < len(batch.events):
            others = [event for event in batch.events if not isinstance(event, Access)]
            self._store_others(source, cursor.key, day, others, joiner)
        self._store_unread(source, day, batch.unread)
        self._base.executemany(
            INSERT_MISHAP,
            [
                (source, day, note.time, self._interned.text(note.mishap), self._interned.text(note.path), note.words, note.lost)
                for note in batch.notes
            ],
        )  # fmt: skip
        self._keep_standing(source, _after(standing, batch, times, now))
        return cursor

    def cursors(self, source: str) -> list[Cursor]:
        """How far each content of a source was read."""
        found = self._base.execute(
            "SELECT key, cursor FROM content WHERE source = ?", (self._interned.text(source),)
        )
        return [replace(_CURSOR.decode(cursor), key=key) for key, cursor in found]

    def looked(self, source: str, troubles: tuple[Trouble, ...], now: int, *, least: int = LEAST) -> None:
        """Takes note that a source was looked at, inside the caller's transaction."""
        standing = replace(self.standing(source), looked=now, troubles=troubles, least=least)
        self._keep_standing(self._interned.text(source), standing)

    def standing(self, source: str) -> Standing:
        row = self._base.execute(
            "SELECT standing FROM source WHERE source = ?", (self._interned.text(source),)
        ).fetchone()
        return _STANDING.decode(row[0]) if row is not None else Standing()

    def _keep_standing(self, source: int, standing: Standing) -> None:
        self._base.execute(
            "INSERT INTO source VALUES (?, ?) ON CONFLICT DO UPDATE SET standing = excluded.standing",
            (source, msgspec.msgpack.encode(standing)),
        )

    def _keep_cursor(self, source: int, cursor: Cursor) -> Cursor:
        encoded = msgspec.msgpack.encode(cursor)
        if cursor.key:
            self._base.execute("UPDATE content SET cursor = ? WHERE key = ?", (encoded, cursor.key))
            return cursor
        key = self._base.execute(
            "INSERT INTO content (source, cursor) VALUES (?, ?)", (source, encoded)
        ).lastrowid
        assert key is not None
        return replace(cursor, key=key)

    def _joiner(self, name: str, source: int, idle: int) -> Joiner:
        joiner = self._joiners.get(name)
        next_row = self._next_row
        if next_row is None:
            ((next_row,),) = self._base.execute(NEXT, ("access",)).fetchall()
            assert next_row is not None
        if joiner is None:
            # In the order of their beginnings, so that the oldest is given up first.
            sessions = self._base.execute(
                "SELECT session, access FROM open_session WHERE source = ? ORDER BY access", (source,)
            ).fetchall()
            groups = [
                (_key(key), _GROUP.decode(grouped))
                for key, grouped in self._base.execute(
                    "SELECT key, grouped FROM open_group WHERE source = ?", (source,)
                )
            ]
            ends = self._base.execute(
                "SELECT o.session, o.access, a.time FROM open_end o JOIN access a ON a.id = o.access WHERE o.source = ?"
                " ORDER BY o.access",
                (source,),
            ).fetchall()
            joiner = self._joiners[name] = Joiner(next_row, idle, sessions, groups, ends)
        joiner.next_row, joiner.idle = next_row, idle
        return joiner

    def _keep_open(self, source: int, joiner: Joiner) -> None:
        changes = joiner.changes()
        for table, rows in (("open_session", changes.sessions), ("open_end", changes.ends)):
            self._base.executemany(
                f"DELETE FROM {table} WHERE source = ? AND session = ?",
                [(source, session) for session, row in rows.items() if row is None],
            )
            self._base.executemany(
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
                [(source, session, row) for session, row in rows.items() if row is not None],
            )
        groups = changes.groups
        self._base.executemany(
            "DELETE FROM open_group WHERE source = ? AND key = ?",
            [(source, _key_text(key)) for key, group in groups.items() if group is None],
        )
        self._base.executemany(
            "INSERT OR REPLACE INTO open_group VALUES (?, ?, ?)",
            [
                (source, _key_text(key), msgspec.msgpack.encode(group))
                for key, group in groups.items()
                if group is not None
            ],
        )

    def _store_accesses(
        self, source: int, content: int, day: int, rows: Sequence[tuple[int, Access]]
    ) -> None:
        text, address = self._interned.text, self._interned.address
        # Nearly always the number is there already, which saves a call.
        texts, addresses = self._interned.texts.get, self._interned.addresses.get
        values: list[tuple[Any, ...]] = []
        first: dict[tuple[int, str, int], int] = {}
        together = self._together
        for row, one in rows:
            time, stage = one.time, one.stage
            name = texts(one.name) or text(one.name)
            protocol = texts(one.protocol) or text(one.protocol)
            place = server = client = application = identity = method = None
            if one.address is not None:
                place = addresses(one.address) or address(one.address)
            if one.server is not None:
                server = addresses(one.server) or address(one.server)
            if one.client is not None:
                client = texts(one.client) or text(one.client)
            if one.application is not None:
                application = texts(one.application) or text(one.application)
            if one.identity is not None:
                identity = texts(one.identity) or text(one.identity)
            if one.method is not None:
                method = texts(one.method) or text(one.method)
            values.append(
                (
                    row, source, content, one.at, day, time, texts(stage) or text(stage), protocol, name, place, one.port,
                    server, address(one.forwarded) if one.forwarded is not None else None, client, application, one.session,
                    identity, method,
                    # A bool would be asked for its adapter, which takes longer than to bind a number.
                    int(one.encrypted) if one.encrypted is not None else None,
                    one.attempts, one.reason if stage == "refused" else None,
                )
            )  # fmt: skip
            if stage == "refused" or identity is not None:
                # Neither a try nor what others do here is a habit of the account.
                continue
            # Most sessions are like one before, and tell nothing new about any of these.
            like = name, protocol, place, client, application
            if together.get(like, time + 1) > time:
                together[like] = time
                self._see(like, time, first)
        self._base.executemany(INSERT_ACCESS, values)
        self._base.executemany(_SEEN, [(*key, time) for key, time in first.items()])
        if len(self._seen) > REMEMBERED:
            self._seen.clear()
        if len(together) > REMEMBERED:
            together.clear()

    def _see(self, like: Like, time: int, first: dict[tuple[int, str, int], int]) -> None:
        """Adds to `first` whatever is not known to have been seen at `time` or before."""
        name, protocol, place, client, application = like
        for kind, value in (
            ("protocol", protocol),
            ("address", place),
            ("client", client),
            ("application", application),
        ):
            if value is not None:
                key = name, kind, value
                if self._seen.get(key, time + 1) > time:
                    self._seen[key] = first[key] = time

    def _store_endings(self, content: int, day: int, endings: Sequence[Ending]) -> None:
        self._base.executemany(
            INSERT_ENDING,
            [
                (
                    one.access, content, one.at, day, one.time, one.reason, one.requests, one.bytes_in, one.bytes_out, one.bodies,
                    one.body_bytes, one.headers, one.header_bytes, one.deleted, one.expunged,
                )
                for one in endings
            ],
        )  # fmt: skip

    def _store_others(
        self, source: int, content: int, day: int, events: Sequence[Act | Transfer], joiner: Joiner
    ) -> None:
        text, address = self._interned.text, self._interned.address
        acts: list[tuple[Any, ...]] = []
        transfers: list[tuple[Any, ...]] = []
        for one in events:
            place = address(one.address) if one.address is not None else None
            if isinstance(one, Act):
                acts.append(
                    (
                        source, content, one.at, day, one.time, text(one.deed), text(one.protocol), joiner.row_of(one.session),
                        text(one.name), one.session, place, text(one.folder) if one.folder is not None else None, one.uid,
                        one.message_id, one.size, one.detail,
                    )
                )  # fmt: skip
            else:
                transfers.append(
                    (
                        source, content, one.at, day, one.time, text(one.sender), text("\n".join(one.recipients)),
                        one.message_id, one.size, text(one.direction) if one.direction is not None else None,
                        text(one.outcome), text(one.name) if one.name is not None else None, place, one.queue,
                        text(one.original) if one.original is not None else None,
                    )
                )  # fmt: skip
        self._base.executemany(INSERT_ACT, acts)
        self._base.executemany(INSERT_TRANSFER, transfers)

    def _store_unread(self, source: int, day: int, unread: Sequence[tuple[int, bytes]]) -> None:
        counts: dict[str, tuple[int, str]] = {}
        for _, line in unread:
            shape = shape_of(line)
            count, sample = counts.get(shape, (0, sample_of(line)))
            counts[shape] = count + 1, sample
        for shape, (count, sample) in counts.items():
            ((shapes,),) = self._base.execute(
                "SELECT count(*) FROM unread WHERE source = ? AND day = ? AND shape <> ?",
                (source, day, shape),
            ).fetchall()
            named = shape if shapes < MAX_SHAPES else OTHER_SHAPES
            self._base.execute(
                "INSERT INTO unread VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (source, day, named, count, sample),
            )

    def _day_of(self, now: int) -> int:
        """The day of arrival; it never goes back, whatever the clock does. A new one remembers where it begins."""
        today = now // DAY
        if self._day is None:
            ((last,),) = self._base.execute("SELECT max(day) FROM day").fetchall()
            self._day = last
        if self._day is None or today > self._day:
            firsts = {table: self._base.execute(NEXT, (table,)).fetchone()[0] for table in ARRIVED}
            self._base.execute(
                "INSERT INTO day (day, firsts) VALUES (?, ?)", (today, msgspec.json.encode(firsts).decode())
            )
            self._day = today
            self._give_up()
        return self._day

    def _give_up(self) -> None:
        """Waits no more for the ends of sessions that began long ago."""
        standings = [
            (source, _STANDING.decode(standing))
            for source, standing in self._base.execute("SELECT source, standing FROM source")
        ]
        self._base.executemany(
            "DELETE FROM open_session WHERE source = ? AND access IN (SELECT o.access FROM open_session o"
            " JOIN access a ON a.id = o.access WHERE o.source = ? AND a.time < ?)",
            [
                (source, source, standing.latest - OPEN_FOR)
                for source, standing in standings
                if standing.latest is not None
            ],
        )
        self._joiners.clear()


def _after(standing: Standing, batch: Batch, times: Sequence[int], now: int) -> Standing:
    """What is known of the source with this batch, whose events have these `times`."""
    past = [time for time in times if time <= now + AHEAD]
    delays = standing.delays
    if batch.fresh:
        counts = list(delays) + [0] * (BUCKETS - len(delays))
        for time in times:
            counts[bucket_of(now - time)] += 1
        delays = tuple(counts)
    lines_lately = standing.lines_lately + batch.lines
    unread_lately = standing.unread_lately + len(batch.unread)
    while lines_lately > LATELY:
        lines_lately, unread_lately = lines_lately // 2, unread_lately // 2
    return replace(
        standing,
        first=min([*times, *([standing.first] if standing.first is not None else [])], default=None),
        latest=max([*past, *([standing.latest] if standing.latest is not None else [])], default=None),
        arrived=now if batch.lines else standing.arrived,
        delays=delays,
        lines=standing.lines + batch.lines,
        events=standing.events + len(batch.events),
        unread=standing.unread + len(batch.unread),
        doubtful=standing.doubtful + len(batch.doubtful),
        lines_lately=lines_lately,
        unread_lately=unread_lately,
    )


def _key_text(key: Key) -> str:
    return msgspec.json.encode(key).decode()


def _key(text: str) -> Key:
    name, address, client, protocol = _JOINED.decode(text)
    return name, address, client, protocol  # type: ignore[return-value]  # it was written from one
