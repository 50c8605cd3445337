"""What an answer of Google's interfaces is: a page of a listing, or an error."""

import re

from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.formats.json_text import JsonError

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class Listing(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of users or of activities, and the token of the next one."""

    users: tuple[Raw, ...] = ()
    items: tuple[Raw, ...] = ()
    next_page_token: str | None = None

    @property
    def entries(self) -> tuple[Raw, ...]:
        return self.users or self.items


class _One(Struct, frozen=True, kw_only=True):
    reason: str | None = None


class _Error(Struct, frozen=True, kw_only=True):
    status: str | None = None
    errors: tuple[_One, ...] | None = None


class _Refusal(Struct, frozen=True, kw_only=True):
    error: _Error


def read_listing(raw: bytes) -> Listing:
    """The page; raises JsonError where it is none."""
    return json_text.parse(raw, Listing)


def reasons(raw: bytes) -> tuple[str, ...]:
    """Google's words for what is wrong; none where the answer is no error of Google's."""
    try:
        error = json_text.parse(raw, _Refusal).error
    except JsonError:
        return ()
    told = [one.reason for one in error.errors or ()] + [error.status]
    return tuple(one for one in told if one and _WORD.fullmatch(one))
