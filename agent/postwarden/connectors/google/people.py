"""The people of a domain, found by any address that they have."""

from collections.abc import Iterable

from msgspec import Struct

from postwarden.errors import ConnectorError
from postwarden.formats.google_json.people import Person, read_person
from postwarden.model.account import Account


class People(Struct, frozen=True, kw_only=True):
    """Users by id and by address; Google gives no address twice."""

    by_id: dict[str, Person]
    by_address: dict[str, Person]

    @property
    def population(self) -> int:
        return len(self.by_id)

    def find(self, account: Account, source: str) -> Person:
        """The user that an account is; raises ConnectorError where there is none, or more than one."""
        kind, _, identifier = account.key.partition(":")
        names = [account.names[source]] if source in account.names else [account.login, *account.addresses]
        found = {one.id: one for name in names if (one := self.by_address.get(name.casefold())) is not None}
        if kind == "google":
            found = {identifier: self.by_id[identifier]} if identifier in self.by_id else {}
        if len(found) == 1:
            return next(iter(found.values()))
        many = "several users by the names of" if found else "no user"
        raise ConnectorError(
            f"the domain has {many} {account.login}",
            "give the account its primary address in [accounts], or leave it out of this source",
            reason="refused",
        )


def people(items: Iterable[bytes]) -> People:
    """From the users of a listing; raises JsonError where one is none."""
    by_id = {person.id: person for person in map(read_person, items)}
    by_address = {address: person for person in by_id.values() for address in person.addresses}
    return People(by_id=by_id, by_address=by_address)
