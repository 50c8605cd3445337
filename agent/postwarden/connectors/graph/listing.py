"""Listings of a tenant that are kept from one sweep to the next: what changed is asked for, and all once a day."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct

from postwarden.connectors.graph.refusals import Resync
from postwarden.connectors.rest.pages import Page, pages
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.errors import ConnectorError
from postwarden.formats import json_text
from postwarden.formats.graph_json.answer import read_listing, removed_id
from postwarden.formats.json_text import JsonError

#: A listing is asked for whole at least this often.
WHOLE = timedelta(days=1)


class Kept(Struct):
    """The items of a listing as they stand, by id; when it was read whole, and where changes are asked for."""

    origin: str
    items: dict[str, bytes]
    whole: datetime
    link: str


def read_page(raw: bytes) -> Page:
    """A page of a listing of Graph."""
    found = read_listing(raw)
    return Page(items=found.value, next=found.next, delta=found.delta)


def items(session: Session, path: str, query: Mapping[str, str], *, patience: Patience) -> Iterator[bytes]:
    """The items of a listing as they stand, once each; raises ConnectorError, after any number of them."""
    seen: set[str] = set()
    for page in pages(session, session.url(path, query), read_page, patience=patience):
        for one in page.items:
            raw = bytes(one)
            identifier, _ = removed_id(raw)
            # What moves while it is listed may come twice.
            if identifier not in seen:
                seen.add(identifier)
                yield raw


def with_changes(
    session: Session,
    path: str,
    query: Mapping[str, str],
    *,
    patience: Patience,
    memory: dict[str, Any],
    clock: Callable[[], datetime],
) -> dict[str, bytes]:
    """The items of a listing by id; of one that `memory` has, only what changed since is asked for."""
    kept = memory.get(path)
    origin = session.url(path)
    now = clock()
    if isinstance(kept, Kept) and kept.origin == origin and timedelta() <= now - kept.whole < WHOLE:
        try:
            _follow(kept, session, path, patience)
        except (Resync, JsonError):
            # What cannot be followed is read whole.
            del memory[path]
        except ConnectorError:
            # How far it came is not known.
            del memory[path]
            raise
        else:
            return kept.items
    found: dict[str, bytes] = {}
    link = None
    for page in pages(session, session.url(path, query), read_page, patience=patience):
        link = page.delta
        for one in page.items:
            raw = bytes(one)
            identifier, removed = removed_id(raw)
            if removed:
                found.pop(identifier, None)
            else:
                found[identifier] = raw
    if link is None:
        # Its last page always has the link: a page without any is not the last one.
        raise JsonError("the listing breaks off: its last page does not say where to ask for changes")
    memory[path] = Kept(origin=origin, items=found, whole=now, link=link)
    return found


def _follow(kept: Kept, session: Session, path: str, patience: Patience) -> None:
    """Brings the kept items up to date, once all that changed is known."""
    link = None
    changes: list[bytes] = []
    if not session.allowed.same_family(kept.link, session.url(path).removeprefix(session.allowed.origin)):
        raise JsonError("the link to what changed leads elsewhere")
    for page in pages(session, kept.link, read_page, patience=patience):
        link = page.delta
        changes += map(bytes, page.items)
    if link is None:
        raise JsonError("the answer does not say where to ask for the next changes")
    # The items before may still be in use: a sweep that is not at its end goes on with what it has.
    found = dict(kept.items) if changes else kept.items
    for raw in changes:
        identifier, removed = removed_id(raw)
        if removed:
            found.pop(identifier, None)
        else:
            found[identifier] = _merged(found.get(identifier), raw)
    kept.items, kept.link = found, link


def _merged(old: bytes | None, new: bytes) -> bytes:
    """An item as it is now: of one that changed, Graph may tell only what changed."""
    if old is None:
        return new
    told = json_text.item(old, dict[str, Raw]) | json_text.item(new, dict[str, Raw])
    return msgspec.json.encode(told)
