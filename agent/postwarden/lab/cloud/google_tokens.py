"""Google's token endpoint in the lab: a service account's assertion becomes an access token (RFC 7523 section 2.1).

With `sub` the account acts as somebody of the domain, as far as the domain was delegated to it ("Using OAuth 2.0 for
server to server applications").
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from postwarden.lab import assertions
from postwarden.lab.assertions import BadAssertion, Clock
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.google_dialect import UNAUTHORIZED
from postwarden.lab.cloud.google_state import GoogleState
from postwarden.lab.cloud.organisation import number
from postwarden.lab.cloud.routing import FORM, Answer, Call, Operation, Refused
from postwarden.lab.entra import TokenRefused, form_fields

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Google's own library names this audience whatever the endpoint's address is.
_AUDIENCE = "https://oauth2.googleapis.com/token"
_LONGEST = timedelta(hours=1)


@dataclass(frozen=True)
class ServiceAccount:
    """The service account that audits; `key_file` is what Google gives for download (JSON)."""

    client_number: str
    email: str
    key_file: Path
    key: rsa.RSAPrivateKey = field(repr=False)

    @property
    def key_id(self) -> str:
        return number(40, self.email)


def write_key(account: ServiceAccount, token_url: str) -> None:
    """Write the account's key file, which its owner only may read."""
    pem = account.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    origin = token_url.rpartition("/")[0]
    said = {
        "type": "service_account",
        "project_id": "kitano-audit",
        "private_key_id": account.key_id,
        "private_key": pem.decode(),
        "client_email": account.email,
        "client_id": account.client_number,
        "auth_uri": f"{origin}/auth",
        "token_uri": token_url,
        "auth_provider_x509_cert_url": f"{origin}/certs",
        "client_x509_cert_url": f"{origin}/certs/{account.email}",
        "universe_domain": "googleapis.com",
    }
    account.key_file.touch(mode=0o600)
    account.key_file.write_text(json.dumps(said, indent=2), encoding="utf-8")


class GoogleTokens:
    """Answers token requests; `origin` is set once its server listens."""

    def __init__(self, state: GoogleState, account: ServiceAccount, bearers: Bearers, clock: Clock) -> None:
        self.origin = ""
        self._state = state
        self._account = account
        self._bearers = bearers
        self._clock = clock
        self.operations = (Operation("token", "POST", "/token", self._token, content=FORM),)

    @property
    def token_url(self) -> str:
        return f"{self.origin}/token"

    def _token(self, call: Call) -> Answer:
        try:
            return self._given(call)
        except Refused:
            self._bearers.refuse()
            raise

    def _given(self, call: Call) -> Answer:
        claims = self._claims(call)
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            raise Refused(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        subject = str(claims.get("sub", ""))
        if subject and subject != self._account.email:
            self._check_subject(subject)
            if not scopes <= self._state.delegations.get(self._account.client_number, frozenset()):
                raise Refused(401, "unauthorized_client", UNAUTHORIZED)
        token = f"ya29.{secrets.token_urlsafe(96)}"
        acting = "" if subject == self._account.email else subject
        self._bearers.give(
            token, Bearer(self._account.client_number, "google", scopes, self._bearers.expiry(), acting)
        )
        seconds = max(1, int(self._bearers.seconds) - 1)
        return Answer(200, {"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    def _claims(self, call: Call) -> Mapping[str, Any]:
        try:
            fields = form_fields(call.body)
        except TokenRefused as wrong:
            raise Refused(400, "invalid_request", "Bad Request", problem="no form") from wrong
        if fields.get("grant_type") != _GRANT_TYPE:
            raise Refused(400, "unsupported_grant_type", f"Invalid grant_type: {fields.get('grant_type')}")
        try:
            header, claims = assertions.verified(
                fields.get("assertion", ""), self._account.key.public_key(), ("RS256",)
            )
            if header.get("kid") != self._account.key_id:
                raise BadAssertion("the header does not name the account's key")
            assertions.check_names(claims, {"iss": self._account.email})
            if claims.get("aud") not in {_AUDIENCE, self.token_url}:
                raise BadAssertion("aud is not the token endpoint")
            assertions.check_times(claims, self._clock(), _LONGEST)
        except BadAssertion as bad:
            raise Refused(400, "invalid_grant", f"Invalid JWT: {bad}") from bad
        return claims

    def _check_subject(self, subject: str) -> None:
        user = self._state.user(subject)
        if user is None:
            raise Refused(400, "invalid_grant", "Invalid email or User ID")
        if user.suspended:
            raise Refused(400, "invalid_grant", f"Account disabled: {subject}")
