"""Connections of one client that follow each other count as one visit: a client opens several, and polls."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from postwarden.access.clients import client_family
from postwarden.model.session import Session

#: Connections that begin within so many milliseconds of the last one belong to the same visit.
WITHIN = 10 * 60_000


class Visit(Struct, frozen=True, kw_only=True):
    """Sessions of one name from one address with one kind of client over one protocol, `begun` to `last` beginning."""

    name: str
    address: str | None
    family: str | None
    protocol: str
    begun: int
    last: int
    sessions: int


def visits(sessions: Iterable[Session], within: int = WITHIN) -> Iterator[Visit]:
    """The visits that sessions make, by their time; refused tries are none."""
    under_way: dict[tuple[str, str | None, str | None, str], Visit] = {}
    done: list[Visit] = []
    entered = (one for one in sessions if one.end != "refused")
    for one in sorted(entered, key=lambda one: one.time):
        key = (one.name, one.address, client_family(one.client), one.protocol)
        known = under_way.get(key)
        if known is not None and one.time - known.last <= within:
            begun, count = known.begun, known.sessions + 1
        else:
            if known is not None:
                done.append(known)
            begun, count = one.time, 1
        under_way[key] = Visit(
            name=one.name, address=one.address, family=key[2], protocol=one.protocol, begun=begun, last=one.time,
            sessions=count,
        )  # fmt: skip
    yield from sorted((*done, *under_way.values()), key=lambda visit: visit.begun)
