"""Tokens and app passwords of one user, as the Directory lists them (its only right for that could write)."""

from datetime import UTC, datetime

from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.model.application import Dated

#: Seconds have not so many digits before the year 5138.
_SECONDS = 99_999_999_999


class Token(Struct, frozen=True, kw_only=True, rename="camel"):
    """An application that the user has let in; Google does not say when."""

    client_id: str
    display_text: str | None = None
    scopes: tuple[str, ...] | None = None


class AppPassword(Struct, frozen=True, kw_only=True, rename="camel"):
    """A password for one program, without a second factor; times are since 1970, 0 for never."""

    code_id: int
    name: str | None = None
    creation_time: str | int | None = None
    last_time_used: str | int | None = None

    @property
    def created(self) -> Dated | None:
        return _dated(self.creation_time)

    @property
    def used(self) -> Dated | None:
        return _dated(self.last_time_used)


class _Listing(Struct, frozen=True, kw_only=True, rename="camel"):
    items: tuple[Raw, ...] = ()


def read_tokens(raw: bytes) -> tuple[tuple[Token, bytes], ...]:
    """Each with what was read of it; raises JsonError."""
    return tuple((json_text.item(one, Token), bytes(one)) for one in json_text.parse(raw, _Listing).items)


def read_app_passwords(raw: bytes) -> tuple[tuple[AppPassword, bytes], ...]:
    """Each with what was read of it; raises JsonError."""
    return tuple(
        (json_text.item(one, AppPassword), bytes(one)) for one in json_text.parse(raw, _Listing).items
    )


def _dated(told: str | int | None) -> Dated | None:
    try:
        number = int(told or 0)
        # "Unix time format", says the documentation; answers have been seen in seconds and in milliseconds.
        moment = datetime.fromtimestamp(number / 1000 if number > _SECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Dated(time=moment, origin="api") if moment.year > 1970 else None
