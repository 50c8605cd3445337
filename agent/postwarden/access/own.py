"""Which sessions in a log were ours: each is matched to one that we recorded, one to one."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from postwarden.model.reading import OwnSession
from postwarden.model.session import Session

#: Milliseconds between our record of a session and the log's: the log's line comes when the log-in has ended, and clocks
#: of two hosts differ. With address and port, and without.
STRONG, WEAK = 60_000, 10_000

#: `exact` by identity, address and port; `weak` by account and time only, where the log lacks the port or the address.
Strength = Literal["exact", "weak"]


class Matched(Struct, frozen=True, kw_only=True):
    """What became of the log's sessions of our identity: rows of those that are ours, and those that nothing explains."""

    explained: dict[int, Strength]
    unexplained: tuple[Session, ...]


def match(recorded: Iterable[OwnSession], seen: Sequence[Session]) -> Matched:
    """Matches the sessions of one account at one source's servers; each record explains one session at most."""
    free = sorted(((_ms(one), one) for one in recorded), key=lambda pair: pair[0])
    explained: dict[int, Strength] = {}
    for strength in ("exact", "weak"):
        for session in seen:
            if session.row in explained:
                continue
            near = [pair for pair in free if _explains(pair, session, strength)]
            if near:
                best = min(near, key=lambda pair: abs(pair[0] - session.time))
                free.remove(best)
                explained[session.row] = strength
    return Matched(explained=explained, unexplained=tuple(one for one in seen if one.row not in explained))


def _explains(pair: tuple[int, OwnSession], session: Session, strength: Strength) -> bool:
    opened, record = pair
    apart = abs(opened - session.time)
    if record.protocol != session.protocol:
        return False
    if strength == "exact":
        return (
            apart <= STRONG
            and session.port is not None
            and (session.peer or session.address, session.port) == (record.local_address, record.local_port)
        )
    # Where the log has the port, another port is another session.
    return apart <= WEAK and session.port is None


def _ms(one: OwnSession) -> int:
    return int(one.opened.timestamp() * 1000)
