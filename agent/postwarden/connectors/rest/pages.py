"""Listings that come in pages: read to their end, or not taken at all."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Raw, Struct

from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.errors import ConnectorError

#: More of one listing is taken for a server's mistake.
MAX_PAGES, MAX_ITEMS = 5_000, 2_000_000
#: Bytes of all pages of one listing: 1 GiB.
MAX_LISTING = 1024 * 1024 * 1024


class Page(Struct, frozen=True, kw_only=True):
    """The items of one page as they stand, and the links that the server gave: on, and to what changes later."""

    items: tuple[Raw, ...]
    next: str | None = None
    delta: str | None = None


#: What an answer has of a listing; raises ConnectorError where it is no page of one.
ReadPage = Callable[[bytes], Page]


def pages(
    session: Session,
    address: str,
    read: ReadPage,
    *,
    patience: Patience,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Page]:
    """Every page from `address` on, each asked for in the same way.

    Raises ConnectorError where one cannot be read, or a link leads elsewhere.

    Whoever takes the pages must not use them before the last one has come.
    """
    path = address.removeprefix(session.allowed.origin).partition("?")[0]
    seen: set[str] = set()
    count, size = 0, 0
    here: str | None = address
    while here is not None:
        seen.add(here)
        raw = session.send(method, here, patience=patience, body=body, headers=headers)
        size += len(raw)
        if size > MAX_LISTING:
            raise ConnectorError(
                f"the listing of {path} has more than {MAX_LISTING} bytes on its first {len(seen)} pages",
                "look at the server: such a listing is not normal",
                reason="malformed",
            )
        page = read(raw)
        count += len(page.items)
        for link in (page.next, page.delta):
            if link is not None and not session.allowed.same_family(link, path):
                raise ConnectorError(
                    f"the listing of {path} goes on elsewhere, where our token must not go",
                    "look at the server, or at the proxy before it: this is not normal",
                    reason="malformed",
                )
        if page.next in seen:
            raise ConnectorError(
                f"the listing of {path} goes in a circle", "look at the server", reason="malformed"
            )
        if len(seen) >= MAX_PAGES or count > MAX_ITEMS:
            raise ConnectorError(
                f"the listing of {path} has no end: {count} items on {len(seen)} pages",
                "look at the server",
                reason="malformed",
            )
        yield page
        here = page.next
