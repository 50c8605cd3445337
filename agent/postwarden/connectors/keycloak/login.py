"""How we log in to Keycloak: as a client with a service account (RFC 6749 section 4.4)."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import msgspec
from msgspec import Struct

from postwarden.connectors.https import held_back, place
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.patience import Busy, NotLetIn
from postwarden.connectors.rest.session import Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.errors import ConnectorError
from postwarden.formats import json_text
from postwarden.formats.json_text import JsonError
from postwarden.secrets import Secret, SecretSource, check, resolve


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A confidential client of the realm with a service account."""

    client_id: str
    secret: SecretSource

    def __post_init__(self) -> None:
        if self.secret.is_per_account:
            raise ValueError("the secret is one for the realm: it cannot be a table or name {login}")


class _Given(Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: float = 60.0


class _Refused(Struct, frozen=True, kw_only=True):
    error: str = ""


def look(login: Login, folder: Path) -> None:
    """Whether the secret is there; raises SecretError."""
    check(login.secret, logins=(), folder=folder)


def token_list(origin: str, path: str) -> Allowed:
    """What may go to the token endpoint: a request for a token of our own."""

    def own(body: bytes) -> None:
        if parse_qs(body.decode("ascii", "replace")).get("grant_type") != ["client_credentials"]:
            raise held_back("it asks for a token of somebody else")

    return Allowed(origin, (Row(method="POST", path=path, body=own),))


def fetcher(login: Login, folder: Path, url: str, session: Callable[[], Bare]) -> Callable[[], Token]:
    """Asks `url` for a token, each time anew."""

    def fetch() -> Token:
        secret = resolve(login.secret, login="", folder=folder)
        form = {
            "grant_type": "client_credentials",
            "client_id": login.client_id,
            "client_secret": secret.reveal(),
        }
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        with session() as http, http.request("POST", url, data=urlencode(form), headers=headers) as answer:
            status, body = answer.status_code, answer.content
        if status in {429, 500, 502, 503, 504}:
            raise Busy(f"{place(url)} is busy (status {status})", None)
        if status != 200:
            raise NotLetIn(
                f"the token endpoint did not let {login.client_id} in: {_why(body) or f'status {status}'}",
                "check client_id, secret, and that the client's service account is on",
            )
        try:
            given = json_text.parse(body, _Given)
        except JsonError:
            # The error may quote the token; it must not become this one's cause.
            raise ConnectorError(
                f"{place(url)} gave no token that can be read", "check url and realm", reason="malformed"
            ) from None
        return Token(Secret(given.access_token), given.expires_in)

    return fetch


def _why(body: bytes) -> str:
    try:
        word = msgspec.json.decode(body, type=_Refused).error
    except msgspec.DecodeError:
        return ""
    return word if word.isascii() and word.isprintable() and len(word) < 60 else ""
