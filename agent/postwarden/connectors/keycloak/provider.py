"""What an OpenID provider can be asked: who is there, which clients, and what they were allowed.

`realm.py` asks Keycloak. For another provider: a class with these methods, and a kind that opens `source.py` with it.
"""

from collections.abc import Iterator
from typing import Protocol

from postwarden.formats.keycloak_json import Client, Consent, OfflineSession, Person


class Provider(Protocol):
    """One realm of people and clients; every method raises ConnectorError where it cannot be read to its end."""

    def people(self) -> Iterator[Person]: ...

    def clients(self) -> Iterator[Client]: ...

    def consents(self, person: Person) -> Iterator[Consent]: ...

    def offline_sessions(self, client: Client) -> Iterator[OfflineSession]: ...

    def roles(self) -> frozenset[str] | None:
        """What we may do there ourselves, in the provider's words; None where it does not tell."""
        ...
