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


class _User(Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    user_principal_name: str | None = None
    mail: str | None = None
    display_name: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    proxy_addresses: tuple[str, ...] | None = None


def read_person(raw: bytes) -> Person:
    """Raises JsonError where it is no user."""
    user = json_text.item(raw, _User)
    proxies = [one.partition(":") for one in user.proxy_addresses or ()]
    # The primary one stands in capitals: SMTP:a@b, smtp:c@b, SIP:…, X500:…
    mails = [rest for kind, _, rest in sorted(proxies) if kind.upper() == "SMTP"]
    addresses = (*([user.mail] if user.mail else []), *mails)
    return Person(
        id=encodable(user.id),
        login=encodable(user.user_principal_name or user.mail or user.id),
        addresses=tuple(dict.fromkeys(encodable(one).lower() for one in addresses if "@" in one)),
        name=encodable(user.display_name or ""),
        enabled=user.account_enabled,
        guest=(user.user_type or "").casefold() == "guest",
    )
