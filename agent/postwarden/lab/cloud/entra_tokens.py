"""Microsoft's identity platform in the lab: where clients find the token endpoint, and tokens for one application.

A token is a JSON Web Token with the application's roles on the resource that it is for, as they are when it is made.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from postwarden.lab import assertions
from postwarden.lab.assertions import Clock
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.organisation import guid
from postwarden.lab.cloud.routing import FORM, Answer, Call, Operation, Refused
from postwarden.lab.entra import Application, ClientCheck, TokenRefused, form_fields

_KEY_ID = "lab"


class EntraTokens:
    """Answers the identity platform's requests; `origin` is set once its server listens."""

    def __init__(
        self,
        state: MicrosoftState,
        application: Application,
        bearers: Bearers,
        key: rsa.RSAPrivateKey,
        clock: Clock,
    ) -> None:
        self.origin = ""
        #: Which resource stands behind a scope's beginning: the names that Microsoft gives them, and the lab's own.
        self.resources = {
            "https://graph.microsoft.com": "graph",
            "https://outlook.office365.com": "exchange",
            "https://outlook.office.com": "exchange",
        }
        self._state = state
        self._application = application
        self._bearers = bearers
        self._key = key
        self._clock = clock
        self._check: ClientCheck | None = None
        self.operations = (
            Operation("discovery", "GET", "/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            Operation("keys", "GET", "/{tenant}/discovery/v2.0/keys", self._keys),
            Operation("token", "POST", "/{tenant}/oauth2/v2.0/token", self._token, content=FORM),
        )

    @property
    def token_url(self) -> str:
        return f"{self.origin}/{self._state.tenant_id}/oauth2/v2.0/token"

    def _discovery(self, call: Call) -> Answer:
        self._known(call)
        base = f"{self.origin}/{self._state.tenant_id}"
        return Answer(
            200,
            {
                "token_endpoint": self.token_url,
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "tenant_region_scope": "AS",
                "cloud_instance_name": "microsoftonline.com",
            },
        )

    def _keys(self, call: Call) -> Answer:
        self._known(call)
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "kid": _KEY_ID,
            "n": assertions.base64url(
                numbers.n.to_bytes(numbers.n.bit_length() // 8 + 1, "big").lstrip(b"\0")
            ),
            "e": assertions.base64url(numbers.e.to_bytes(3, "big")),
        }
        return Answer(200, {"keys": [key]})

    def _token(self, call: Call) -> Answer:
        self._known(call)
        if self._check is None:
            self._check = ClientCheck(self._application, url=self.token_url, clock=self._clock, once=False)
        try:
            fields = form_fields(call.body)
            self._check.authenticate(fields)
            scope = fields["scope"].removesuffix("/.default")
            if scope not in self.resources:
                raise TokenRefused(
                    "invalid_resource",
                    f"AADSTS500011: The resource principal named {scope} was not found.",
                    400,
                )
        except TokenRefused as refused:
            self._bearers.refuse()
            return Answer(refused.status, _error(refused, call.now))
        return self._given(scope)

    def _given(self, scope: str) -> Answer:
        resource = self.resources[scope]
        client = self._application.client_id
        roles = self._state.roles_of(client, resource)
        expires = self._bearers.expiry()
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "aud": scope,
            "iss": f"{self.origin}/{self._state.tenant_id}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": int(expires.timestamp()),
            "appid": client,
            "appidacr": "2",
            "idtyp": "app",
            "oid": self._state.principal(client).id,
            "sub": self._state.principal(client).id,
            "tid": self._state.tenant_id,
            "uti": guid("token", str(self._bearers.given)),
            "ver": "1.0",
        }
        if roles:
            claims["roles"] = sorted(roles)
        token = assertions.signed({"kid": _KEY_ID}, claims, self._key)
        self._bearers.give(token, Bearer(client, resource, roles, expires))
        seconds = int(self._bearers.seconds)
        return Answer(
            200,
            {
                "token_type": "Bearer",
                "expires_in": seconds,
                "ext_expires_in": seconds,
                "access_token": token,
            },
            (("Cache-Control", "no-store, no-cache"),),
        )

    def _known(self, call: Call) -> None:
        if call.params["tenant"] not in {self._state.tenant_id, self._state.domain}:
            tenant = call.params["tenant"]
            raise Refused(
                400,
                "invalid_tenant",
                f"AADSTS90002: Tenant '{tenant}' not found.",
                problem=f"no such tenant: {tenant}",
            )


def _error(refused: TokenRefused, now: datetime) -> Mapping[str, Any]:
    number = refused.words.partition(":")[0].removeprefix("AADSTS")
    return {
        "error": refused.error,
        "error_description": refused.words,
        "error_codes": [int(number)] if number.isdecimal() else [],
        "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        "trace_id": guid("trace", now.isoformat()),
        "correlation_id": guid("correlation", now.isoformat()),
    }


class EntraDialect:
    """How the identity platform says that something is wrong: RFC 6749 section 5.2, with words of its own."""

    content_type = "application/json; charset=utf-8"
    next = ""
    links = False

    def rendered(self, refused: Refused, now: datetime, /) -> Answer:
        shaped = TokenRefused(refused.code, refused.message, refused.status)
        return Answer(refused.status, _error(shaped, now), refused.headers)

    def forbidden(self, _: Operation | None, /) -> Refused:
        return Refused(401, "invalid_client", "AADSTS7000112: The application is disabled.")

    def crowded(self) -> Refused:
        return self.throttled()

    def throttled(self) -> Refused:
        return Refused(429, "temporarily_unavailable", "AADSTS90055: There were too many requests.")

    def unavailable(self) -> Refused:
        return Refused(503, "temporarily_unavailable", "AADSTS90033: A transient error has occurred.")

    def broken(self) -> Refused:
        return Refused(500, "server_error", "AADSTS90033: A transient error has occurred.")

    def expired(self) -> Refused:
        return Refused(401, "invalid_client", "AADSTS7000222: The provided client secret keys are expired.")

    def gone(self) -> Refused:
        return Refused(410, "invalid_request", "AADSTS90014: It is gone.")
