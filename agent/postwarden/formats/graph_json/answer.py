"""What an answer of Graph is: a page of a listing, one thing, or an error."""

import re
from urllib.parse import unquote

import msgspec
from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.formats.json_text import JsonError

_USER = re.compile(r"#users\('([^']*)'\)/")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")


class Listing(Struct, frozen=True, kw_only=True):
    """A page: its items as they stand, and where the listing goes on, or what has changed since can be asked."""

    value: tuple[Raw, ...]
    next: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class _Error(Struct, frozen=True, kw_only=True):
    code: str = ""


class _Refusal(Struct, frozen=True, kw_only=True):
    error: _Error


class _Removed(Struct, frozen=True, kw_only=True):
    id: str
    removed: Raw = msgspec.field(name="@removed", default=Raw(b"null"))


class _Context(Struct, frozen=True, kw_only=True):
    context: str = msgspec.field(name="@odata.context", default="")


def read_listing(raw: bytes) -> Listing:
    """The page; raises JsonError where it is none."""
    return json_text.parse(raw, Listing)


def removed_id(item: bytes) -> tuple[str, bool]:
    """The id of an item in an answer about changes, and whether it is there no more; raises JsonError."""
    found = json_text.item(item, _Removed)
    return found.id, bytes(found.removed) != b"null"


def ensure_about(raw: bytes, user: str) -> None:
    """Raises JsonError where an answer says that it is about somebody else than the user with this id."""
    context = json_text.parse(raw, _Context).context
    named = _USER.search(unquote(context))
    if named is not None and named[1].casefold() != user.casefold():
        raise JsonError("the answer is about another user than the one that was asked for")


def error_code(raw: bytes) -> str:
    """Graph's word for what is wrong; empty where the answer is no error of Graph's."""
    try:
        error = json_text.parse(raw, _Refusal).error
    except JsonError:
        return ""
    found = _WORD.fullmatch(error.code)
    return found[0] if found else ""
