"""Keycloak's representations as JSON values, as its admin REST API documents them."""

from typing import Any

from postwarden.lab.cloud.keycloak_state import Client, Consent, KeycloakState, OfflineSession, User
from postwarden.lab.cloud.moments import milliseconds
from postwarden.lab.cloud.organisation import guid


def consent(client: Client, given: Consent | None, *, offline: bool) -> dict[str, Any]:
    """A consent, or only the mark that there is an offline token without one."""
    return {
        "clientId": client.client_id,
        "grantedClientScopes": list(given.scopes) if given else [],
        "createdDate": milliseconds(given.created) if given else None,
        "lastUpdatedDate": milliseconds(given.updated) if given else None,
        "additionalGrants": [{"client": client.id, "key": "Offline Token"}] if offline else [],
    }


def session(state: KeycloakState, row: OfflineSession) -> dict[str, Any]:
    user, client = state.users.get(row.user), state.clients.get(row.client)
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


def user(row: User) -> dict[str, Any]:
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


def client(row: Client) -> dict[str, Any]:
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


def client_scope(name: str) -> dict[str, Any]:
    return {"id": guid("client-scope", name), "name": name}
