"""Questions to the history."""

import ipaddress
import sqlite3
from collections import Counter, deque
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.history.interning import mapped
from postwarden.history.standing import Standing
from postwarden.model.arrival import Cursor
from postwarden.model.event import Transfer
from postwarden.model.session import Session

#: Sessions of an address that are looked at to see whether many share it.
LOOKED_AT = 10_000
DAY = 86_400_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_STANDING = msgspec.msgpack.Decoder(Standing)
_CURSOR = msgspec.msgpack.Decoder(Cursor)

_SESSIONS = """
SELECT a.id, s.text, g.text, p.text, n.text, a.time, e.time, o.access, l.text, f.text, a.port, v.text, c.text, i.text,
  a.session, d.text, m.text, a.encrypted, a.attempts, coalesce(a.reason, e.reason), e.requests, e.bytes_in, e.bytes_out,
  e.bodies, e.body_bytes, e.headers, e.header_bytes, e.deleted, e.expunged
FROM access a
LEFT JOIN late b ON b.access = a.id
LEFT JOIN ending e ON e.access = coalesce(b.ended, a.id)
LEFT JOIN open_session o ON o.source = a.source AND o.session = a.session AND o.access = a.id
JOIN text s ON s.id = a.source JOIN text g ON g.id = a.stage JOIN text p ON p.id = a.protocol JOIN text n ON n.id = a.name
LEFT JOIN address l ON l.id = a.address LEFT JOIN address f ON f.id = a.forwarded LEFT JOIN address v ON v.id = a.server
LEFT JOIN text c ON c.id = a.client LEFT JOIN text i ON i.id = a.application LEFT JOIN text d ON d.id = a.identity
LEFT JOIN text m ON m.id = a.method
"""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which sessions: of any of the `networks`, of a client or application whose text contains one of these (any
    case), of these names, identities, sources or protocols, from `since` to before `until`. Nothing given is no restriction; what is given
    must hold together.
    """

    networks: tuple[Network, ...] = ()
    client: str | None = None
    application: str | None = None
    names: tuple[str, ...] | None = None
    identities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    refused: bool = True
    most: int | None = None


class SharedBy(Struct, frozen=True, kw_only=True):
    """An address, the most accounts that came from it within a day, and their different clients, as far as the log tells."""

    address: str
    names: int
    clients: int


class Totals(Struct, frozen=True, kw_only=True):
    """Sessions that began, that ended, and tries that were refused."""

    begun: int
    ended: int
    refused: int


class Unread(Struct, frozen=True, kw_only=True):
    """Lines of one shape that could not be read."""

    shape: str
    count: int
    sample: str


class Lost(Struct, frozen=True, kw_only=True):
    """A mishap of a log, from the history: see `arrival.Note`."""

    row: int
    source: str
    day: int
    time: int
    mishap: str
    path: str
    words: str
    lost: bool


class Reading:
    """Reads one history; nothing here changes it."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def sessions(self, wanted: Wanted) -> Iterator[Session]:
        """The sessions in the order in which they were stored."""
        conditions, values = _conditions(wanted)
        # An end whose beginning came later is told with that.
        conditions.append("NOT EXISTS (SELECT 1 FROM late WHERE ended = a.id)")
        where = f"WHERE {' AND '.join(conditions)}"
        limit = f"LIMIT {wanted.most:d}" if wanted.most is not None else ""
        for row in self._base.execute(f"{_SESSIONS} {where} ORDER BY a.id {limit}", values):
            yield _session(row)

    def numbered(self, rows: Sequence[int]) -> Iterator[Session]:
        """The sessions with these numbers that are still there."""
        numbers = msgspec.json.encode(tuple(rows)).decode()
        for row in self._base.execute(
            f"{_SESSIONS} WHERE a.id IN (SELECT value FROM json_each(?)) ORDER BY a.id", (numbers,)
        ):
            yield _session(row)

    def transfers(
        self, addresses: Sequence[str] | None, since: int | None = None, until: int | None = None
    ) -> Iterator[tuple[str, Transfer]]:
        """Source and transfer of each message that was handed over, in the order in which they were stored.

        With `addresses` (folded) only those that one of them sent, was sent to, or was authenticated for.
        """
        wanted = frozenset(addresses) if addresses is not None else None
        for source, sender, recipients, name, *rest in self._base.execute(
            "SELECT s.text, f.text, r.text, n.text, t.at, t.time, t.message_id, t.size, d.text, o.text, a.text, t.queue, g.text"
            " FROM transfer t JOIN text s ON s.id = t.source JOIN text f ON f.id = t.sender JOIN text r ON r.id = t.recipients"
            " JOIN text o ON o.id = t.outcome LEFT JOIN text n ON n.id = t.name LEFT JOIN text d ON d.id = t.direction"
            " LEFT JOIN address a ON a.id = t.address LEFT JOIN text g ON g.id = t.original WHERE (? IS NULL OR t.time >= ?) AND (? IS NULL OR t.time < ?)"
            " ORDER BY t.id",
            (since, since, until, until),
        ):
            to = tuple(recipients.split("\n"))
            if wanted is not None and wanted.isdisjoint(
                one.casefold() for one in (sender, name or "", rest[-1] or "", *to)
            ):
                continue
            at, time, message_id, size, direction, outcome, address, queue, original = rest
            yield (
                source,
                Transfer(
                    at=at, time=time, sender=sender, recipients=to, message_id=message_id, size=size, direction=direction,
                    outcome=outcome, name=name, address=address, queue=queue, original=original,
                ),
            )  # fmt: skip

    def totals(self, source: str) -> Totals:
        """How many sessions of a source began and ended, and how many tries were refused."""
        ((begun, ended, refused),) = self._base.execute(
            "SELECT count(*) FILTER (WHERE g.text NOT IN ('refused', 'ended')), count(*) FILTER (WHERE e.time IS NOT NULL),"
            " coalesce(sum(a.attempts) FILTER (WHERE g.text = 'refused'), 0) FROM access a JOIN text s ON s.id = a.source"
            " JOIN text g ON g.id = a.stage LEFT JOIN late b ON b.access = a.id"
            " LEFT JOIN ending e ON e.access = coalesce(b.ended, a.id)"
            " WHERE s.text = ? AND NOT EXISTS (SELECT 1 FROM late WHERE ended = a.id)",
            (source,),
        ).fetchall()
        return Totals(begun=begun, ended=ended, refused=refused)

    def sources(self) -> dict[str, Standing]:
        """What each source that ever gave something is known to be like."""
        rows = self._base.execute(
            "SELECT text, standing FROM source s JOIN text t ON t.id = s.source ORDER BY text"
        )
        return {name: _STANDING.decode(standing) for name, standing in rows}

    def first_day(self) -> int | None:
        """The first day of arrival, also where its rows were removed."""
        ((first,),) = self._base.execute("SELECT min(day) FROM day").fetchall()
        return int(first) if first is not None else None

    def cursors(self, source: str) -> list[Cursor]:
        """How far each content of a source was read."""
        rows = self._base.execute(
            "SELECT key, cursor FROM content JOIN text ON text.id = source WHERE text = ? ORDER BY key",
            (source,),
        )
        return [replace(_CURSOR.decode(cursor), key=key) for key, cursor in rows]

    def mishaps(self, source: str | None = None, since: int = 0) -> list[Lost]:
        """What happened to logs, from a time on."""
        rows = self._base.execute(
            "SELECT m.id, s.text, m.day, m.time, w.text, p.text, m.words, m.lost FROM mishap m JOIN text s ON s.id = m.source"
            " JOIN text w ON w.id = m.mishap JOIN text p ON p.id = m.path WHERE m.time >= ? AND (? IS NULL OR s.text = ?)"
            " ORDER BY m.id",
            (since, source, source),
        )
        return [
            Lost(
                row=row,
                source=name,
                day=day,
                time=time,
                mishap=mishap,
                path=path,
                words=words,
                lost=bool(lost),
            )
            for row, name, day, time, mishap, path, words, lost in rows
        ]

    def unread(self, source: str, since_day: int = 0, most: int = 20) -> list[Unread]:
        """The commonest shapes of lines that could not be read, with a sample of each."""
        rows = self._base.execute(
            "SELECT shape, sum(count), min(sample) FROM unread JOIN text ON text.id = source WHERE text = ? AND day >= ?"
            " GROUP BY shape ORDER BY 2 DESC, 1 LIMIT ?",
            (source, since_day, most),
        )
        return [Unread(shape=shape, count=count, sample=sample) for shape, count, sample in rows]

    def names(self) -> list[str]:
        """Every name that logged in or tried to."""
        # From one name to the next in the index, however many sessions each has.
        rows = self._base.execute(
            "WITH RECURSIVE each(name) AS (SELECT min(name) FROM access UNION ALL"
            " SELECT (SELECT min(name) FROM access a WHERE a.name > each.name) FROM each WHERE each.name IS NOT NULL)"
            " SELECT text FROM each JOIN text ON text.id = each.name ORDER BY 1"
        )
        return [name for (name,) in rows]

    def names_at(self, source: str) -> list[str]:
        """Every name that logged in as itself and was let in at a source."""
        names = self._base.execute(
            "WITH RECURSIVE each(name) AS (SELECT min(name) FROM first_seen UNION ALL"
            " SELECT (SELECT min(name) FROM first_seen f WHERE f.name > each.name) FROM each WHERE each.name IS NOT NULL)"
            " SELECT text FROM each JOIN text ON text.id = each.name WHERE EXISTS"
            " (SELECT 1 FROM access a JOIN text s ON s.id = a.source WHERE a.name = each.name AND s.text = ?) ORDER BY 1",
            (source,),
        )
        return [name for (name,) in names]

    def first_seen(self, names: Sequence[str]) -> Iterator[tuple[str, str, int]]:
        """Since when an account's protocols, addresses, clients and applications are known: kind, value, time."""
        marks = ", ".join("?" * len(names))
        rows = self._base.execute(
            "SELECT f.kind, CASE f.kind WHEN 'address' THEN a.text ELSE v.text END, min(f.time) FROM first_seen f"
            " JOIN text n ON n.id = f.name LEFT JOIN text v ON v.id = f.value LEFT JOIN address a ON a.id = f.value"
            f" WHERE n.text IN ({marks}) GROUP BY 1, 2 ORDER BY 1, 3, 2",
            tuple(names),
        )
        yield from rows

    def shared(self, more_than: int, source: str) -> Iterator[SharedBy]:
        """Addresses that more than so many accounts with different clients came from on one day, as far as this source saw.

        Where a log does not tell clients, they count as different. Who logs in for others is no account's client. Of each
        address the last sessions are looked at: a provider gives its addresses to one customer after the other.
        """
        candidates = self._base.execute(
            "SELECT a.text, f.value FROM first_seen f JOIN address a ON a.id = f.value WHERE f.kind = 'address'"
            " GROUP BY f.value HAVING count(*) > ? ORDER BY count(*) DESC, 1",
            (more_than,),
        ).fetchall()
        for text, number in candidates:
            rows = self._base.execute(
                "SELECT a.time, a.name, a.client FROM access a JOIN text s ON s.id = a.source JOIN text g ON g.id = a.stage"
                " WHERE a.address = ? AND s.text = ? AND a.identity IS NULL AND g.text <> 'refused'"
                " ORDER BY a.id DESC LIMIT ?",
                (number, source, LOOKED_AT),
            ).fetchall()
            names = _most_in_a_day(rows)
            clients = {client for _, _, client in rows if client is not None}
            if names > more_than and (len(clients) > 1 or any(client is None for _, _, client in rows)):
                yield SharedBy(address=text, names=names, clients=len(clients))


