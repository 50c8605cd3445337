"""How we log in to Keycloak: as a client with a service account (RFC 6749 section 4.4)."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from msgspec import Struct

from postwarden.connectors.https import held_back
from postwarden.connectors.rest import endpoint
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.patience import NotLetIn
from postwarden.connectors.rest.session import Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.secrets import SecretSource, check, resolve


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A confidential client of the realm with a service account."""

    client_id: str
    secret: SecretSource

    def __post_init__(self) -> None:
        if self.secret.is_per_account:
            raise ValueError("the secret is one for the realm: it cannot be a table or name {login}")


def look(login: Login, folder: Path) -> None:
    """Whether the secret is there; raises SecretError."""
    check(login.secret, logins=(), folder=folder)


def token_list(origin: str, path: str) -> Allowed:
    """What may go to the token endpoint: a request for a token of our own."""

    def own(body: bytes) -> None:
        if parse_qs(body.decode("ascii", "replace")).get("grant_type") != ["client_credentials"]:
            raise held_back("it asks for a token of somebody else")

    return Allowed(origin, (Row(method="POST", path=path, body=own),))


def fetcher(
    login: Login, folder: Path, url: str, session: Callable[[], Bare], now: Callable[[], datetime]
) -> Callable[[], Token]:
    """Asks `url` for a token, each time anew."""

    def fetch() -> Token:
        secret = resolve(login.secret, login="", folder=folder)
        form = {
            "grant_type": "client_credentials",
            "client_id": login.client_id,
            "client_secret": secret.reveal(),
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        with session() as http:
            answer = endpoint.ask(http, "POST", url, now, data=urlencode(form), headers=headers)
        if answer.status != 200:
            word = endpoint.refusal(answer).word or f"status {answer.status}"
            raise NotLetIn(
                f"the token endpoint did not let {login.client_id} in: {word}",
                "check client_id, secret, and that the client's service account is on",
            )
        return endpoint.token(answer, url)

    return fetch
