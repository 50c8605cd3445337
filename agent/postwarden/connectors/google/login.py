"""How we log in to Google: a service account that acts for people of the domain (RFC 7523)."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from postwarden.connectors.https import held_back
from postwarden.connectors.rest import endpoint
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.patience import NotLetIn
from postwarden.connectors.rest.session import Answer, Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.errors import ConnectorError, SecretError
from postwarden.secrets import PrivateFile, read_whole

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key` is the service account's key file (JSON), `admin` the administrator as whom the domain itself is read."""

    key: PrivateFile
    admin: str

    def __post_init__(self) -> None:
        if self.admin.count("@") != 1:
            raise ValueError("admin must be an administrator's address")


class ScopeMissing(ConnectorError):
    """The service account is not let in with a scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"the service account may not use the scope {scope}",
            f"authorise its client id for {scope} in the admin console, under domain-wide delegation",
            reason="forbidden",
        )


class _Key(Struct, frozen=True, kw_only=True):
    client_id: str
    client_email: str
    private_key: str
    private_key_id: str | None = None


def look(login: Login, folder: Path) -> str:
    """Whether the key is there and usable: the client id that it is for; raises SecretError."""
    return _key(login, folder).client_id


def _key(login: Login, folder: Path) -> _Key:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    raw = read_whole(login.key, folder).reveal()
    unusable = SecretError(
        f"the key file {login.key.place} is not usable",
        "it is the JSON file that Google gives when a key of the service account is made",
    )
    try:
        found = msgspec.json.decode(raw, type=_Key)
        key = load_pem_private_key(found.private_key.encode(), None)
    except (msgspec.DecodeError, TypeError, ValueError):
        # The errors may quote the key; they must not become this one's cause.
        raise unusable from None
    if not isinstance(key, RSAPrivateKey):
        raise unusable
    return found


def token_list(url: str, scopes: frozenset[str]) -> Allowed:
    """What may go to the token endpoint: requests for tokens with scopes of ours, and no others."""

    def own(body: bytes) -> None:
        form = parse_qs(body.decode("ascii", "replace"))
        asked = _claims(form.get("assertion", [""])[0]).get("scope")
        if form.get("grant_type") != [_JWT_BEARER] or asked not in scopes:
            raise held_back("it asks for a token that no check needs")

    parts = urlsplit(url)
    rows = (Row(method="POST", path=parts.path, body=own),)
    return Allowed(f"{parts.scheme}://{parts.netloc}", rows, headers=frozenset({"x-goog-api-client"}))


def _claims(assertion: str) -> Mapping[str, object]:
    parts = assertion.split(".")
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}


class _Reply(Struct, frozen=True):
    """What google-auth looks at of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def fetcher(
    login: Login,
    folder: Path,
    url: str,
    scope: str,
    subject: str,
    session: Callable[[], Bare],
    now: Callable[[], datetime],
) -> Callable[[], Token]:
    """Asks `url` for a token with one scope, as `subject`, each time anew."""

    def fetch() -> Token:
        from google.auth import exceptions
        from google.oauth2 import service_account

        key = _key(login, folder)
        info = {**msgspec.structs.asdict(key), "token_uri": url, "type": "service_account"}
        given: list[Token] = []
        with session() as http:

            def ask(url: str, method: str, body: bytes, headers: Mapping[str, str]) -> _Reply:
                """The library gets a token, in the form that it expects; anything else is an error here."""
                answer = endpoint.ask(http, method, url, now, data=body, headers=headers)
                if answer.status != 200:
                    raise _refused(answer, scope, key.client_email, subject)
                given.append(endpoint.token(answer, url))
                told = {"access_token": given[-1].secret.reveal(), "expires_in": int(given[-1].life)}
                return _Reply(200, {}, msgspec.json.encode(told))

            try:
                credentials = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]  # the library's
                    info, scopes=[scope], subject=subject
                )
                credentials.refresh(ask)
            except (ValueError, exceptions.GoogleAuthError):
                raise SecretError(
                    f"the key file {login.key.place} is not usable",
                    "it is the JSON file that Google gives when a key of the service account is made",
                ) from None
        return given[-1]

    return fetch


def _refused(answer: Answer, scope: str, who: str, subject: str) -> ConnectorError:
    """What the token endpoint's word means; the rest of its answer stays out of the message."""
    refusal = endpoint.refusal(answer)
    if refusal.error in {"unauthorized_client", "access_denied", "invalid_scope"}:
        return ScopeMissing(scope)
    return NotLetIn(
        f"the token endpoint did not let {who} in as {subject}: {refusal.word or f'status {answer.status}'}",
        "check the key, that it was not deleted, and that the person is of the domain",
    )
