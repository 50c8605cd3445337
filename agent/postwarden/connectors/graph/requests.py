"""Everything that is asked of Graph: one table, which the transport enforces."""

from datetime import datetime

from postwarden.connectors.rest import batch
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.batch import Question
from postwarden.formats.graph_json import applications, audits, people

#: Entries of a page: as many as Graph gives.
PAGE, AUDIT_PAGE = "999", "1000"

_LIST = frozenset({"$select", "$top", "$skiptoken"})


def allowed(origin: str, version: str) -> Allowed:
    """What may be asked at `origin`; none of it changes anything, or reads mail."""
    prefix = f"/{version}"
    rows = (
        Row(path=f"{prefix}/users", query=_LIST, needs="User.Read.All"),
        Row(path=f"{prefix}/servicePrincipals", query=_LIST, needs="Application.Read.All"),
        Row(path=f"{prefix}/servicePrincipals/{{id}}", query=_LIST, needs="Application.Read.All"),
        Row(path=f"{prefix}/servicePrincipals/{{id}}/owners", query=_LIST, needs="Application.Read.All"),
        Row(
            path=f"{prefix}/servicePrincipals/{{id}}/appRoleAssignedTo",
            query=_LIST,
            needs="Application.Read.All",
        ),
        Row(path=f"{prefix}/applications", query=_LIST, needs="Application.Read.All"),
        Row(path=f"{prefix}/applications/{{id}}/owners", query=_LIST, needs="Application.Read.All"),
        Row(
            path=f"{prefix}/oauth2PermissionGrants/delta",
            query=frozenset({"$top", "$skiptoken", "$deltatoken"}),
            needs="Directory.Read.All",
        ),
        Row(
            path=f"{prefix}/auditLogs/directoryAudits",
            query=frozenset({"$filter", "$top", "$skiptoken"}),
            needs="AuditLog.Read.All",
        ),
        Row(
            path=f"{prefix}/auditLogs/signIns",
            query=frozenset({"$filter", "$top", "$skiptoken"}),
            needs="AuditLog.Read.All",
        ),
        Row(
            path=f"{prefix}/users/{{id}}/mailFolders/inbox/messageRules",
            query=frozenset({"$skip", "$top", "$skiptoken"}),
            needs="MailboxSettings.Read",
        ),
        Row(path=f"{prefix}/users/{{id}}/mailboxSettings", needs="MailboxSettings.Read"),
    )
    return Allowed(origin, (*rows, batch.row(prefix, rows, origin)))


USERS = ("/users", {"$select": people.FIELDS, "$top": PAGE})
PRINCIPALS = ("/servicePrincipals", {"$select": applications.FIELDS, "$top": PAGE})
REGISTRATIONS = ("/applications", {"$select": applications.REGISTRATION_FIELDS, "$top": PAGE})
GRANTS = ("/oauth2PermissionGrants/delta", {"$top": PAGE})


def audits_since(day: str) -> tuple[str, dict[str, str]]:
    """The directory audits of consents, keys, roles and owners since `day` (RFC 3339)."""
    wanted = " or ".join(f"activityDisplayName eq '{one}'" for one in audits.ACTIVITIES)
    return "/auditLogs/directoryAudits", {
        "$filter": f"activityDateTime ge {day} and ({wanted})",
        "$top": AUDIT_PAGE,
    }


def sign_ins(since: datetime, until: datetime) -> tuple[str, dict[str, str]]:
    """The interactive sign-ins from `since` to `until`, both in whole seconds of UTC; Graph compares no finer."""
    return "/auditLogs/signIns", {
        "$filter": f"createdDateTime ge {since:%Y-%m-%dT%H:%M:%SZ} and createdDateTime le {until:%Y-%m-%dT%H:%M:%SZ}",
        "$top": AUDIT_PAGE,
    }


def assigned_to(resource: str) -> tuple[str, dict[str, str]]:
    return f"/servicePrincipals/{resource}/appRoleAssignedTo", {"$top": PAGE}


def roles_of(resource: str) -> Question:
    return Question(f"/servicePrincipals/{resource}", {"$select": "id,appId,appRoles"})


def owners(kind: str, identifier: str) -> Question:
    """The owners of a `servicePrincipals` or `applications` entry; there are no more than a page of them."""
    return Question(f"/{kind}/{identifier}/owners", {"$select": applications.OWNER_FIELDS})


def mailbox(user: str) -> tuple[Question, Question]:
    """The rules of a user's inbox, and the settings of the mailbox."""
    return (
        Question(f"/users/{user}/mailFolders/inbox/messageRules", {}),
        Question(f"/users/{user}/mailboxSettings", {}),
    )
