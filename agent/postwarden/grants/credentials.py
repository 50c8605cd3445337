"""Keys and owners of an application: which are good now, and which were added lately."""

from datetime import datetime, timedelta

from msgspec import Struct

from postwarden.grants.weights import Limits
from postwarden.model.application import Application, Credential, Owner


class Keys(Struct, frozen=True, kw_only=True):
    """`living` can be used now or later; `added` are young and replace none; `rotated` are young and do.

    `owners_added` are owners since a short time.
    """

    living: tuple[Credential, ...]
    added: tuple[Credential, ...]
    rotated: tuple[Credential, ...]
    owners_added: tuple[Owner, ...]


def keys(application: Application, now: datetime, limits: Limits) -> Keys:
    """What an application can log in with by itself, and who may change that."""
    living = tuple(one for one in application.credentials if one.ends is None or one.ends > now)
    young = [one for one in living if _is_young(began(one), now, limits)]
    rotated = [one for one in young if _replaces(one, application.credentials, now, limits)]
    return Keys(
        living=living,
        added=tuple(one for one in young if one not in rotated),
        rotated=tuple(rotated),
        owners_added=tuple(
            owner
            for owner in application.owners
            if owner.added is not None and _is_young(owner.added.time, now, limits)
        ),
    )


def began(credential: Credential) -> datetime | None:
    """When it was added, or else when it began to be good, which who adds it may choose."""
    return credential.added.time if credential.added is not None else credential.starts


def _is_young(began_at: datetime | None, now: datetime, limits: Limits) -> bool:
    return began_at is not None and now - began_at <= timedelta(days=limits.young_days)


def _replaces(new: Credential, all_of: tuple[Credential, ...], now: datetime, limits: Limits) -> bool:
    """Whether an older one of the same type ends, or has ended, about when this one began."""
    start, near = began(new), timedelta(days=limits.rotation_days)
    return start is not None and any(
        one.type == new.type
        and one.ends is not None
        and abs(one.ends - start) <= near
        and not _is_young(began(one), now, limits)
        for one in all_of
        if one is not new and began(one) is not None
    )
