"""Microsoft Graph of the lab, v1.0 and beta: the requests that an audit of grants and rules makes, and no others.

Paths, options and least permissions are those of Graph's reference pages. Directory.Read.All stands for more than is
named there.
"""

from collections.abc import Callable
from typing import Any

from postwarden.lab.cloud import graph_shapes as shapes
from postwarden.lab.cloud.graph_batch import Batches
from postwarden.lab.cloud.graph_lists import DELTA_OPTIONS, LIST_OPTIONS, Listing, Pages
from postwarden.lab.cloud.graph_mailboxes import Mailboxes, known_user, missing
from postwarden.lab.cloud.graph_shapes import shaped
from postwarden.lab.cloud.graph_sign_ins import SignIns
from postwarden.lab.cloud.microsoft_rows import Assignment, Registration, ServicePrincipal, User
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.odata import selected
from postwarden.lab.cloud.routing import Answer, Call, Operation
from postwarden.lab.cloud.table import Table

_EQUAL = frozenset({"eq", "in"})
_DIRECTORY = "Directory.Read.All"
_MAILBOX = frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"})
#: The largest page of the audit log, which is also the usual one.
_AUDIT_PAGE = 1000


class Graph:
    """Answers from the state; `operations` is all that can be asked."""

    def __init__(self, state: MicrosoftState, pages: Pages, batches: Batches) -> None:
        self._state = state
        self._pages = pages
        self._mailboxes = Mailboxes(state, pages)
        self._sign_ins = SignIns(state, pages)
        self._batches = batches
        self.operations = tuple(
            operation for version in ("v1.0", "beta") for operation in self._operations(version)
        )

    def _operations(self, version: str) -> list[Operation]:
        def listing(
            kind: str,
            path: str,
            handler: Callable[[Call], Answer],
            *permissions: str,
            options: frozenset[str] = LIST_OPTIONS,
            throttled: str = "",
        ) -> Operation:
            return Operation(
                kind, "GET", f"/{version}{path}", handler, options, frozenset(permissions), throttled
            )

        application = ("Application.Read.All", _DIRECTORY)
        user = ("User.Read.All", _DIRECTORY)
        every = frozenset().union(_MAILBOX, application, user, ("AuditLog.Read.All", "Organization.Read.All"))
        made = [
            listing("service_principals", "/servicePrincipals", self._principals, *application),
            listing("service_principal", "/servicePrincipals/{id}", self._principal, *application,
                    options=frozenset({"$select"})),
            listing("app_role_assigned_to", "/servicePrincipals/{id}/appRoleAssignedTo", self._assigned_to, *application),
            listing("app_role_assignments", "/servicePrincipals/{id}/appRoleAssignments", self._assignments, *application),
            listing("service_principal_owners", "/servicePrincipals/{id}/owners", self._principal_owners, *application),
            listing("applications", "/applications", self._registrations, *application),
            listing("application_owners", "/applications/{id}/owners", self._registration_owners, *application),
            listing("grants", "/oauth2PermissionGrants", self._consents(version), _DIRECTORY),
            listing("users", "/users", self._users, *user),
            listing("user", "/users/{id}", self._user, *user, options=frozenset({"$select"})),
            listing("user_grants", "/users/{id}/oauth2PermissionGrants", self._user_consents(version), _DIRECTORY),
            listing("rules", "/users/{id}/mailFolders/inbox/messageRules", self._mailboxes.rules, *_MAILBOX, throttled="outlook"),
            listing("mailbox_settings", "/users/{id}/mailboxSettings", self._mailboxes.settings, *_MAILBOX,
                    options=frozenset({"$select"}), throttled="outlook"),
            listing("directory_audits", "/auditLogs/directoryAudits", self._audits, "AuditLog.Read.All"),
            listing("sign_ins", "/auditLogs/signIns", self._sign_ins.listed, "AuditLog.Read.All"),
            listing("organization", "/organization", self._organization, "Organization.Read.All", *user),
            Operation("batch", "POST", f"/{version}/$batch", self._batches.answered, frozenset(), every),
        ]  # fmt: skip
        for name, handler, permissions in (
            ("servicePrincipals", self._principals_delta, application),
            ("oauth2PermissionGrants", self._consents_delta(version), (_DIRECTORY,)),
            ("users", self._users_delta, user),
        ):
            kind = {
                "servicePrincipals": "service_principals",
                "oauth2PermissionGrants": "grants",
                "users": "users",
            }[name]
            # Both ways to write a function of OData without parameters.
            for path in (f"/{name}/delta", f"/{name}/delta()"):
                made.insert(0, listing(f"{kind}_delta", path, handler, *permissions, options=DELTA_OPTIONS))
        return made

    def _principals(self, call: Call) -> Answer:
        return self._pages.listed(call, self._principal_listing())

    def _principals_delta(self, call: Call) -> Answer:
        return self._pages.changed(call, self._principal_listing())

    def _principal_listing(self) -> Listing[ServicePrincipal]:
        comparable = {"appId": _EQUAL, "displayName": frozenset({"eq", "startswith"}), "id": _EQUAL}
        return Listing(
            self._state.principals,
            shapes.SERVICE_PRINCIPAL,
            shapes.SERVICE_PRINCIPAL_DEFAULT,
            comparable,
            "servicePrincipals",
        )

    def _principal(self, call: Call) -> Answer:
        row = self._found(self._state.principals, call.params["id"])
        return self._one(
            call, row, shapes.SERVICE_PRINCIPAL, shapes.SERVICE_PRINCIPAL_DEFAULT, "servicePrincipals"
        )

    def _assigned_to(self, call: Call) -> Answer:
        return self._assignments_of(call, "resource", "appRoleAssignedTo")

    def _assignments(self, call: Call) -> Answer:
        return self._assignments_of(call, "principal", "appRoleAssignments")

    def _assignments_of(self, call: Call, side: str, name: str) -> Answer:
        self._found(self._state.principals, call.params["id"])
        rows: list[Assignment] = []
        rows, _ = self._state.assignments.page(0, 1_000_000, index=side, value=call.params["id"])
        shape = shapes.assignment_shape(self._state)
        context = f"servicePrincipals('{{id}}')/{name}"
        listing = Listing(self._state.assignments, shape, shapes.ASSIGNMENT_DEFAULT, {}, context)
        return self._pages.sequence(call, rows, listing, largest=999, usual=100)

    def _principal_owners(self, call: Call) -> Answer:
        row = self._found(self._state.principals, call.params["id"])
        return self._owners(call, row)

    def _registration_owners(self, call: Call) -> Answer:
        row = self._found(self._state.registrations, call.params["id"])
        return self._owners(call, row)

    def _owners(self, call: Call, row: ServicePrincipal | Registration) -> Answer:
        owners = [self._state.users.get(identity) for identity in row.owners]
        shape = {"@odata.type": lambda _: "#microsoft.graph.user", **shapes.USER}
        default = ("@odata.type", *shapes.USER_DEFAULT)
        listing = Listing(self._state.users, shape, default, {}, "directoryObjects")
        rows = [owner for owner in owners if owner is not None]
        answer = self._pages.sequence(call, rows, listing, largest=999, usual=100)
        if "$select" in call.query:
            for item in answer.value["value"]:
                item["@odata.type"] = "#microsoft.graph.user"
        return answer

    def _registrations(self, call: Call) -> Answer:
        listing = Listing(
            self._state.registrations,
            shapes.REGISTRATION,
            shapes.REGISTRATION_DEFAULT,
            {"appId": _EQUAL, "displayName": frozenset({"eq", "startswith"})},
            "applications",
        )
        return self._pages.listed(call, listing)

    def _consents(self, version: str) -> Callable[[Call], Answer]:
        return lambda call: self._pages.listed(call, self._consent_listing(version))

    def _consents_delta(self, version: str) -> Callable[[Call], Answer]:
        return lambda call: self._pages.changed(call, self._consent_listing(version))

    def _consent_listing(self, version: str) -> Listing[Any]:
        equal = frozenset({"eq"})
        shape = shapes.CONSENT_BETA if version == "beta" else shapes.CONSENT
        return Listing(
            self._state.consents,
            shape,
            tuple(shape),
            {"clientId": equal, "consentType": equal, "principalId": equal},
            "oauth2PermissionGrants",
            frozenset({"clientId", "consentType", "principalId"}),
        )

    def _user_consents(self, version: str) -> Callable[[Call], Answer]:
        def answered(call: Call) -> Answer:
            user = known_user(self._state, call.params["id"])
            # Only what the user consented to: what holds for everybody is not in this list.
            rows, _ = self._state.consents.page(0, 1_000_000, index="principalId", value=user.id)
            return self._pages.sequence(call, rows, self._consent_listing(version), largest=999, usual=100)

        return answered

    def _users(self, call: Call) -> Answer:
        return self._pages.listed(call, self._user_listing())

    def _users_delta(self, call: Call) -> Answer:
        return self._pages.changed(call, self._user_listing())

    def _user_listing(self) -> Listing[User]:
        comparable = {
            "userPrincipalName": frozenset({"eq", "startswith", "in"}),
            "mail": frozenset({"eq", "startswith"}),
            "id": _EQUAL,
        }
        return Listing(self._state.users, shapes.USER, shapes.USER_DEFAULT, comparable, "users")

    def _user(self, call: Call) -> Answer:
        return self._one(
            call, known_user(self._state, call.params["id"]), shapes.USER, shapes.USER_DEFAULT, "users"
        )

    def _audits(self, call: Call) -> Answer:
        comparable = {
            "activityDateTime": frozenset({"eq", "ge", "le", "gt", "lt"}),
            "activityDisplayName": frozenset({"eq", "startswith"}),
            "category": frozenset({"eq"}),
            "loggedByService": frozenset({"eq"}),
        }
        listing: Listing[Any] = Listing(
            Table(lambda row: str(row.id)),
            shapes.AUDIT,
            shapes.AUDIT_DEFAULT,
            comparable,
            "auditLogs/directoryAudits",
        )
        rows = sorted(self._state.audits, key=lambda record: record.time, reverse=True)
        return self._pages.sequence(call, rows, listing, largest=_AUDIT_PAGE, usual=_AUDIT_PAGE)

    def _organization(self, call: Call) -> Answer:
        domain = {
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": True,
            "isInitial": False,
            "name": self._state.domain,
            "type": "Managed",
        }
        whole = {"id": self._state.tenant_id, "displayName": "Kitano Works", "verifiedDomains": [domain]}
        select = call.query.get("$select")
        names = tuple(whole) if select is None else selected(select, frozenset(whole))
        return Answer(
            200,
            {**self._pages.context(call, "organization"), "value": [{name: whole[name] for name in names}]},
        )

    def _one(self, call: Call, row: Any, shape: shapes.Shape, default: tuple[str, ...], name: str) -> Answer:
        select = call.query.get("$select")
        names = default if select is None else selected(select, frozenset(shape))
        return Answer(200, {**self._pages.context(call, f"{name}/$entity"), **shaped(row, shape, names)})

    @staticmethod
    def _found(table: Table[Any], identity: str) -> Any:
        row = table.get(identity)
        if row is None:
            raise missing(identity)
        return row
