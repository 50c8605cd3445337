"""Who owns the applications of a tenant: one request each, so that the answers are kept from sweep to sweep.

An owner that is added shows in the audit log, and the application is asked for again at once; one that is removed, or
that the log does not tell of, shows within a day, when all are asked for again (`listing.WHOLE`).
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from postwarden.connectors.graph import requests
from postwarden.connectors.graph.listing import WHOLE
from postwarden.connectors.rest import batch
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.errors import ConnectorError
from postwarden.formats.graph_json.answer import read_listing

_PLACE = "owners"


class Kept(Struct):
    """The answers by object id, when all of them were asked for, and the additions of owners that they have."""

    origin: str
    answers: dict[str, bytes]
    whole: datetime
    additions: frozenset[str]


def owners(
    session: Session,
    wanted: Collection[tuple[str, str]],
    additions: dict[str, str],
    *,
    patience: Patience,
    memory: dict[str, Any],
    clock: Callable[[], datetime],
) -> dict[str, tuple[bytes, ...]]:
    """The owners of each wanted (`servicePrincipals` or `applications`, object id), as Graph lists them, by that id.

    `additions` are the audits that say that an owner was added: their ids, each with the object id that it is about.
    Raises ConnectorError where not all could be read.
    """
    kept, origin, now = memory.get(_PLACE), session.url(""), clock()
    if not (isinstance(kept, Kept) and kept.origin == origin and timedelta() <= now - kept.whole < WHOLE):
        kept = Kept(origin=origin, answers={}, whole=now, additions=frozenset(additions))
    stale = {about for audit, about in additions.items() if audit not in kept.additions}
    answers = {one: kept.answers[one] for _, one in wanted if one in kept.answers and one not in stale}
    missing = [one for one in wanted if one[1] not in answers]
    asked = batch.ask(session, [requests.owners(*one) for one in missing], patience=patience)
    for (_, identifier), answer in zip(missing, asked, strict=True):
        if isinstance(answer, ConnectorError):
            raise answer
        answers[identifier] = answer
    found = {identifier: _listed(identifier, answer) for identifier, answer in answers.items()}
    memory[_PLACE] = Kept(origin=origin, answers=answers, whole=kept.whole, additions=frozenset(additions))
    return found


def _listed(identifier: str, answer: bytes) -> tuple[bytes, ...]:
    listing = read_listing(answer)
    if listing.next is not None:
        raise ConnectorError(
            f"the owners of {identifier} are more than one answer has",
            "look at the application: so many owners are not normal",
            reason="malformed",
        )
    return tuple(map(bytes, listing.value))
