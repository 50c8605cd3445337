"""Which sessions in a log were ours: each is matched to one that we recorded, one to one."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from postwarden.model.reading import OwnSession
from postwarden.model.session import Session

#: Milliseconds between our record of a session and the log's: the log's line comes when the log-in has ended, and clocks
#: of two hosts differ. With address and port, and without.
STRONG, WEAK = 60_000, 10_000

#: `exact` by identity, address and port; `weak` by account and time only, where the log lacks the port or has another address.
Strength = Literal["exact", "weak"]


class Matched(Struct, frozen=True, kw_only=True):
    """What became of the log's sessions of our identity: rows of those that are ours, and those that nothing explains."""

    explained: dict[int, Strength]
    unexplained: tuple[Session, ...]


def match(recorded: Iterable[OwnSession], seen: Sequence[Session]) -> Matched:
    """Matches the sessions of one account at one source's servers; each record explains one session at most."""
    records = sorted(recorded, key=_ms)
    times = [_ms(one) for one in records]
    used: set[int] = set()
    explained: dict[int, Strength] = {}
    kinds: tuple[tuple[Strength, int], ...] = (("exact", STRONG), ("weak", WEAK))
    for strength, apart in kinds:
        for session in seen:
            if session.row in explained:
                continue
            time = session.time
            near = [
                (abs(times[index] - time), index)
                for index in range(bisect_left(times, time - apart), bisect_right(times, time + apart))
                if index not in used and _explains(records[index], session, strength)
            ]
            if near:
                used.add(min(near)[1])
                explained[session.row] = strength
    return Matched(explained=explained, unexplained=tuple(one for one in seen if one.row not in explained))


def _explains(record: OwnSession, session: Session, strength: Strength) -> bool:
    if record.protocol != session.protocol:
        return False
    if strength == "exact":
        there = session.peer or session.address, session.port
        return there == (record.local_address, record.local_port)
    # From our own address another port is another session; behind NAT or a proxy neither is what we know.
    return session.port is None or (session.peer or session.address) != record.local_address


def _ms(one: OwnSession) -> int:
    return int(one.opened.timestamp() * 1000)
