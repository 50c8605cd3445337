"""Since when an application is there, as far as anybody tells."""

from datetime import datetime

from msgspec import Struct

from postwarden.model.application import Dated, DateOrigin, FirstSeen
from postwarden.model.evidence import Grant


class Age(Struct, frozen=True, kw_only=True):
    """Whole days, and who says so; with `at_least` it may be any number more."""

    days: int
    origin: DateOrigin
    at_least: bool = False


def age_of(grant: Grant, first_seen: FirstSeen | None) -> Age | None:
    """Since when: the consent's date, else the application's, else our first sight of it.

    What was there when we first looked may be far older than our first sight: that is a least age, never a youth.
    """
    dated: Dated | None = grant.granted or grant.application.created
    if dated is not None:
        return Age(days=days(dated.time, grant.observed), origin=dated.origin)
    if first_seen is not None:
        seen = days(first_seen.time, grant.observed)
        return Age(days=seen, origin="first_seen", at_least=first_seen.initial)
    return None


def days(since: datetime, now: datetime) -> int:
    """Whole days from one to the other, 0 where a clock is ahead."""
    return max(0, (now - since).days)
