"""A page of what a cmdlet wrote, and how it writes people and lists."""

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.model.encoding import encodable

#: `"Name" [SMTP:a@b.example]`, `"Name" [EX:/o=…]`.
_RECIPIENT = re.compile(r'^\s*"?(?P<name>[^"]*)"?\s*\[(?P<kind>[A-Za-z0-9]+):(?P<address>[^\]]*)\]\s*$')

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
    """The address behind what a cmdlet calls somebody, and whether it is one; a directory's name is none."""
    found = _RECIPIENT.match(text)
    if found is None:
        return text.removeprefix("smtp:"), "@" in text
    kind, address = found["kind"].upper(), found["address"]
    return address or found["name"], kind == "SMTP" and "@" in address
