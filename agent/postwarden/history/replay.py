"""Beginnings and ends of sessions for whoever judges them: as they came, or all of them in the order of their times."""

import sqlite3
from collections.abc import Iterator
from typing import cast

from msgspec import Struct

from postwarden.model.event import Protocol


class Began(Struct, frozen=True, kw_only=True, gc=False):
    """A session, sign-in or refused log-in, as `model.session.Session` has it; `address` is the other side's or the one that a
    proxy in front forwarded. `row` is its number in the history, `time` is in milliseconds since 1970.
    """

    row: int
    time: int
    source: str
    refused: bool
    protocol: Protocol
    name: str
    address: str | None
    client: str | None
    application: str | None
    session: str | None
    identity: str | None
    method: str | None
    attempts: int


class Ended(Struct, frozen=True, kw_only=True, gc=False):
    """The end of the session of the same number, at the time that the log has for it."""

    number: int
    row: int
    time: int
    protocol: Protocol
    name: str
    address: str | None
    client: str | None
    identity: str | None
    session: str | None
    bytes_out: int | None


class Marks(Struct, frozen=True):
    """How far the history was read: the last number of each table."""

    access: int = 0
    ending: int = 0


_BEGAN = """
SELECT a.id, a.time, a.source, a.stage, a.protocol, a.name, coalesce(a.forwarded, a.address), a.client, a.application, a.session,
  a.identity, a.method, a.attempts FROM access a WHERE a.id > ? AND a.id <= ? AND a.stage IS NOT ?
"""
# An end whose beginning came later is that beginning's.
_ENDED = """
SELECT e.id, a.id, e.time, a.protocol, a.name, coalesce(a.forwarded, a.address), a.client, a.identity, a.session, e.bytes_out
FROM ending e LEFT JOIN late l ON l.ended = e.access JOIN access a ON a.id = coalesce(l.access, e.access)
WHERE e.id > ? AND e.id <= ? AND e.time IS NOT NULL
"""


def last(base: sqlite3.Connection) -> Marks:
    """The last numbers that were given."""
    numbers = dict(base.execute("SELECT name, seq FROM sqlite_sequence WHERE name IN ('access', 'ending')"))
    return Marks(numbers.get("access", 0), numbers.get("ending", 0))


def began(base: sqlite3.Connection, after: int, until: int, *, by_time: bool) -> Iterator[Began]:
    """The sessions with numbers above `after`, up to `until`."""
    texts, addresses = _Names(base, "text"), _Names(base, "address")
    # What is known by its end only is none.
    stage = base.execute("SELECT id FROM text WHERE text = 'ended'").fetchone()
    refused = base.execute("SELECT id FROM text WHERE text = 'refused'").fetchone()
    number = refused[0] if refused is not None else None
    order = " ORDER BY a.time, a.id" if by_time else " ORDER BY a.id"
    rows = base.execute(_BEGAN + order, (after, until, stage[0] if stage is not None else None))
    for (
        row,
        time,
        source,
        level,
        protocol,
        name,
        address,
        client,
        application,
        session,
        identity,
        method,
        attempts,
    ) in rows:
        yield Began(
            row=row, time=time, source=texts[source], refused=level == number, protocol=cast(Protocol, texts[protocol]), name=texts[name],
            address=addresses.of(address), client=texts.of(client), application=texts.of(application), session=session,
            identity=texts.of(identity), method=texts.of(method), attempts=attempts,
        )  # fmt: skip


def ended(base: sqlite3.Connection, after: int, until: int, *, by_time: bool) -> Iterator[Ended]:
    """The ends with numbers above `after`, up to `until`."""
    texts, addresses = _Names(base, "text"), _Names(base, "address")
    order = " ORDER BY e.time, e.id" if by_time else " ORDER BY e.id"
    for number, row, time, protocol, name, address, client, identity, session, bytes_out in base.execute(
        _ENDED + order, (after, until)
    ):
        yield Ended(
            number=number, row=row, time=time, protocol=cast(Protocol, texts[protocol]), name=texts[name], address=addresses.of(address),
            client=texts.of(client), identity=texts.of(identity), session=session, bytes_out=bytes_out,
        )  # fmt: skip


class _Names(dict[int, str]):
    """Texts or addresses by their numbers, read when they are first asked for."""

    def __init__(self, base: sqlite3.Connection, table: str) -> None:
        super().__init__()
        self._base, self._question = base, f"SELECT text FROM {table} WHERE id = ?"

    def __missing__(self, number: int) -> str:
        ((text,),) = self._base.execute(self._question, (number,)).fetchall()
        self[number] = text
        return str(text)

    def of(self, number: int | None) -> str | None:
        return self[number] if number is not None else None
