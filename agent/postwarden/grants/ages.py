"""Since when an application is there, as far as anybody tells."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from postwarden.model.application import Dated, DateOrigin, FirstSeen
from postwarden.model.evidence import Grant


class Age(Struct, frozen=True, kw_only=True):
    """Whole days, and who says so; with `at_least` it may be any number more.

    `consent`: counted from a consent, so that the application itself may be older. `again` is how many days ago it was
    let in once more, with all that it had.
    """

    days: int
    origin: DateOrigin
    at_least: bool = False
    consent: bool = False
    again: int | None = None


def age_of(grant: Grant, first_seen: FirstSeen | None, young: int) -> Age | None:
    """Since when: the consent's date, else the application's, else our first sight of it.

    What was there when we first looked may be far older than our first sight: that is a least age, never a youth. Nor
    is a consent a youth that gives what we saw there more than `young` days before; of Google's we do not see whether
    it was taken away in between, so there the last consent counts.
    """
    dated: Dated | None = grant.granted or grant.application.created
    seen = None
    if first_seen is not None:
        since = days(first_seen.time, grant.observed)
        seen = Age(days=since, origin="first_seen", at_least=first_seen.initial)
    if dated is None:
        return seen
    told = Age(days=days(dated.time, grant.observed), origin=dated.origin, consent=dated is grant.granted)
    long = seen is not None and seen.days > max(told.days, young)
    if seen is not None and long and told.consent and grant.provider != "google":
        return replace(seen, again=told.days)
    return told


def days(since: datetime, now: datetime) -> int:
    """Whole days from one to the other, 0 where a clock is ahead."""
    return max(0, (now - since).days)
