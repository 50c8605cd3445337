"""Keycloak in the lab: its token endpoint and what of its admin REST API an audit of consents and clients asks for.

Paths, options and members are those of its documentation (admin REST API, representations of 26). A list is asked for
by number, `first` and `max`, and what comes or goes meanwhile moves the rest.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from postwarden.lab import assertions
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.keycloak_state import Client, Consent, KeycloakState, OfflineSession, User
from postwarden.lab.cloud.moments import milliseconds
from postwarden.lab.cloud.organisation import guid
from postwarden.lab.cloud.routing import Answer, Call, Operation, Refused, bad
from postwarden.lab.entra import TokenRefused, form_fields, rsa_key

_USERS = frozenset({"view-users", "manage-users"})
_CLIENTS = frozenset({"view-clients", "manage-clients"})
_PAGE = frozenset({"first", "max"})
#: The usual page of users; clients come all at once where nothing is said.
_USUAL = 100


class KeycloakHost:
    """Answers from the state; `operations` is all that can be asked, `origin` is set once its server listens."""

    def __init__(self, state: KeycloakState, bearers: Bearers, *, client_id: str, client_secret: str) -> None:
        self.origin = ""
        self._state = state
        self._bearers = bearers
        self._client_id = client_id
        self._client_secret = client_secret
        realm, admin = "/realms/{realm}", "/admin/realms/{realm}"
        self.operations = (
            Operation("discovery", "GET", f"{realm}/.well-known/openid-configuration", self._discovery),
            Operation("token", "POST", f"{realm}/protocol/openid-connect/token", self._token),
            Operation("users_count", "GET", f"{admin}/users/count", self._count, frozenset(), _USERS),
            Operation(
                "users",
                "GET",
                f"{admin}/users",
                self._users,
                _PAGE | {"briefRepresentation", "username", "exact", "email", "enabled"},
                _USERS,
            ),
            Operation(
                "consents", "GET", f"{admin}/users/{{id}}/consents", self._consents, frozenset(), _USERS
            ),
            Operation(
                "user_offline_sessions",
                "GET",
                f"{admin}/users/{{id}}/offline-sessions/{{client}}",
                self._user_sessions,
                frozenset(),
                _USERS,
            ),
            Operation(
                "clients",
                "GET",
                f"{admin}/clients",
                self._clients,
                _PAGE | {"clientId", "viewableOnly"},
                _CLIENTS,
            ),
            Operation(
                "client_offline_sessions",
                "GET",
                f"{admin}/clients/{{id}}/offline-sessions",
                self._client_sessions,
                _PAGE,
                _CLIENTS,
            ),
            Operation(
                "client_offline_session_count",
                "GET",
                f"{admin}/clients/{{id}}/offline-session-count",
                self._session_count,
                frozenset(),
                _CLIENTS,
            ),
            *(
                Operation(
                    f"{which}_client_scopes",
                    "GET",
                    f"{admin}/clients/{{id}}/{which}-client-scopes",
                    self._default_scopes if which == "default" else self._optional_scopes,
                    frozenset(),
                    _CLIENTS,
                )
                for which in ("default", "optional")
            ),
        )

    @property
    def issuer(self) -> str:
        return f"{self.origin}/realms/{self._state.realm}"

    @property
    def token_url(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/token"

    def _discovery(self, call: Call) -> Answer:
        self._check_realm(call)
        base = f"{self.issuer}/protocol/openid-connect"
        return Answer(
            200,
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{base}/auth",
                "token_endpoint": f"{base}/token",
                "introspection_endpoint": f"{base}/token/introspect",
                "userinfo_endpoint": f"{base}/userinfo",
                "end_session_endpoint": f"{base}/logout",
                "jwks_uri": f"{base}/certs",
                "device_authorization_endpoint": f"{base}/auth/device",
                "revocation_endpoint": f"{base}/revoke",
                "grant_types_supported": [
                    "authorization_code",
                    "client_credentials",
                    "refresh_token",
                    "urn:ietf:params:oauth:grant-type:device_code",
                ],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access", "mail"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            },
        )

    def _token(self, call: Call) -> Answer:
        self._check_realm(call)
        try:
            fields = form_fields(call.body)
        except TokenRefused as wrong:
            raise Refused(400, "invalid_request", "Missing form parameter: grant_type") from wrong
        if fields.get("grant_type") != "client_credentials":
            raise Refused(400, "unsupported_grant_type", "Unsupported grant_type")
        client_id, secret = _basic(call.headers.get("Authorization", "")) or (
            fields.get("client_id", ""),
            fields.get("client_secret", ""),
        )
        if client_id != self._client_id or not assertions.same(secret, self._client_secret):
            self._bearers.refuse()
            raise Refused(401, "unauthorized_client", "Invalid client or Invalid client credentials")
        token = _token_of(client_id, self.issuer, sorted(self._state.roles))
        bearer = Bearer(client_id, "keycloak", frozenset(self._state.roles), self._bearers.expiry())
        self._bearers.give(token, bearer)
        return Answer(
            200,
            {
                "access_token": token,
                "expires_in": int(self._bearers.seconds),
                "refresh_expires_in": 0,
                "token_type": "Bearer",
                "not-before-policy": 0,
                "scope": "profile email",
            },
            (("Cache-Control", "no-store"),),
        )

    def _count(self, call: Call) -> Answer:
        self._check_realm(call)
        return Answer(200, len(self._state.users))

    def _users(self, call: Call) -> Answer:
        self._check_realm(call)
        rows = sorted(self._state.users, key=lambda row: row.username)
        if "username" in call.query:
            wanted = call.query["username"].casefold()
            exact = call.query.get("exact") == "true"
            rows = [row for row in rows if row.username == wanted or (not exact and wanted in row.username)]
        if "email" in call.query:
            rows = [row for row in rows if call.query["email"].casefold() in row.email]
        if "enabled" in call.query:
            rows = [row for row in rows if row.enabled == (call.query["enabled"] == "true")]
        return Answer(200, [_user(row) for row in _sliced(call, rows, _USUAL)])

    def _consents(self, call: Call) -> Answer:
        user = self._known_user(call)
        consents, _ = self._state.consents.page(0, 10_000, index="user", value=user.id)
        sessions, _ = self._state.sessions.page(0, 10_000, index="user", value=user.id)
        offline = dict.fromkeys(session.client for session in sessions)
        by_client = {consent.client: consent for consent in consents}
        shown = [self._consent(client, by_client.get(client), offline) for client in {**by_client, **offline}]
        return Answer(200, shown)

    def _consent(self, client: str, consent: Consent | None, offline: Mapping[str, None]) -> dict[str, Any]:
        """A consent, or only the mark that there is an offline token without one."""
        row = self._state.clients.get(client)
        assert row is not None
        additional = [{"client": client, "key": "Offline Token"}] if client in offline else []
        return {
            "clientId": row.client_id,
            "grantedClientScopes": list(consent.scopes) if consent else [],
            "createdDate": milliseconds(consent.created) if consent else None,
            "lastUpdatedDate": milliseconds(consent.updated) if consent else None,
            "additionalGrants": additional,
        }

    def _user_sessions(self, call: Call) -> Answer:
        user = self._known_user(call)
        client = self._state.clients.get(call.params["client"])
        if client is None:
            raise Refused(404, "Client not found", "")
        rows, _ = self._state.sessions.page(0, 10_000, index="user", value=user.id)
        return Answer(200, [self._session(row) for row in rows if row.client == client.id])

    def _clients(self, call: Call) -> Answer:
        self._check_realm(call)
        rows = sorted(self._state.clients, key=lambda row: row.client_id)
        if "clientId" in call.query:
            rows = [row for row in rows if row.client_id == call.query["clientId"]]
        return Answer(200, [_client(row) for row in _sliced(call, rows, None)])

    def _client_sessions(self, call: Call) -> Answer:
        client = self._known_client(call)
        rows, _ = self._state.sessions.page(0, 1_000_000, index="client", value=client.id)
        return Answer(200, [self._session(row) for row in _sliced(call, rows, _USUAL)])

    def _session_count(self, call: Call) -> Answer:
        client = self._known_client(call)
        return Answer(200, {"count": self._state.sessions.count("client", client.id)})

    def _default_scopes(self, call: Call) -> Answer:
        return Answer(200, [_scope(name) for name in self._known_client(call).default_scopes])

    def _optional_scopes(self, call: Call) -> Answer:
        return Answer(200, [_scope(name) for name in self._known_client(call).optional_scopes])

    def _session(self, row: OfflineSession) -> dict[str, Any]:
        user, client = self._state.users.get(row.user), self._state.clients.get(row.client)
        assert user is not None
        assert client is not None
        return {
            "id": row.id,
            "username": user.username,
            "userId": user.id,
            "ipAddress": row.address,
            "start": milliseconds(row.started),
            "lastAccess": milliseconds(row.used),
            "rememberMe": False,
            "clients": {client.id: client.client_id},
            "transientUser": False,
        }

    def _check_realm(self, call: Call) -> None:
        if call.params["realm"] != self._state.realm:
            raise Refused(404, "Realm not found.", "", problem=f"no such realm: {call.params['realm']}")

    def _known_user(self, call: Call) -> User:
        self._check_realm(call)
        row = self._state.users.get(call.params["id"])
        if row is None:
            raise Refused(404, "User not found", "")
        return row

    def _known_client(self, call: Call) -> Client:
        self._check_realm(call)
        row = self._state.clients.get(call.params["id"])
        if row is None:
            raise Refused(404, "Could not find client", "")
        return row


def _sliced(call: Call, rows: Sequence[Any], usual: int | None) -> Sequence[Any]:
    """The rows from `first`, at most `max`; a negative number is as if it were not there."""
    first, most = _number(call, "first"), _number(call, "max")
    start = first or 0
    end = usual if most is None else most
    return rows[start:] if end is None else rows[start : start + end]


def _number(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    if not text.removeprefix("-").isdecimal():
        raise bad(f"{name}={text} is no number")
    number = int(text)
    return None if number < 0 else number


def _token_of(client_id: str, issuer: str, roles: Sequence[str]) -> str:
    """An access token that says its roles, as Keycloak's do."""
    claims = {
        "iss": issuer,
        "azp": client_id,
        "jti": secrets.token_urlsafe(12),
        "typ": "Bearer",
        "resource_access": {"realm-management": {"roles": list(roles)}},
    }
    return assertions.signed({"kid": "lab"}, claims, rsa_key("platform"))


