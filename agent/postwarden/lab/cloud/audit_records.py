"""Records of Microsoft's directory audit log, about consents and changed applications.

Names of activities and of their modified properties are as public samples show them (Microsoft's "Audit activity
reference", queries that read them); the values, too, are JSON in text.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from postwarden.lab.cloud.microsoft_rows import (
    Assignment,
    Audit,
    Consent,
    Key,
    Registration,
    ServicePrincipal,
    User,
)
from postwarden.lab.cloud.organisation import guid

CONSENT = "Consent to application"
DELEGATED = "Add delegated permission grant"
ASSIGNED = "Add app role assignment to service principal"
ADDED = "Add service principal"
KEYED = "Add service principal credentials"
#: Its dash and the space at its end are Microsoft's.
CERTIFICATES = "Update application – Certificates and secrets management "  # noqa: RUF001 - the dash is Microsoft's
OWNER = "Add owner to service principal"
APPLICATION_OWNER = "Add owner to application"

Actor = User | ServicePrincipal | None


def consented(consent: Consent, client: ServicePrincipal, by: Actor, time: datetime) -> Audit:
    everybody = consent.principal is None
    permissions = (
        f"[] => [[Id: {consent.id}, ClientId: {consent.client}, PrincipalId: {consent.principal or ''}, "
        f"ResourceId: {consent.resource}, ConsentType: {'AllPrincipals' if everybody else 'Principal'}, "
        f"Scope: {consent.scope}, CreatedDateTime: , LastModifiedDateTime ]]; "
    )
    properties = {
        "ConsentContext.IsAdminConsent": str(everybody),
        "ConsentContext.IsAppOnly": "False",
        "ConsentContext.OnBehalfOfAll": str(everybody),
        "ConsentContext.Tags": "WindowsAzureActiveDirectoryIntegratedApp",
        "ConsentAction.Permissions": permissions,
        "TargetId.ServicePrincipalNames": client.app_id,
    }
    return _audit(time, CONSENT, "Assign", by, (_service_principal(client, properties),), consent.id)


def delegated(
    consent: Consent, client: ServicePrincipal, resource: ServicePrincipal, by: Actor, time: datetime
) -> Audit:
    properties = {
        "DelegatedPermissionGrant.Scope": consent.scope,
        "DelegatedPermissionGrant.ConsentType": "AllPrincipals" if consent.principal is None else "Principal",
        "ServicePrincipal.ObjectID": client.id,
        "ServicePrincipal.DisplayName": client.name,
        "ServicePrincipal.AppId": client.app_id,
        "TargetId.ServicePrincipalNames": resource.app_id,
    }
    targets = (_service_principal(resource, properties), _service_principal(client))
    return _audit(time, DELEGATED, "Assign", by, targets, consent.id)


def assigned(
    assignment: Assignment, client: ServicePrincipal, resource: ServicePrincipal, by: Actor, time: datetime
) -> Audit:
    properties = {
        "AppRole.Id": assignment.role,
        "AppRole.Value": dict(resource.roles).get(assignment.role, ""),
        "AppRoleAssignment.CreatedDateTime": assignment.created.isoformat(),
        "ServicePrincipal.ObjectID": client.id,
        "ServicePrincipal.DisplayName": client.name,
        "ServicePrincipal.AppId": client.app_id,
        "TargetId.ServicePrincipalNames": resource.app_id,
    }
    targets = (_service_principal(resource, properties), _service_principal(client))
    return _audit(time, ASSIGNED, "Assign", by, targets, assignment.id)


def added(principal: ServicePrincipal, by: Actor, time: datetime) -> Audit:
    properties = {"AccountEnabled": "true", "AppPrincipalId": principal.app_id, "DisplayName": principal.name}
    return _audit(time, ADDED, "Add", by, (_service_principal(principal, properties),), principal.id)


def keyed(target: ServicePrincipal | Registration, key: Key, by: Actor, time: datetime) -> Audit:
    kind = "Password" if key.type == "secret" else "AsymmetricX509Cert"
    described = f"[KeyIdentifier={key.id},KeyType={kind},KeyUsage=Verify,DisplayName={key.name}]"
    properties = {"KeyDescription": json.dumps([described]), "Included Updated Properties": "KeyDescription"}
    if isinstance(target, Registration):
        return _audit(time, CERTIFICATES, "Update", by, (_registration(target, properties),), key.id)
    return _audit(time, KEYED, "Update", by, (_service_principal(target, properties),), key.id)


def owned(target: ServicePrincipal | Registration, owner: User, by: Actor, time: datetime) -> Audit:
    word = "Application" if isinstance(target, Registration) else "ServicePrincipal"
    properties = {
        f"{word}.ObjectID": target.id,
        f"{word}.DisplayName": target.name,
        f"{word}.AppId": target.app_id,
    }
    whose = {
        "id": owner.id,
        "displayName": None,
        "type": "User",
        "userPrincipalName": owner.upn,
        "groupType": None,
        "modifiedProperties": _properties(properties),
    }
    other = _registration(target) if isinstance(target, Registration) else _service_principal(target)
    activity = APPLICATION_OWNER if isinstance(target, Registration) else OWNER
    return _audit(time, activity, "Assign", by, (whose, other), f"{target.id}/{owner.id}")


def _audit(
    time: datetime,
    activity: str,
    operation: str,
    by: Actor,
    targets: tuple[Mapping[str, Any], ...],
    about: str,
) -> Audit:
    return Audit(
        f"Directory_{guid('audit', activity, about, time.isoformat())}",
        time,
        activity,
        operation,
        targets,
        user=by if isinstance(by, User) else None,
        app=by if isinstance(by, ServicePrincipal) else None,
    )


def _service_principal(
    principal: ServicePrincipal, properties: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    return _target("ServicePrincipal", principal.id, principal.name, properties)


def _registration(
    registration: Registration, properties: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    return _target("Application", registration.id, registration.name, properties)


def _target(kind: str, identity: str, name: str, properties: Mapping[str, str] | None) -> Mapping[str, Any]:
    return {
        "id": identity,
        "displayName": name,
        "type": kind,
        "userPrincipalName": None,
        "groupType": None,
        "modifiedProperties": _properties(properties or {}),
    }


def _properties(properties: Mapping[str, str]) -> list[Mapping[str, Any]]:
    return [
        {"displayName": name, "oldValue": None, "newValue": json.dumps(value, ensure_ascii=False)}
        for name, value in properties.items()
    ]
