"""What people let in, put together from the events of Google's token log, and what an administrator did for all."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from postwarden.formats.google_json.activities import (
    AUTHORIZE,
    DOMAIN_AUTHORIZE,
    DOMAIN_REMOVE,
    REVOKE,
    Event,
)
from postwarden.model.application import Dated


class Consent(Struct, frozen=True, kw_only=True):
    """An application that is let in. `granted` is the last time that it was given anything."""

    client: str
    name: str
    scopes: tuple[str, ...]
    granted: Dated | None
    granted_by: str
    raw: bytes
    used: Dated | None = None


#: By whom (a user's id, or an address in lower case where the log has no id) and by the client's id.
Consents = dict[str, dict[str, Consent]]


def by_person(events: Iterable[tuple[Event, bytes]]) -> Consents:
    """The consents that are left after all events, which may come in any order."""
    found: Consents = {}
    for event, raw in sorted(events, key=lambda one: (one[0].happened, one[0].name)):
        mine = found.setdefault(event.person or event.author, {})
        _apply(mine, event, raw, added=AUTHORIZE, removed=REVOKE)
    return found


def domain_wide(events: Iterable[tuple[Event, bytes]]) -> dict[str, Consent]:
    """The clients that may act for everybody, by their ids."""
    found: dict[str, Consent] = {}
    for event, raw in sorted(events, key=lambda one: (one[0].happened, one[0].name)):
        if event.name == DOMAIN_AUTHORIZE:
            # What is authorised anew takes the place of what was there.
            found.pop(event.client, None)
        _apply(found, event, raw, added=DOMAIN_AUTHORIZE, removed=DOMAIN_REMOVE)
    return found


def _apply(mine: dict[str, Consent], event: Event, raw: bytes, *, added: str, removed: str) -> None:
    before = mine.get(event.client)
    if event.name == added:
        scopes = (*(before.scopes if before else ()), *event.scopes)
        mine[event.client] = Consent(
            client=event.client,
            name=event.client_name or (before.name if before else ""),
            scopes=tuple(dict.fromkeys(scopes)),
            granted=event.dated,
            granted_by=event.author,
            raw=raw,
        )
    elif event.name == removed and before is not None:
        # A revocation that names no scope is of all of them.
        left = tuple(one for one in before.scopes if event.scopes and one not in event.scopes)
        if left:
            mine[event.client] = Consent(
                client=before.client,
                name=before.name,
                scopes=left,
                granted=before.granted,
                granted_by=before.granted_by,
                raw=before.raw,
            )
        else:
            del mine[event.client]


def last_uses(events: Iterable[Event]) -> dict[tuple[str, str], tuple[datetime, str]]:
    """When each client was last at work for each person, and what it is called."""
    found: dict[tuple[str, str], tuple[datetime, str]] = {}
    for event in events:
        key = event.person or event.author, event.client
        if key not in found or found[key][0] < event.happened:
            found[key] = event.happened, event.client_name
    return found
