"""What Exchange's cmdlets say, as JSON values; the names of members are those of their reference pages."""

from collections.abc import Mapping
from typing import Any

from postwarden.lab.cloud.microsoft_rows import Mailbox, User
from postwarden.lab.cloud.organisation import guid


def mailbox(user: User, found: Mailbox | None) -> dict[str, Any]:
    smtp = found.forwarding_smtp if found else ""
    return {
        "Identity": user.upn.partition("@")[0],
        "ExternalDirectoryObjectId": user.id,
        "UserPrincipalName": user.upn,
        "PrimarySmtpAddress": user.addresses[0],
        "DisplayName": user.name,
        "RecipientTypeDetails": "UserMailbox",
        "ForwardingAddress": None,
        "ForwardingSmtpAddress": f"smtp:{smtp}" if smtp else None,
        "DeliverToMailboxAndForward": bool(found and found.deliver_and_forward),
        "AuditEnabled": True,
        "HiddenFromAddressListsEnabled": False,
    }


def permission(user: User, who: str, rights: list[str]) -> dict[str, Any]:
    return {
        "Identity": user.upn.partition("@")[0],
        "User": who,
        "AccessRights": rights,
        "IsInherited": False,
        "Deny": False,
        "InheritanceType": "All",
    }


def recipient_permission(user: User, who: str) -> dict[str, Any]:
    return {
        "Identity": user.upn.partition("@")[0],
        "Trustee": who,
        "AccessControlType": "Allow",
        "AccessRights": ["SendAs"],
        "IsInherited": False,
        "InheritanceType": "None",
    }


def role_assignment(role: str, assignee: str, kind: str, scope: str | None) -> dict[str, Any]:
    return {
        "Identity": f"{role}-{assignee}",
        "Name": f"{role}-{assignee}",
        "Role": role,
        "RoleAssignee": assignee,
        "RoleAssigneeName": assignee,
        "RoleAssigneeType": kind,
        "AssignmentMethod": "Direct",
        "CustomResourceScope": scope,
        "RecipientWriteScope": "Organization",
        "Enabled": True,
        "Guid": guid("role", role, assignee),
    }


def _rule(user: User, name: str, place: int) -> dict[str, Any]:
    mailbox = user.upn.partition("@")[0]
    identity = str(int(guid("hidden", user.id, name, str(place)).replace("-", "")[:15], 16))
    return {
        "Identity": f"{mailbox}\\{identity}",
        "RuleIdentity": int(identity),
        "MailboxOwnerId": mailbox,
        "Name": name,
        "Enabled": True,
        "Priority": place + 1,
        "Description": "",
        "InError": False,
        "SupportedByTask": True,
        "From": None,
        "SubjectContainsWords": None,
        "SubjectOrBodyContainsWords": None,
        "BodyContainsWords": None,
        "ForwardTo": None,
        "ForwardAsAttachmentTo": None,
        "RedirectTo": None,
        "MoveToFolder": None,
        "CopyToFolder": None,
        "DeleteMessage": False,
        "SoftDeleteMessage": False,
        "MarkAsRead": False,
        "StopProcessingRules": False,
    }


def listed_rule(user: User, rule: Mapping[str, Any]) -> dict[str, Any]:
    made = _rule(user, rule["displayName"], rule["sequence"] - 1)
    conditions, actions = rule["conditions"] or {}, rule["actions"] or {}
    made |= {
        "Enabled": rule["isEnabled"],
        "InError": rule["hasError"],
        "SubjectContainsWords": conditions.get("subjectContains"),
        "BodyContainsWords": conditions.get("bodyContains"),
        "ForwardTo": _recipients(actions.get("forwardTo")),
        "RedirectTo": _recipients(actions.get("redirectTo")),
        "MoveToFolder": actions.get("moveToFolder"),
        "CopyToFolder": actions.get("copyToFolder"),
        "DeleteMessage": bool(actions.get("delete")),
        "MarkAsRead": bool(actions.get("markAsRead")),
        "StopProcessingRules": bool(actions.get("stopProcessingRules")),
    }
    return made


def hidden_rule(user: User, rule: Mapping[str, Any], place: int) -> dict[str, Any]:
    made = _rule(user, rule["name"], place)
    made |= {
        "SubjectOrBodyContainsWords": list(rule.get("words", ())) or None,
        "RedirectTo": [f'"{one}" [SMTP:{one}]' for one in rule.get("redirect", ())] or None,
    }
    return made


def _recipients(given: list[Mapping[str, Any]] | None) -> list[str] | None:
    """As cmdlets write recipients: a name, and the address with its type."""
    if not given:
        return None
    return [f'"{one["emailAddress"]["name"]}" [SMTP:{one["emailAddress"]["address"]}]' for one in given]
