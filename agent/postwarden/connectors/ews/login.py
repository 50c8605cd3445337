"""How we log in to Exchange: as a service account by password or ticket, or as an application by token."""

import base64
import hashlib
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from msgspec import Struct
from requests.auth import AuthBase, HTTPBasicAuth

from postwarden.connectors.ews.patience import NotLetIn
from postwarden.errors import ConfigError, SecretError
from postwarden.secrets import PrivateFile, Secret, SecretSource, check, read_whole, resolve

Mechanism = Literal["basic", "ntlm", "kerberos", "oauth"]

#: What the token of an application is for; the permissions are those that were consented to for it.
_SCOPE = "https://outlook.office365.com/.default"
_AUTHORITY = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Seconds before its end that a token is no longer used, and that an assertion is good for.
_MARGIN, _ASSERTION_LIFE = 120, 300


class Login(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One identity for all mailboxes.

    `basic` and `ntlm` take `user` (`DOMAIN\\\\name` or a principal name) and `secret`; `kerberos` takes a ticket
    that is already there (`KRB5CCNAME`, or a keytab by `KRB5_CLIENT_KTNAME`); `oauth` takes `client_id`, `tenant` or
    `token_url`, and `secret` or `certificate` (private key and certificate in one PEM file).
    """

    mechanism: Mechanism
    user: str | None = None
    secret: SecretSource | None = None
    client_id: str | None = None
    tenant: str | None = None
    token_url: str | None = None
    token_ca_file: str | None = None
    scope: str = _SCOPE
    certificate: PrivateFile | None = None

    def __post_init__(self) -> None:
        if self.secret is not None and self.secret.is_per_account:
            raise ValueError("the secret is one for all mailboxes: it cannot be a table or name {login}")
        if self.mechanism == "oauth":
            if not self.client_id or (self.tenant is None) == (self.token_url is None):
                raise ValueError("mechanism oauth needs client_id, and either tenant or token_url")
            if (self.secret is None) == (self.certificate is None):
                raise ValueError("mechanism oauth needs either secret or certificate")
            if self.token_url is not None and not self.token_url.startswith("https://"):
                raise ValueError("token_url must begin with https://")
            return
        if self.client_id or self.tenant or self.token_url or self.certificate:
            raise ValueError(
                f"client_id, tenant, token_url and certificate are for oauth, not {self.mechanism}"
            )
        if self.mechanism == "kerberos":
            if self.user is not None or self.secret is not None:
                raise ValueError(
                    "mechanism kerberos takes its ticket from the environment: no user, no secret"
                )
        elif not self.user or self.secret is None:
            raise ValueError(f"mechanism {self.mechanism} needs user and secret")

    @property
    def name(self) -> str:
        """The identity as messages show it."""
        return self.user or self.client_id or "the Kerberos ticket's owner"

    @property
    def token_endpoint(self) -> str | None:
        if self.mechanism != "oauth":
            return None
        return self.token_url or _AUTHORITY.format(tenant=self.tenant)


def look(login: Login, folder: Path) -> None:
    """Whether secret, certificate and library are there; raises SecretError or ConfigError."""
    if login.secret is not None:
        check(login.secret, logins=(), folder=folder)
    if login.certificate is not None:
        _assertion(login, read_whole(login.certificate, folder), "https://token.invalid/", 0)
    if login.mechanism == "kerberos":
        _kerberos()


def authentication(login: Login, folder: Path, tokens: "Tokens | None") -> AuthBase | None:
    """What puts the identity on a session's requests; raises SecretError or ConfigError."""
    if login.mechanism == "kerberos":
        return _kerberos()
    if login.mechanism == "oauth":
        assert tokens is not None
        return _Bearer(tokens)
    assert login.user is not None
    assert login.secret is not None
    secret = resolve(login.secret, login="", folder=folder).reveal()
    if login.mechanism == "basic":
        return HTTPBasicAuth(login.user.encode(), secret.encode())
    from requests_ntlm import HttpNtlmAuth

    # Over https it sends the channel binding of RFC 5929 by itself (Extended Protection).
    found: AuthBase = HttpNtlmAuth(login.user, secret)
    return found


def _kerberos() -> AuthBase:
    try:
        from requests_gssapi import DISABLED, HTTPSPNEGOAuth
    except ImportError as exc:
        raise ConfigError(
            "mechanism kerberos needs the extra postwarden[kerberos]",
            "pip install 'postwarden[kerberos]', which needs the system's Kerberos library",
            key="login.mechanism",
        ) from exc
    # The server's own identity is proven by TLS. The ticket is bound to the channel, and so is not sent before the
    # server asks: without its certificate there is nothing to bind it to.
    made: AuthBase = HTTPSPNEGOAuth(
        mutual_authentication=DISABLED, opportunistic_auth=False, channel_bindings="tls-server-end-point"
    )
    return made


class Tokens:
    """The application's token, fetched when one is needed and again before it ends; one for all threads.

    `session` makes a session that can reach only the token endpoint.
    """

    def __init__(
        self,
        login: Login,
        folder: Path,
        session: Callable[[], requests.Session],
        clock: Callable[[], float],
    ) -> None:
        self._login, self._folder, self._session, self._clock = login, folder, session, clock
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._until = 0.0

    def current(self) -> Secret:
        """A token that is good for a while; raises ConnectorError, reason `refused`, or SecretError."""
        with self._lock:
            if self._token is None or self._clock() >= self._until:
                self._token, life = self._fetch()
                self._until = self._clock() + max(0.0, life - _MARGIN)
            return self._token

    def forget(self) -> None:
        """The server did not take it."""
        with self._lock:
            self._token = None

    def _fetch(self) -> tuple[Secret, float]:
        from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

        login, endpoint = self._login, self._login.token_endpoint
        assert endpoint is not None
        form: dict[str, Any] = {}
        if login.certificate is not None:
            pem = read_whole(login.certificate, self._folder)
            form["client_assertion_type"] = _ASSERTION
            form["client_assertion"] = _assertion(login, pem, endpoint, self._clock())
        else:
            assert login.secret is not None
            form["client_secret"] = resolve(login.secret, login="", folder=self._folder).reveal()
        client = BackendApplicationClient(client_id=login.client_id)
        body = client.prepare_request_body(scope=login.scope, include_client_id=True, **form)
        with self._session() as session:
            try:
                answer = session.post(endpoint, data=body, headers=_FORM, allow_redirects=False)
                token = client.parse_request_body_response(answer.text)
            except (OAuth2Error, ValueError) as exc:
                word = getattr(exc, "error", None) or "no token"
                raise NotLetIn(
                    f"the token endpoint did not let {login.client_id} in: {word}",
                    "check client_id, tenant, the secret's or certificate's end, and the consent",
                ) from None
        life = token.get("expires_in")
        return Secret(token["access_token"]), float(life) if isinstance(life, int | float) else 300.0


_FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


def _assertion(login: Login, pem: Secret, audience: str, now: float) -> str:
    """A client assertion (RFC 7523), signed with the application's key and naming its certificate."""
    import jwt

    place = login.certificate.place if login.certificate is not None else ""
    raw = pem.reveal().encode()
    claims = {
        "aud": audience,
        "iss": login.client_id,
        "sub": login.client_id,
        "jti": str(uuid.uuid4()),
        "nbf": int(now),
        "exp": int(now) + _ASSERTION_LIFE,
    }
    try:
        key = load_pem_private_key(raw, None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("PS256 takes an RSA key")
        certificate = x509.load_pem_x509_certificate(raw)
        digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return jwt.encode(claims, key, algorithm="PS256", headers={"x5t#S256": thumbprint})
    except (TypeError, ValueError, jwt.PyJWTError):
        # The error may quote the key; it must not become this one's cause.
        raise SecretError(
            f"the certificate {place} is not usable",
            "it needs an RSA private key without a passphrase, and its certificate, both in PEM",
        ) from None


class _Bearer(AuthBase):
    """Puts the current token on each request, so that one that ended is replaced."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._tokens.current().reveal()}"
        return request
