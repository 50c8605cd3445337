"""What a tenant says once for all its people: users, applications, grants, roles and audits, read when needed."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from postwarden.connectors.graph import requests
from postwarden.connectors.graph.listing import items, with_changes
from postwarden.connectors.graph.owners import owners
from postwarden.connectors.graph.people import People, people
from postwarden.connectors.rest import batch
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.errors import ConnectorError
from postwarden.formats.graph_json import applications as decoded
from postwarden.formats.graph_json.applications import RESOURCES, Registration, ServicePrincipal
from postwarden.formats.graph_json.audits import (
    CONSENT,
    GRANT,
    PRINCIPAL,
    PRINCIPAL_OWNER,
    REGISTRATION_OWNER,
    ROLE,
    Audit,
    read_audit,
)
from postwarden.formats.graph_json.grants import Assigned, read_assigned, read_delegated
from postwarden.model.application import Application, Owner
from postwarden.model.encoding import encodable

#: How far back audits are asked for: Entra keeps them for 30 days at most (7 without a licence).
AUDITED = timedelta(days=30)
#: Audits that are taken, so that memory is bounded; they come newest first, and what is beyond is told as a gap.
MAX_AUDITS = 20_000


class Principals(Struct, frozen=True, kw_only=True):
    """Service principals by their object id, registrations by application id, and what was read of both by object id."""

    by_id: dict[str, ServicePrincipal]
    raw: dict[str, bytes]
    registrations: dict[str, Registration]

    def resource(self, identifier: str) -> str:
        """What a resource is called: mail's resources by their ids, others by the tenant's word for them."""
        found = self.by_id.get(identifier)
        if found is None:
            return encodable(identifier)
        return RESOURCES.get(found.app_id) or encodable(found.display_name or found.app_id)


class Delegations(Struct, frozen=True, kw_only=True):
    """Delegated grants as they stand, by id; whose they are, those for everybody, and how many have each client."""

    raw: dict[str, bytes]
    of_person: dict[str, list[str]]
    of_everybody: list[str]
    clients_of_everybody: frozenset[str]
    holders: dict[str, int]


class Role(Struct, frozen=True, kw_only=True):
    """A role that an application has by itself, with its name and what was read."""

    assigned: Assigned
    name: str
    resource: str
    raw: bytes


class Dates(Struct, frozen=True, kw_only=True):
    """When and by whom, as audits tell: the last consent by (client, person or None for everybody), and what was added.

    `roles` are all that an application was given, the oldest first: an audit does not say on which resource.
    `cut`: the log has more than we take.
    """

    audits: tuple[tuple[Audit, bytes], ...] = ()
    cut: bool = False
    consents: dict[tuple[str, str | None], Audit] = {}
    roles: dict[str, tuple[Audit, ...]] = {}
    principals: dict[str, Audit] = {}
    keys: dict[str, Audit] = {}
    owners: dict[tuple[str, str], Audit] = {}


class Tenant:
    """One reading of a tenant. Every part is read once, when it is first asked for, and raises ConnectorError then and
    each further time where it could not be read to its end. For several threads.
    """

    def __init__(self, session: Session, *, memory: dict[str, Any], clock: Callable[[], datetime]) -> None:
        self._session, self._memory, self._clock = session, memory, clock
        self._patience = Patience(session.pause)
        self.people = Once(self._people)
        self.principals = Once(self._principals)
        self.delegations = Once(self._delegations)
        self.roles = Once(self._roles)
        self.dates = Once(self._dates)
        self.owners = Once(self._owners)
        self._applications: dict[str, tuple[Application, bytes]] = {}

    def _people(self) -> People:
        return people(items(self._session, *requests.USERS, patience=self._patience))

    def _principals(self) -> Principals:
        by_id: dict[str, ServicePrincipal] = {}
        raw: dict[str, bytes] = {}
        for one in items(self._session, *requests.PRINCIPALS, patience=self._patience):
            principal = decoded.read_service_principal(one)
            by_id[principal.id], raw[principal.id] = principal, one
        registrations: dict[str, Registration] = {}
        for one in items(self._session, *requests.REGISTRATIONS, patience=self._patience):
            registration = decoded.read_registration(one)
            registrations[registration.app_id], raw[registration.id] = registration, one
        return Principals(by_id=by_id, raw=raw, registrations=registrations)

    def _delegations(self) -> Delegations:
        raw = with_changes(
            self._session,
            *requests.GRANTS,
            patience=self._patience,
            memory=self._memory,
            clock=self._clock,
        )
        of_person: dict[str, list[str]] = {}
        of_everybody: list[str] = []
        clients: dict[str, str] = {}
        holders: dict[str, set[str]] = defaultdict(set)
        for identifier, one in raw.items():
            grant = read_delegated(one)
            client = clients.setdefault(grant.client_id, grant.client_id)
            if grant.for_everybody or grant.principal_id is None:
                of_everybody.append(identifier)
                holders[client].add("")
            else:
                of_person.setdefault(grant.principal_id, []).append(identifier)
                holders[client].add(grant.principal_id)
        return Delegations(
            raw=raw,
            of_person=of_person,
            of_everybody=of_everybody,
            clients_of_everybody=frozenset(client for client, who in holders.items() if "" in who),
            holders={client: len(who - {""}) for client, who in holders.items()},
        )

    def _roles(self) -> tuple[Role, ...]:
        principals = self.principals.get()
        resources = [one for one in principals.by_id.values() if one.app_id in RESOURCES]
        answers = batch.ask(
            self._session, [requests.roles_of(one.id) for one in resources], patience=self._patience
        )
        found = []
        for resource, answer in zip(resources, answers, strict=True):
            if isinstance(answer, ConnectorError):
                raise answer
            names = decoded.read_roles(answer)
            for raw in items(self._session, *requests.assigned_to(resource.id), patience=self._patience):
                assigned = read_assigned(raw)
                name = names.get(assigned.app_role_id, assigned.app_role_id)
                found.append(Role(assigned=assigned, name=name, resource=RESOURCES[resource.app_id], raw=raw))
        return tuple(found)

    def _dates(self) -> Dates:
        since = (self._clock() - AUDITED).strftime("%Y-%m-%dT%H:%M:%SZ")
        path, query = requests.audits_since(since)
        listed = items(self._session, path, query, patience=self._patience)
        found = [(read_audit(raw), raw) for raw in islice(listed, MAX_AUDITS)]
        cut = next(listed, None) is not None
        found.sort(key=lambda one: (one[0].happened, one[0].id))
        dates = Dates(audits=tuple(found), cut=cut)
        for audit, _ in found:
            if audit.succeeded:
                _enter(dates, audit)
        return dates

    def _owners(self) -> dict[str, tuple[Owner, ...]]:
        """Owners by the object id of the service principal or registration; only of those that have anything here."""
        principals, dates = self.principals.get(), self.dates.get_or(Dates())
        granted, owned = self._granted(), {one for one, _ in dates.owners}
        wanted = [
            ("servicePrincipals", one)
            for one, principal in principals.by_id.items()
            if principal.has_credentials or one in granted or one in owned
        ]
        used = {principal.app_id for principal in principals.by_id.values()}
        wanted += [("applications", one.id) for app, one in principals.registrations.items() if app in used]
        listed = owners(
            self._session,
            wanted,
            {audit.id: audit.subject for audit in dates.owners.values()},
            patience=self._patience,
            memory=self._memory,
            clock=self._clock,
        )
        return {
            identifier: tuple(_dated(one, identifier, dates) for one in entries)
            for identifier, entries in listed.items()
        }

    def _granted(self) -> frozenset[str]:
        """The service principals that were allowed anything."""
        holders = self.delegations.get().holders
        return frozenset({*holders, *(one.assigned.principal_id for one in self.roles.get())})

    def application(self, identifier: str, tenant: str | None) -> tuple[Application, bytes]:
        """What is known of a service principal, and what was read of it; owners and dates as far as they were told.

        `tenant` is the id of the tenant itself. All grants of one application share what is returned.
        """
        if identifier not in self._applications:
            self._applications[identifier] = self._application(identifier, tenant)
        return self._applications[identifier]

    def _application(self, identifier: str, tenant: str | None) -> tuple[Application, bytes]:
        principals, dates = self.principals.get(), self.dates.get_or(Dates())
        principal = principals.by_id.get(identifier)
        if principal is None:
            return Application(id=encodable(identifier)), b""
        registration = principals.registrations.get(principal.app_id)
        whose = self.owners.get_or({})
        came = dates.principals.get(identifier)
        found = decoded.application(
            principal,
            registration,
            (*whose.get(identifier, ()), *(whose.get(registration.id, ()) if registration else ())),
            tenant=tenant,
            created=came.dated if came else None,
        )
        ids = (identifier, *((registration.id,) if registration else ()))
        return _with_dates(found, dates), b"\n".join(principals.raw[one] for one in ids)


def _enter(dates: Dates, audit: Audit) -> None:
    """The last consent counts, since it is what is in force; of what was added, the first time."""
    match audit.activity:
        case words if words in {CONSENT, GRANT}:
            if audit.for_everybody or audit.person is not None:
                dates.consents[audit.subject, audit.person] = audit
        case words if words == ROLE:
            dates.roles[audit.subject] = (*dates.roles.get(audit.subject, ()), audit)
        case words if words == PRINCIPAL:
            dates.principals.setdefault(audit.subject, audit)
        case words if words in {PRINCIPAL_OWNER, REGISTRATION_OWNER}:
            if audit.person is not None:
                dates.owners[audit.subject, audit.person] = audit
        case _:
            for key in audit.keys:
                dates.keys.setdefault(key.casefold(), audit)


def _dated(raw: bytes, of: str, dates: Dates) -> Owner:
    identifier, owner = decoded.read_owner(raw)
    audit = dates.owners.get((of, identifier))
    return replace(owner, added=audit.dated, added_by=audit.author) if audit else owner


def _with_dates(application: Application, dates: Dates) -> Application:
    """The application with when its keys came, and by whom."""
    keys = []
    for key in application.credentials:
        audit = dates.keys.get(key.id.casefold())
        keys.append(replace(key, added=audit.dated, added_by=audit.author) if audit else key)
    return replace(application, credentials=tuple(keys))
