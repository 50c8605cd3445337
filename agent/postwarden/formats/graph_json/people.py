"""Users of a tenant, with all the names that they are known by."""

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.model.account import Account
from postwarden.model.encoding import encodable

#: What is asked of each user.
FIELDS = "id,userPrincipalName,mail,displayName,accountEnabled,userType,proxyAddresses"


class Person(Struct, frozen=True, gc=False):
    """A user. `enabled` is whether they may log in; None where the tenant does not say."""

    id: str
    login: str
    addresses: tuple[str, ...]
    name: str
    enabled: bool | None
    guest: bool

    @property
    def account(self) -> Account:
        return Account(
            key=f"graph:{self.id}", login=self.login, addresses=self.addresses, display_name=self.name
        )


class _User(Struct, frozen=True, kw_only=True):
    id: str
    userPrincipalName: str | None = None  # noqa: N815 - Graph's names
    mail: str | None = None
    displayName: str | None = None  # noqa: N815
    accountEnabled: bool | None = None  # noqa: N815
    userType: str | None = None  # noqa: N815
    proxyAddresses: tuple[str, ...] | None = None  # noqa: N815


def read_person(raw: bytes) -> Person:
    """Raises JsonError where it is no user."""
    user = json_text.item(raw, _User)
    proxies = [one.partition(":") for one in user.proxyAddresses or ()]
    # The primary one stands in capitals: SMTP:a@b, smtp:c@b, SIP:…, X500:…
    mails = [rest for kind, _, rest in sorted(proxies) if kind.upper() == "SMTP"]
    addresses = (*([user.mail] if user.mail else []), *mails)
    return Person(
        id=encodable(user.id),
        login=encodable(user.userPrincipalName or user.mail or user.id),
        addresses=tuple(dict.fromkeys(encodable(one).lower() for one in addresses if "@" in one)),
        name=encodable(user.displayName or ""),
        enabled=user.accountEnabled,
        guest=(user.userType or "").casefold() == "guest",
    )
