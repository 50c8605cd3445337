"""Accounts and the directory that lists them."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from msgspec import Struct

from postwarden.errors import ConfigError


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mailbox and its owner.

    `key` is permanent and prefixed (`login:`, `guid:`, `graph:`, `google:`); `login` is the name that mail
    servers know it by; `addresses` are its own, lower case, the primary first; `names` are other names by
    source name; `sources` names those that have this account, none where all do.
    """

    key: str
    login: str
    addresses: tuple[str, ...] = ()
    display_name: str = ""
    names: dict[str, str] = {}
    sources: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The primary address, or the login where no address is known."""
        return self.addresses[0] if self.addresses else self.login

    def login_at(self, source: str) -> str:
        """The name that the named source knows this account by."""
        return self.names.get(source, self.login)

    def is_at(self, source: str) -> bool:
        """Whether the named source has this account."""
        return not self.sources or source in self.sources


@runtime_checkable
class AccountDirectory(Protocol):
    """A place that knows which accounts exist."""

    def accounts(self) -> Iterable[Account]:
        """Every account, in a stable order.

        Raises ConfigError where the list itself is wrong, ConnectorError where it cannot be read.
        """
        ...


def login_key(login: str) -> str:
    """The key of an account that only a configured login identifies; case is folded."""
    return "login:" + login.casefold()


def find(accounts: tuple[Account, ...], name: str) -> Account | None:
    """The account that `name` (key, login, address or a source's name) belongs to, or None.

    Raises ConfigError where the name belongs to more than one.
    """
    wanted = name.strip().casefold()
    found = [
        account
        for account in accounts
        if wanted
        in {
            account.key.casefold(),
            account.login.casefold(),
            *(address.casefold() for address in account.addresses),
            *(known.casefold() for known in account.names.values()),
        }
    ]
    if len(found) > 1:
        keys = ", ".join(account.key for account in found)
        raise ConfigError(f"account {name!r} is ambiguous: {keys}", "name it by its key", key="accounts")
    return found[0] if found else None
