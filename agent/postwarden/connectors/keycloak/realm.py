"""One realm of Keycloak, asked over its admin interface."""

import base64
import binascii
from collections.abc import Callable, Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from postwarden.connectors.keycloak.requests import PAGE
from postwarden.connectors.rest.allowed import Row
from postwarden.connectors.rest.patience import Busy, Patience, TokenEnded, retry_after
from postwarden.connectors.rest.session import Answer, Judge, Session
from postwarden.connectors.rest.tokens import Tokens
from postwarden.errors import ConnectorError
from postwarden.formats import keycloak_json
from postwarden.formats.keycloak_json import Client, Consent, OfflineSession, Person

#: More of one listing is taken for a server's mistake.
MAX_PAGES = 2_000
#: Times that a listing which moves is begun again.
_ATTEMPTS = 3


class _Roles(Struct, frozen=True, kw_only=True):
    roles: frozenset[str] = frozenset()


class _Claims(Struct, frozen=True, kw_only=True):
    resource_access: dict[str, _Roles] | None = None


class Realm:
    """A Provider; several threads may ask it."""

    def __init__(self, session: Session, tokens: Tokens) -> None:
        self._session, self._tokens = session, tokens

    def people(self) -> Iterator[Person]:
        return map(keycloak_json.read_person, self._pages("/users"))

    def clients(self) -> Iterator[Client]:
        return map(keycloak_json.read_client, self._pages("/clients"))

    def consents(self, person: Person) -> Iterator[Consent]:
        raw = self._session.get(f"/users/{person.id}/consents", patience=Patience(self._session.pause))
        return map(keycloak_json.read_consent, keycloak_json.read_entries(raw))

    def offline_sessions(self, client: Client) -> Iterator[OfflineSession]:
        return map(keycloak_json.read_session, self._pages(f"/clients/{client.id}/offline-sessions"))

    def roles(self) -> frozenset[str] | None:
        """The roles of the client `realm-management` that our token has; None where it does not say."""
        token = Patience(self._session.pause).ask(self._tokens.current, lambda: None)
        parts = token.reveal().split(".")
        try:
            raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            claims = msgspec.json.decode(raw, type=_Claims)
        except (IndexError, binascii.Error, ValueError, msgspec.DecodeError):
            return None
        if claims.resource_access is None:
            return None
        return claims.resource_access.get("realm-management", _Roles()).roles

    def _pages(self, path: str) -> Iterator[bytes]:
        """The entries of a listing; it is asked for by number, so each page begins with the last entry known.

        Where that has moved, an entry may have been skipped, and all is listed again. Raises ConnectorError where
        it never stands still, or has no end.
        """
        for _ in range(_ATTEMPTS):
            found = self._listed(path)
            if found is not None:
                return iter(found.values())
        raise ConnectorError(
            f"the listing of {path} changed each time that it was read",
            "it is read again in the next sweep",
            reason="unreachable",
        )

    def _listed(self, path: str) -> dict[str, bytes] | None:
        """The entries by their ids, or None where they moved.

        The end is where nothing follows the last entry known: a server may give fewer than were asked for before it.
        """
        patience = Patience(self._session.pause)
        found: dict[str, bytes] = {}
        last: str | None = None
        for _ in range(MAX_PAGES):
            query = {"first": str(max(0, len(found) - 1)), "max": str(PAGE)}
            entries = keycloak_json.read_entries(self._session.get(path, query, patience=patience))
            ids = [keycloak_json.read_id(one) for one in entries]
            if last is not None and ids[:1] != [last]:
                return None
            if not ids or ids == [last]:
                return found
            before = len(found)
            found |= zip(ids, entries, strict=True)
            if len(found) == before:
                break
            last = ids[-1]
        raise ConnectorError(
            f"the listing of {path} has no end: {len(found)} entries",
            "look at the server",
            reason="malformed",
        )


def judge(now: Callable[[], datetime]) -> Judge:
    """What is wrong with an answer of Keycloak's; None where it is sound."""

    def error(answer: Answer, row: Row) -> ConnectorError | None:
        status = answer.status
        if status == 200:
            return None
        if status in {429, 502, 503, 504}:
            wait = retry_after(answer.headers.get("retry-after"), now())
            return Busy(f"the provider is busy (status {status})", wait)
        if status == 401:
            return TokenEnded("the provider did not take our token", "check realm, client_id and secret")
        if status == 403:
            return ConnectorError(
                f"the provider refuses it: the role {row.needs} of realm-management is missing",
                f"give the client's service account the role {row.needs}, and nothing beyond need",
                reason="forbidden",
            )
        return ConnectorError(
            f"the provider answered with status {status}",
            "check url and realm",
            reason="unreachable" if status >= 500 else "refused" if status == 404 else "malformed",
        )

    return error
