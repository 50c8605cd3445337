"""What is known of an application that can reach an account's mail, whoever tells it."""

from typing import Literal

from msgspec import Struct

from postwarden.model.moment import Moment, require_utc

#: Where a date is from: the source's own field, its audit log, or our own records (never before we first looked).
DateOrigin = Literal["api", "audit_log", "first_seen"]


class Dated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time, and who says so."""

    time: Moment
    origin: DateOrigin

    def __post_init__(self) -> None:
        require_utc(self.time)


class FirstSeen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When we first saw something. `initial`: at our first look, so that it may have been there long before."""

    time: Moment
    initial: bool

    def __post_init__(self) -> None:
        require_utc(self.time)


class Credential(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something an application can log in with by itself: never its value, only that it is there.

    `starts` and `ends` are when it is good for; `added` and `added_by` when and by whom it came, where that is
    told.
    """

    type: Literal["secret", "certificate", "other"]
    id: str
    name: str = ""
    starts: Moment | None = None
    ends: Moment | None = None
    added: Dated | None = None
    added_by: str | None = None

    def __post_init__(self) -> None:
        require_utc(self.starts, self.ends)


class Owner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may change an application here; `added` is when that began, where it is told."""

    name: str
    added: Dated | None = None
    added_by: str | None = None


class Application(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application as a source knows it. None and empty mean that the source does not say.

    `id` is its client id, the same everywhere; `home_tenant` the tenant that it is registered in, and `own`
    whether that is the organisation itself; `publisher_verified` whether the provider checked who publishes it;
    `enabled` whether it may be used here, and `disabled_by_provider` the provider's word where it switched it off.
    """

    id: str
    name: str = ""
    publisher: str = ""
    publisher_verified: bool | None = None
    home_tenant: str | None = None
    own: bool | None = None
    reply_urls: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    owners: tuple[Owner, ...] = ()
    created: Dated | None = None
    enabled: bool | None = None
    disabled_by_provider: str | None = None
