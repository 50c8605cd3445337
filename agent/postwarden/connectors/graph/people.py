"""The people of a tenant, found by any name that they have."""

from collections.abc import Iterable

from msgspec import Struct

from postwarden.errors import ConnectorError
from postwarden.formats.graph_json.people import Person, read_person
from postwarden.model.account import Account


class People(Struct, frozen=True, kw_only=True):
    """Users by id, and ids by name in lower case; None where several have the name."""

    by_id: dict[str, Person]
    by_name: dict[str, str | None]

    @property
    def population(self) -> int:
        """How many the tenant's own people are; guests are others'."""
        return sum(not person.guest for person in self.by_id.values())

    def find(self, account: Account, source: str) -> Person:
        """The user that an account is; raises ConnectorError where there is none, or more than one."""
        kind, _, identifier = account.key.partition(":")
        if kind == "graph":
            person = self.by_id.get(identifier)
            if person is None:
                raise _nobody(account.login)
            return person
        names = [account.names[source]] if source in account.names else [account.login, *account.addresses]
        known = [name.casefold() for name in names if name.casefold() in self.by_name]
        found = {self.by_name[name] for name in known}
        if None in found or len(found) > 1:
            raise ConnectorError(
                f"the tenant has several users by the names of {account.login}",
                "give the account the key graph:<id> or its user principal name in [accounts]",
                reason="refused",
            )
        for identifier_found in found:
            if identifier_found is not None:
                return self.by_id[identifier_found]
        raise _nobody(account.login)


def _nobody(login: str) -> ConnectorError:
    return ConnectorError(
        f"the tenant has no user {login}",
        "give the account its user principal name or address in [accounts], or leave it out of this source",
        reason="refused",
    )


def people(items: Iterable[bytes]) -> People:
    """From the users of a listing; raises JsonError where one is none."""
    by_id: dict[str, Person] = {}
    by_name: dict[str, str | None] = {}
    for raw in items:
        person = read_person(raw)
        by_id[person.id] = person
    for person in by_id.values():
        for name in {person.login.casefold(), *person.addresses}:
            by_name[name] = person.id if by_name.get(name, person.id) == person.id else None
    return People(by_id=by_id, by_name=by_name)