def _basic(header: str) -> tuple[str, str] | None:
    """Name and password of a header of RFC 7617, None where it is none."""
    scheme, _, text = header.partition(" ")
    if scheme != "Basic":
        return None
    try:
        name, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise Refused(401, "unauthorized_client", "Invalid client or Invalid client credentials") from exc
    return (name, password) if colon else None


def _user(row: User) -> dict[str, Any]:
    return {
        "id": row.id,
        "username": row.username,
        "firstName": row.name,
        "lastName": "",
        "email": row.email,
        "emailVerified": True,
        "enabled": row.enabled,
        "createdTimestamp": milliseconds(row.created),
        "totp": False,
        "disableableCredentialTypes": [],
        "requiredActions": [],
        "notBefore": 0,
        "access": {"manage": False},
    }


def _client(row: Client) -> dict[str, Any]:
    attributes = {"oauth2.device.authorization.grant.enabled": "true" if row.device_flow else "false"}
    return {
        "id": row.id,
        "clientId": row.client_id,
        "name": row.name,
        "description": "",
        "rootUrl": "",
        "baseUrl": "",
        "surrogateAuthRequired": False,
        "enabled": row.enabled,
        "alwaysDisplayInConsole": False,
        "clientAuthenticatorType": "client-secret",
        "redirectUris": list(row.redirect_uris),
        "webOrigins": [],
        "notBefore": 0,
        "bearerOnly": False,
        "consentRequired": row.consent_required,
        "standardFlowEnabled": row.standard_flow,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": row.service_account,
        "publicClient": row.public,
        "frontchannelLogout": False,
        "protocol": "openid-connect",
        "attributes": attributes,
        "authenticationFlowBindingOverrides": {},
        "fullScopeAllowed": False,
        "nodeReRegistrationTimeout": -1,
        "defaultClientScopes": list(row.default_scopes),
        "optionalClientScopes": list(row.optional_scopes),
        "access": {"view": True, "configure": False, "manage": False},
    }


def _scope(name: str) -> dict[str, Any]:
    return {"id": guid("client-scope", name), "name": name}