def _most_in_a_day(rows: Sequence[tuple[int, int, int | None]]) -> int:
    """The most different names within a day."""
    within: deque[tuple[int, int]] = deque()
    counts: Counter[int] = Counter()
    most = 0
    for time, name, _ in sorted(rows, key=lambda row: row[0]):
        within.append((time, name))
        counts[name] += 1
        while time - within[0][0] >= DAY:
            _, old = within.popleft()
            counts[old] -= 1
            if not counts[old]:
                del counts[old]
        most = max(most, len(counts))
    return most


def _conditions(wanted: Wanted) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if wanted.networks:
        ranges = " OR ".join("packed BETWEEN ? AND ?" for _ in wanted.networks)
        bounds = [bound for network in wanted.networks for bound in (mapped(network[0]), mapped(network[-1]))]
        inside = f"(SELECT id FROM address WHERE {ranges})"
        # The indexes give the rows' numbers; read in their order, the first rows do not wait for the others.
        conditions.append(
            f"a.id IN (SELECT id FROM access WHERE address IN {inside}"
            f" UNION ALL SELECT id FROM access WHERE forwarded IN {inside})"
        )
        values += bounds * 2
    for kind, text in (("client", wanted.client), ("application", wanted.application)):
        if text is not None:
            conditions.append(f"a.{kind} IN (SELECT id FROM text WHERE instr(lower(text), lower(?)) > 0)")
            values.append(text)
    for column, texts in (
        ("name", wanted.names),
        ("identity", wanted.identities or None),
        ("source", wanted.sources or None),
        ("protocol", wanted.protocols or None),
    ):
        if texts is not None:
            # One value, however many they are: a statement takes no more than 32,766.
            conditions.append(
                f"a.{column} IN (SELECT id FROM text WHERE text IN (SELECT value FROM json_each(?)))"
            )
            values.append(msgspec.json.encode(texts).decode())
    if wanted.since is not None:
        conditions.append("a.time >= ?")
        values.append(wanted.since)
    if wanted.until is not None:
        conditions.append("a.time < ?")
        values.append(wanted.until)
    if not wanted.refused:
        conditions.append("a.stage NOT IN (SELECT id FROM text WHERE text = 'refused')")
    return conditions, values


def _session(row: tuple[object, ...]) -> Session:
    (
        number, source, stage, protocol, name, time, ended, waiting, address, forwarded, port, server, client, application, session,
        identity, method, encrypted, attempts, reason, requests, *counts,
    ) = row  # fmt: skip
    end = (
        "refused"
        if stage == "refused"
        else "ended"
        if ended is not None
        else "open"
        if waiting is not None
        else "unknown"
    )
    bytes_in, bytes_out, bodies, body_bytes, headers, header_bytes, deleted, expunged = counts
    return msgspec.convert(
        {
            "row": number, "source": source, "stage": stage, "protocol": protocol, "name": name,
            "begun": None if stage == "ended" else time, "ended": ended, "end": end,
            "address": forwarded or address, "peer": address if forwarded else None, "port": port, "server": server,
            "client": client, "application": application, "session": session, "identity": identity, "method": method,
            "encrypted": None if encrypted is None else bool(encrypted), "attempts": attempts, "reason": reason,
            "requests": requests, "bytes_in": bytes_in, "bytes_out": bytes_out, "bodies": bodies,
            "body_bytes": body_bytes, "headers": headers, "header_bytes": header_bytes, "deleted": deleted,
            "expunged": expunged,
        },
        Session,
    )  # fmt: skip
