"""A page of what a cmdlet wrote, and how it writes people and lists."""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.model.encoding import encodable

#: A union is no type to type checkers.
_TEXT_OR_TEXTS: Any = str | list[str]


class Listing(Struct, frozen=True, kw_only=True):
    """The objects as they stand, and where the next page is had with the same body."""

    value: tuple[Raw, ...]
    next: str | None = msgspec.field(name="@odata.nextLink", default=None)


def read_listing(raw: bytes) -> Listing:
    """The page; raises JsonError where it is none."""
    return json_text.parse(raw, Listing)


def texts(value: str | list[str] | None) -> tuple[str, ...]:
    """A property that is one text or several."""
    if value is None:
        return ()
    return tuple(encodable(one) for one in ([value] if isinstance(value, str) else value) if one)


def texts_in(raw: bytes) -> tuple[str, ...]:
    """The same of a property as it stands in the answer; raises JsonError where it is neither."""
    return texts(json_text.item(raw, _TEXT_OR_TEXTS))


def recipient(text: str) -> tuple[str, bool]:
    """The address behind what a cmdlet calls somebody, and whether it is one; a directory's name is none.

    People are written `"Name" [SMTP:a@b.example]` or `"Name" [EX:/o=…]`, addresses alone also `smtp:a@b.example`.
    """
    written = text.strip()
    name, opened, inside = written.rpartition("[")
    kind, colon, address = inside.removesuffix("]").partition(":")
    if not (opened and colon and inside.endswith("]") and kind.isalnum()):
        alone = written[5:] if written[:5].upper() == "SMTP:" else written
        return alone, "@" in alone
    return address or name.strip().strip('"'), kind.upper() == "SMTP" and "@" in address
