"""How we log in to Entra: as an application, with a secret or a certificate."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from postwarden.connectors.https import held_back, place
from postwarden.connectors.rest import endpoint
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.patience import NotLetIn
from postwarden.connectors.rest.session import Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.errors import ConnectorError, SecretError
from postwarden.formats import json_text
from postwarden.formats.json_text import JsonError
from postwarden.secrets import PrivateFile, SecretSource, check, read_whole, resolve

_WORD = re.compile(r"[A-Za-z_]{1,60}")
_NUMBER = re.compile(r"AADSTS\d{1,9}")
#: What the library says of itself to the token endpoint.
_HEADERS = frozenset({"client-request-id", "x-client-sku", "x-client-ver", "x-client-os", "x-client-cpu"}) | {
    "x-client-current-telemetry",
    "x-client-last-telemetry",
    "x-ms-lib-capability",
}


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application's identity: `client_id`, and `secret` or `certificate` (private key and certificate in one PEM)."""

    client_id: str
    secret: SecretSource | None = None
    certificate: PrivateFile | None = None

    def __post_init__(self) -> None:
        if (self.secret is None) == (self.certificate is None):
            raise ValueError("login needs either secret or certificate")
        if self.secret is not None and self.secret.is_per_account:
            raise ValueError("the secret is one for the tenant: it cannot be a table or name {login}")


def look(login: Login, folder: Path) -> None:
    """Whether the secret or the certificate is there and usable; raises SecretError."""
    if login.secret is not None:
        check(login.secret, logins=(), folder=folder)
    if login.certificate is not None:
        _pair(login.certificate, folder)


def token_list(origin: str, tenant: str) -> Allowed:
    """What may go to the token endpoint: where it is, and a request for a token of our own."""
    return Allowed(
        origin,
        (
            Row(path=f"/{tenant}/v2.0/.well-known/openid-configuration"),
            # Where the tenant is configured by its domain, the endpoint is named by its id all the same.
            Row(method="POST", path="/{id}/oauth2/v2.0/token", body=_own_token),
        ),
        headers=_HEADERS,
    )


def _own_token(body: bytes) -> None:
    if parse_qs(body.decode("ascii", "replace")).get("grant_type") != ["client_credentials"]:
        raise held_back("it asks for a token of somebody else")


class _Seen(Struct, frozen=True):
    """What msal looks at of an answer."""

    status_code: int
    text: str
    headers: Mapping[str, str] = {}


class _Document(Struct, frozen=True, kw_only=True):
    """What msal needs of a tenant's well-known document."""

    authorization_endpoint: str
    token_endpoint: str
    issuer: str = ""


class _Http:
    """What msal asks through: of an answer it gets only what was looked at here, in the form that it expects."""

    def __init__(self, bare: Bare, now: Callable[[], datetime]) -> None:
        self._bare, self._now = bare, now
        self.token: Token | None = None
        self.refusal = endpoint.Refusal()

    def get(self, url: str, **options: Any) -> _Seen:
        answer = endpoint.ask(self._bare, "GET", url, self._now, **options)
        if answer.status != 200:
            return _Seen(answer.status, "{}")
        try:
            document = json_text.parse(answer.body, _Document)
        except JsonError as error:
            raise ConnectorError(
                f"{place(url)} does not say where tokens are given: {error.message}",
                "check tenant, cloud and urls, and look at the proxy before it",
                reason="malformed",
            ) from error
        return _Seen(200, msgspec.json.encode(document).decode())

    def post(self, url: str, **options: Any) -> _Seen:
        answer = endpoint.ask(self._bare, "POST", url, self._now, **options)
        if answer.status != 200:
            self.refusal = endpoint.refusal(answer)
            return _Seen(answer.status, '{"error":"refused"}')
        self.token = endpoint.token(answer, url)
        told = {"access_token": self.token.secret.reveal(), "expires_in": int(self.token.life)}
        return _Seen(200, msgspec.json.encode(told).decode())

    def close(self) -> None:
        """Its owner does."""


def fetcher(
    login: Login,
    folder: Path,
    authority: str,
    resource: str,
    session: Callable[[], Bare],
    now: Callable[[], datetime],
) -> Callable[[], Token]:
    """Asks `authority` for a token for `resource` (an origin), each time anew."""

    def fetch() -> Token:
        import msal

        credential = _credential(login, folder)
        with session() as bare:
            http = _Http(bare, now)
            try:
                # Made anew each time: it would remember failures, and tokens that were taken back.
                application = msal.ConfidentialClientApplication(
                    login.client_id,
                    authority=authority,
                    client_credential=credential,
                    instance_discovery=False,
                    http_client=http,
                )
                application.acquire_token_for_client([f"{resource}/.default"])
            except (ValueError, KeyError, TypeError):
                # The library's errors may quote what was sent; they must not become this one's cause.
                raise NotLetIn(
                    f"{authority} is no place that tokens are given at", "check tenant, cloud and urls"
                ) from None
        if http.token is None:
            raise NotLetIn(
                f"the token endpoint did not let {login.client_id} in: {_why(http.refusal)}",
                "check client_id, tenant, the secret's or certificate's end, and the consent",
            )
        return http.token

    return fetch


def _why(refusal: endpoint.Refusal) -> str:
    """The endpoint's words for it, without what it may quote."""
    word, number = _WORD.fullmatch(refusal.error), _NUMBER.search(refusal.error_description)
    return " ".join(one[0] for one in (word, number) if one) or "no token"


def _credential(login: Login, folder: Path) -> str | dict[str, str]:
    if login.certificate is not None:
        return _pair(login.certificate, folder)
    assert login.secret is not None
    return resolve(login.secret, login="", folder=folder).reveal()


def _pair(certificate: PrivateFile, folder: Path) -> dict[str, str]:
    """The private key and the certificate, as msal takes them; raises SecretError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    raw = read_whole(certificate, folder).reveal().encode()
    unusable = SecretError(
        f"the certificate {certificate.place} is not usable",
        "it needs an RSA private key without a passphrase, and its certificate, both in PEM",
    )
    try:
        key = load_pem_private_key(raw, None)
        public = x509.load_pem_x509_certificate(raw)
    except (TypeError, ValueError):
        # The error may quote the key; it must not become this one's cause.
        raise unusable from None
    if not isinstance(key, RSAPrivateKey):
        raise unusable
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "private_key": private.decode("ascii"),
        "public_certificate": public.public_bytes(Encoding.PEM).decode("ascii"),
    }
