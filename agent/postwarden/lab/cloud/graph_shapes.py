"""Objects of Microsoft Graph as JSON values, with the properties that v1.0 has (its CSDL), each by its name.

A property that the lab knows nothing for has the value that Graph has for "nothing": null, or an empty list.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from postwarden.lab.cloud.microsoft_rows import Audit, Key, Registration, ServicePrincipal
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.moments import graph_time
from postwarden.lab.cloud.organisation import guid

#: How to make each property of one kind of object.
Shape = Mapping[str, Callable[[Any], Any]]


def shaped(row: Any, shape: Shape, names: tuple[str, ...]) -> dict[str, Any]:
    """The object with these properties."""
    return {name: shape[name](row) for name in names}


def _nothing(*names: str) -> dict[str, Callable[[Any], Any]]:
    return dict.fromkeys(names, lambda _: None)


def _none(*names: str) -> dict[str, Callable[[Any], Any]]:
    return dict.fromkeys(names, lambda _: [])


USER: Shape = {
    **_nothing(
        "deletedDateTime", "ageGroup", "city", "companyName", "consentProvidedForMinor", "country",
        "createdDateTime", "creationType", "department", "employeeHireDate", "employeeId", "employeeLeaveDateTime",
        "employeeOrgData", "employeeType", "externalUserState", "externalUserStateChangeDateTime", "faxNumber",
        "givenName", "isManagementRestricted", "isResourceAccount", "jobTitle", "lastPasswordChangeDateTime",
        "legalAgeGroupClassification", "mobilePhone", "officeLocation", "onPremisesDistinguishedName",
        "onPremisesDomainName", "onPremisesImmutableId", "onPremisesLastSyncDateTime", "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "onPremisesUserPrincipalName", "passwordPolicies",
        "postalCode", "preferredDataLocation", "preferredLanguage", "securityIdentifier", "showInAddressList",
        "signInSessionsValidFromDateTime", "state", "streetAddress", "surname", "usageLocation",
    ),
    **_none("assignedLicenses", "assignedPlans", "businessPhones", "identities", "imAddresses", "otherMails"),
    "id": lambda row: row.id,
    "accountEnabled": lambda row: row.enabled,
    "displayName": lambda row: row.name,
    "mail": lambda row: row.addresses[0] if row.has_mailbox else None,
    "mailNickname": lambda row: row.upn.partition("@")[0],
    "proxyAddresses": lambda row: [
        f"{'smtp' if place else 'SMTP'}:{address}" for place, address in enumerate(row.addresses) if row.has_mailbox
    ],
    "userPrincipalName": lambda row: row.upn,
    "userType": lambda _: "Member",
}  # fmt: skip
#: What a user has where nothing is selected (Graph's page "List users").
USER_DEFAULT = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip


def _password(key: Key) -> dict[str, Any]:
    return {
        "customKeyIdentifier": None,
        "displayName": key.name or None,
        "endDateTime": graph_time(key.ends),
        "hint": key.id[:3],
        "keyId": key.id,
        "secretText": None,
        "startDateTime": graph_time(key.starts),
    }


def _certificate(key: Key) -> dict[str, Any]:
    return {
        "customKeyIdentifier": key.id.replace("-", "").upper(),
        "displayName": key.name or None,
        "endDateTime": graph_time(key.ends),
        "key": None,
        "keyId": key.id,
        "startDateTime": graph_time(key.starts),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }


def _passwords(row: ServicePrincipal | Registration) -> list[dict[str, Any]]:
    return [_password(key) for key in row.keys if key.type == "secret"]


def _certificates(row: ServicePrincipal | Registration) -> list[dict[str, Any]]:
    return [_certificate(key) for key in row.keys if key.type == "certificate"]


def _publisher(row: ServicePrincipal) -> dict[str, Any]:
    if not row.verified:
        return {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}
    return {
        "displayName": row.publisher,
        "verifiedPublisherId": str(int(guid("publisher", row.publisher)[:6], 16)),
        "addedDateTime": graph_time(row.created),
    }


def _role(identity: str, value: str) -> dict[str, Any]:
    return {
        "allowedMemberTypes": ["Application"],
        "description": f"Allows the app {value}",
        "displayName": value,
        "id": identity,
        "isEnabled": True,
        "origin": "Application",
        "value": value,
    }


def _scope(identity: str, value: str) -> dict[str, Any]:
    return {
        "adminConsentDescription": f"Allows the app {value} on behalf of the signed-in user",
        "adminConsentDisplayName": value,
        "id": identity,
        "isEnabled": True,
        "origin": "Application",
        "type": "User",
        "userConsentDescription": None,
        "userConsentDisplayName": None,
        "value": value,
    }


SERVICE_PRINCIPAL: Shape = {
    **_nothing(
        "deletedDateTime", "appDescription", "applicationTemplateId", "createdByAppId", "description", "homepage",
        "loginUrl", "logoutUrl", "notes", "preferredSingleSignOnMode", "preferredTokenSigningKeyThumbprint",
        "samlSingleSignOnSettings", "tokenEncryptionKeyId",
    ),
    **_none("addIns", "alternativeNames", "notificationEmailAddresses", "resourceSpecificApplicationPermissions"),
    "id": lambda row: row.id,
    "accountEnabled": lambda row: row.enabled,
    "appDisplayName": lambda row: row.name,
    "appId": lambda row: row.app_id,
    "appOwnerOrganizationId": lambda row: row.home,
    "appRoleAssignmentRequired": lambda _: False,
    "appRoles": lambda row: [_role(*role) for role in row.roles],
    "disabledByMicrosoftStatus": lambda row: row.disabled_by or None,
    "displayName": lambda row: row.name,
    "info": lambda _: dict.fromkeys(
        ("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")
    ),
    "isDisabled": lambda row: None if row.enabled else True,
    "keyCredentials": _certificates,
    "oauth2PermissionScopes": lambda row: [_scope(*scope) for scope in row.scopes],
    "passwordCredentials": _passwords,
    "replyUrls": lambda row: list(row.reply_urls),
    "servicePrincipalNames": lambda row: [row.app_id],
    "servicePrincipalType": lambda _: "Application",
    "signInAudience": lambda _: "AzureADMultipleOrgs",
    "tags": lambda _: ["WindowsAzureActiveDirectoryIntegratedApp"],
    "verifiedPublisher": _publisher,
}  # fmt: skip
SERVICE_PRINCIPAL_DEFAULT = tuple(SERVICE_PRINCIPAL)

CONSENT: Shape = {
    "clientId": lambda row: row.client,
    "consentType": lambda row: "AllPrincipals" if row.principal is None else "Principal",
    "id": lambda row: row.id,
    "principalId": lambda row: row.principal,
    "resourceId": lambda row: row.resource,
    "scope": lambda row: row.scope,
}
CONSENT_DEFAULT = tuple(CONSENT)
#: Beta also has when a grant begins and ends, which say nothing (Graph's page of the resource type).
CONSENT_BETA: Shape = {
    **CONSENT,
    "startTime": lambda _: "0001-01-01T00:00:00Z",
    "expiryTime": lambda _: "9999-12-31T23:59:59.9999999Z",
}


def assignment_shape(state: MicrosoftState) -> Shape:
    """The properties of an app role assignment, which name both sides."""

    def name(identity: str) -> str | None:
        found = state.principals.get(identity)
        return found.name if found else None

    return {
        "id": lambda row: row.id,
        "deletedDateTime": lambda _: None,
        "appRoleId": lambda row: row.role,
        "createdDateTime": lambda row: graph_time(row.created),
        "principalDisplayName": lambda row: name(row.principal),
        "principalId": lambda row: row.principal,
        "principalType": lambda _: "ServicePrincipal",
        "resourceDisplayName": lambda row: name(row.resource),
        "resourceId": lambda row: row.resource,
    }


ASSIGNMENT_DEFAULT = tuple(assignment_shape(MicrosoftState("", "")))

REGISTRATION: Shape = {
    **_nothing(
        "deletedDateTime", "description", "notes", "disabledByMicrosoftStatus", "applicationTemplateId"
    ),
    **_none("identifierUris", "tags", "addIns", "appRoles", "requiredResourceAccess"),
    "id": lambda row: row.id,
    "appId": lambda row: row.app_id,
    "createdDateTime": lambda row: graph_time(row.created),
    "displayName": lambda row: row.name,
    "isFallbackPublicClient": lambda _: None,
    "keyCredentials": _certificates,
    "passwordCredentials": _passwords,
    "publicClient": lambda row: {"redirectUris": [url for url in row.reply_urls if "localhost" in url]},
    "publisherDomain": lambda _: None,
    "signInAudience": lambda _: "AzureADMyOrg",
    "spa": lambda _: {"redirectUris": []},
    "verifiedPublisher": lambda _: dict.fromkeys(("displayName", "verifiedPublisherId", "addedDateTime")),
    "web": lambda row: {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [url for url in row.reply_urls if "localhost" not in url],
    },
}
REGISTRATION_DEFAULT = tuple(REGISTRATION)


def _initiator(row: Audit) -> dict[str, Any]:
    if row.app is not None:
        app = {
            "appId": row.app.app_id,
            "displayName": row.app.name,
            "servicePrincipalId": row.app.id,
            "servicePrincipalName": None,
        }
        return {"user": None, "app": app}
    user = {
        "id": row.user.id if row.user else None,
        "displayName": None,
        "userPrincipalName": row.user.upn if row.user else None,
        "ipAddress": "203.0.113.7",
    }
    return {"user": user, "app": None}


AUDIT: Shape = {
    "id": lambda row: row.id,
    "activityDateTime": lambda row: graph_time(row.time),
    "activityDisplayName": lambda row: row.activity,
    "additionalDetails": lambda _: [{"key": "User-Agent", "value": "lab"}],
    "category": lambda _: "ApplicationManagement",
    "correlationId": lambda row: guid("correlation", row.id),
    "initiatedBy": _initiator,
    "loggedByService": lambda _: "Core Directory",
    "operationType": lambda row: row.operation,
    "result": lambda _: "success",
    "resultReason": lambda _: "",
    "targetResources": lambda row: list(row.targets),
}
AUDIT_DEFAULT = tuple(AUDIT)
RULE_DEFAULT = (
    "id", "displayName", "sequence", "isEnabled", "hasError", "isReadOnly", "conditions", "exceptions", "actions",
)  # fmt: skip
RULE: Shape = {name: itemgetter(name) for name in RULE_DEFAULT}
