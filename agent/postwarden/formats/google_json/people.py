"""Users of a Google domain, with all the addresses that they have."""

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.model.account import Account
from postwarden.model.encoding import encodable


class Person(Struct, frozen=True, gc=False):
    """A user; `enabled` is whether they may log in, `has_mail` whether they have a mailbox of Gmail."""

    id: str
    address: str
    addresses: tuple[str, ...]
    name: str
    enabled: bool
    has_mail: bool

    @property
    def account(self) -> Account:
        return Account(
            key=f"google:{self.id}", login=self.address, addresses=self.addresses, display_name=self.name
        )


class _Name(Struct, frozen=True, kw_only=True, rename="camel"):
    full_name: str | None = None


class _User(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    primary_email: str
    name: _Name | None = None
    aliases: tuple[str, ...] | None = None
    non_editable_aliases: tuple[str, ...] | None = None
    suspended: bool | None = None
    archived: bool | None = None
    is_mailbox_setup: bool | None = None


def read_person(raw: bytes) -> Person:
    """Raises JsonError where it is no user."""
    user = json_text.item(raw, _User)
    told = (user.primary_email, *(user.aliases or ()), *(user.non_editable_aliases or ()))
    addresses = tuple(dict.fromkeys(encodable(one).lower() for one in told if "@" in one))
    return Person(
        id=encodable(user.id),
        address=encodable(user.primary_email).lower(),
        addresses=addresses,
        name=encodable((user.name.full_name if user.name else None) or ""),
        enabled=not (user.suspended or user.archived),
        has_mail=user.is_mailbox_setup is not False,
    )
