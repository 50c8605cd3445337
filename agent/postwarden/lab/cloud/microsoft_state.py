"""The Microsoft 365 tenant of the lab: what its servers answer from, and what tests change."""

import base64
import hashlib
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from postwarden.lab.cloud import audit_records
from postwarden.lab.cloud.audit_records import Actor
from postwarden.lab.cloud.microsoft_rows import (
    EXCHANGE_APP_ID,
    EXCHANGE_ROLES,
    GRAPH_APP_ID,
    GRAPH_ROLES,
    Assignment,
    Audit,
    Consent,
    Key,
    Mailbox,
    Registration,
    ServicePrincipal,
    SignIn,
    User,
)
from postwarden.lab.cloud.moments import ahead
from postwarden.lab.cloud.organisation import guid
from postwarden.lab.cloud.table import Table

#: The resources that mail is reached through, by the lab's names for them.
RESOURCES = {"graph": GRAPH_APP_ID, "exchange": EXCHANGE_APP_ID}
ROLES = {"graph": GRAPH_ROLES, "exchange": EXCHANGE_ROLES}


class MicrosoftState:
    """Users, applications, grants, audit records and mailboxes.

    The methods that change something also write the audit record that the directory would write, at the time that
    they are given.
    """

    def __init__(self, tenant_id: str, domain: str) -> None:
        self.tenant_id = tenant_id
        self.domain = domain
        self.users: Table[User] = Table(lambda row: row.id, upn=lambda row: row.upn.casefold())
        self.principals: Table[ServicePrincipal] = Table(lambda row: row.id, app_id=lambda row: row.app_id)
        self.registrations: Table[Registration] = Table(lambda row: row.id, app_id=lambda row: row.app_id)
        self.consents: Table[Consent] = Table(
            lambda row: row.id,
            clientId=lambda row: row.client,
            principalId=lambda row: row.principal,
            # Nearly all are to one person, so that an index of those would be the table again.
            consentType=lambda row: "AllPrincipals" if row.principal is None else None,
        )
        self.assignments: Table[Assignment] = Table(
            lambda row: row.id, principal=lambda row: row.principal, resource=lambda row: row.resource
        )
        self.audits: list[Audit] = []
        self.sign_ins: list[SignIn] = []
        #: Without the licence (Entra ID P1), Graph gives no sign-ins.
        self.licensed = True
        self.mailboxes: dict[str, Mailbox] = {}

    def user(self, name: str) -> User | None:
        """The user with this id or user principal name."""
        found = self.users.get(name)
        if found is None:
            rows, _ = self.users.page(0, 1, index="upn", value=name.casefold())
            found = rows[0] if rows else None
        return found

    def principal(self, app_id: str) -> ServicePrincipal:
        """The service principal of an application; KeyError where the tenant has none."""
        rows, _ = self.principals.page(0, 1, index="app_id", value=app_id)
        if not rows:
            raise KeyError(app_id)
        return rows[0]

    def resource(self, name: str) -> ServicePrincipal:
        """The service principal of `graph` or `exchange`."""
        return self.principal(RESOURCES[name])

    def mailbox(self, user: User) -> Mailbox:
        """The user's mailbox as it is changed; made at first sight, for most have nothing to say."""
        return self.mailboxes.setdefault(user.id, Mailbox())

    def roles_of(self, app_id: str, resource: str) -> frozenset[str]:
        """The values of the app roles that an application holds on `graph` or `exchange`."""
        client, offered = self.principal(app_id), self.resource(resource)
        values = dict(offered.roles)
        rows, _ = self.assignments.page(0, 1000, index="principal", value=client.id)
        return frozenset(values[row.role] for row in rows if row.resource == offered.id)

    def consent(
        self,
        app_id: str,
        scope: str,
        time: datetime,
        *,
        user: str | None = None,
        resource: str = "graph",
        by: Actor = None,
    ) -> Consent:
        """Grant scopes to an application: for one user, or for all; a grant that is there already gets this scope."""
        client, offered = self.principal(app_id), self.resource(resource)
        whose = self.user(user) if user is not None else None
        made = consent_of(client.id, offered.id, scope, None if whose is None else whose.id)
        self.consents.put(made)
        granted_by = by or whose
        self.audits.append(audit_records.delegated(made, client, offered, granted_by, time))
        self.audits.append(audit_records.consented(made, client, granted_by, time))
        return made

    def withdraw(self, identity: str) -> None:
        """Take a delegated grant away."""
        self.consents.remove(identity)

    def assign(
        self, app_id: str, roles: Iterable[str], time: datetime, *, resource: str = "graph", by: Actor = None
    ) -> None:
        """Give an application app roles, by their values."""
        client, offered = self.principal(app_id), self.resource(resource)
        for role in roles:
            made = assignment_of(client.id, offered.id, ROLES[resource][role], time)
            self.assignments.put(made)
            self.audits.append(audit_records.assigned(made, client, offered, by, time))

    def unassign(self, app_id: str, roles: Iterable[str], *, resource: str = "graph") -> None:
        """Take app roles away from an application."""
        client, offered = self.principal(app_id), self.resource(resource)
        taken = {ROLES[resource][role] for role in roles}
        rows, _ = self.assignments.page(0, 1000, index="principal", value=client.id)
        for row in rows:
            if row.resource == offered.id and row.role in taken:
                self.assignments.remove(row.id)

    def sign_in(
        self,
        user: User,
        time: datetime,
        address: str,
        *,
        country: str = "JP",
        application: tuple[str, str] = (EXCHANGE_APP_ID, "Office 365 Exchange Online"),
        used: str = "Browser",
        agent: str = "Mozilla/5.0",
        error: int = 0,
    ) -> SignIn:
        """Somebody signs in, or tries to."""
        identity = guid("sign-in", user.id, time.isoformat(), str(len(self.sign_ins)))
        made = SignIn(identity, time, user, address, country, application, used, agent, error)
        self.sign_ins.append(made)
        return made

    def add_principal(self, row: ServicePrincipal, *, by: Actor = None) -> None:
        """Let an application into the tenant."""
        self.principals.put(row)
        self.audits.append(audit_records.added(row, by, row.created))

    def add_key(self, app_id: str, key: Key, *, by: Actor = None) -> None:
        """Add a credential: to the registration where the application is the tenant's own, else to its principal."""
        rows, _ = self.registrations.page(0, 1, index="app_id", value=app_id)
        if rows:
            self.registrations.put(replace(rows[0], keys=(*rows[0].keys, key)))
            self.audits.append(audit_records.keyed(rows[0], key, by, key.starts))
            return
        principal = self.principal(app_id)
        self.principals.put(replace(principal, keys=(*principal.keys, key)))
        self.audits.append(audit_records.keyed(principal, key, by, key.starts))

    def add_owner(self, app_id: str, owner: User, time: datetime, *, by: Actor = None) -> None:
        """Make somebody owner of an application's service principal."""
        principal = self.principal(app_id)
        self.principals.put(replace(principal, owners=(*principal.owners, owner.id)))
        self.audits.append(audit_records.owned(principal, owner, by, time))


def consent_of(client: str, resource: str, scope: str, principal: str | None) -> Consent:
    """A delegated grant with the id that follows from what it joins; its strings are shared with others'."""
    joined = hashlib.sha256(f"{client}/{resource}/{principal}".encode()).digest()
    identity = base64.urlsafe_b64encode(joined).rstrip(b"=").decode()
    return Consent(identity, sys.intern(client), sys.intern(resource), sys.intern(scope), principal)


def assignment_of(client: str, resource: str, role: str, time: datetime) -> Assignment:
    """An app role assignment with the id that follows from what it joins."""
    joined = hashlib.sha256(f"{client}/{resource}/{role}".encode()).digest()
    identity = base64.urlsafe_b64encode(joined).rstrip(b"=").decode()
    return Assignment(identity, client, resource, role, time)


def secret(name: str, starts: datetime, *, days: int = 730, type: str = "secret") -> Key:  # noqa: A002 - the model's word
    """A credential that begins at this time."""
    return Key(guid("key", name, starts.isoformat()), type, name, starts, ahead(starts, days))
