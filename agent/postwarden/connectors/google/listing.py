"""Listings of Google's interfaces, whose pages have tokens that make their addresses."""

from collections.abc import Iterator, Mapping

from postwarden.connectors.rest.pages import Page, pages
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.formats.google_json.answer import read_listing


def items(session: Session, path: str, query: Mapping[str, str], *, patience: Patience) -> Iterator[bytes]:
    """The items of a listing as they stand; raises ConnectorError, after any number of them."""

    def read(raw: bytes) -> Page:
        found = read_listing(raw)
        on = None
        if found.next_page_token:
            on = session.url(path, {**query, "pageToken": found.next_page_token})
        return Page(items=found.entries, next=on)

    for page in pages(session, session.url(path, query), read, patience=patience):
        for one in page.items:
            yield bytes(one)
