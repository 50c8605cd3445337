"""What is judged once for the whole tenant: grants to everybody, applications as such, audits, and our own rights."""

from collections.abc import Iterator
from datetime import timedelta

from postwarden.connectors.graph import rights
from postwarden.connectors.graph.cmdlets import Cmdlets
from postwarden.connectors.graph.rights import Need
from postwarden.connectors.graph.tenant import AUDITED, MAX_AUDITS, Dates, Role, Tenant
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets.roles import Assignment
from postwarden.formats.graph_json.applications import EXCHANGE, RESOURCES
from postwarden.formats.graph_json.audits import Audit
from postwarden.formats.graph_json.grants import read_delegated
from postwarden.model.application import Application, Dated
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Change, Grant
from postwarden.model.reading import Excess, Item, Observed
from postwarden.secrets import Secret

APPLICATIONS = "applications"
TENANT_GRANTS = "tenant_grants"
DIRECTORY_AUDITS = "directory_audits"
RIGHTS = "rights"

#: How far the time of an assignment and that of the audit of it are apart at most.
_SAME = timedelta(minutes=5)


def tenant_grants(tenant: Tenant, asked: Asked, home: str | None) -> Iterator[Item]:
    """Delegated grants to everybody, and the roles on mail's resources that applications have by themselves."""
    population = tenant.people.get().population
    delegations, principals = tenant.delegations.get(), tenant.principals.get()
    dates = tenant.dates.get_or(Dates())
    for identifier in sorted(delegations.of_everybody):
        raw = delegations.raw[identifier]
        grant = read_delegated(raw)
        application, known = tenant.application(grant.client_id, home)
        audit = dates.consents.get((grant.client_id, None))
        found = Grant(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            provider="graph",
            grant_type="delegated",
            application=application,
            resource=principals.resource(grant.resource_id),
            scopes=grant.scopes,
            reaches="everybody",
            consent="administrator",
            granted=audit.dated if audit else None,
            granted_by=audit.author if audit else None,
            holders=population,
            population=population,
        )
        yield Observed(evidence=found, raw=raw + b"\n" + known)
    for (client, resource), roles in sorted(_by_application(tenant.roles.get()).items()):
        application, known = tenant.application(client, home)
        yield _by_itself(application, known, resource, roles, dates.roles.get(client, ()), asked)


def _by_application(roles: tuple[Role, ...]) -> dict[tuple[str, str], list[Role]]:
    found: dict[tuple[str, str], list[Role]] = {}
    for role in roles:
        # Roles of people and groups say who may use an application, not what it reaches.
        if (role.assigned.principal_type or "ServicePrincipal").casefold() == "serviceprincipal":
            found.setdefault((role.assigned.principal_id, role.resource), []).append(role)
    return found


def _by_itself(
    application: Application,
    known: bytes,
    resource: str,
    roles: list[Role],
    audits: tuple[Audit, ...],
    asked: Asked,
) -> Observed:
    granted = [role.assigned.granted for role in roles]
    # The latest of them: what was added last is what is new about it.
    last = max((one for one in granted if one is not None), key=lambda one: one.time, default=None)
    found = Grant(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        provider="graph",
        grant_type="application",
        application=application,
        resource=resource,
        scopes=tuple(sorted({role.name for role in roles})),
        reaches="everybody",
        consent="administrator",
        granted=last,
        granted_by=_author(last, audits),
    )
    raw = b"\n".join(sorted(role.raw for role in roles))
    return Observed(evidence=found, raw=raw + b"\n" + known)


def _author(assigned: Dated | None, audits: tuple[Audit, ...]) -> str | None:
    """Who gave the role: an audit is of this one, and not of a role on another resource, where the time is the same."""
    if assigned is None:
        return None
    near = [one for one in audits if abs(one.happened - assigned.time) <= _SAME]
    return min(near, key=lambda one: abs(one.happened - assigned.time)).author if near else None


def applications(tenant: Tenant, asked: Asked, home: str | None) -> Iterator[Item]:
    """Applications that have keys or owners here, and nothing that is told with the grants to everybody.

    Of the others that somebody let in for himself, what the tenant knows is kept here too, once for all who have them.
    """
    principals = tenant.principals.get()
    tenant.owners.get()
    delegations = tenant.delegations.get()
    told = delegations.clients_of_everybody | {one.assigned.principal_id for one in tenant.roles.get()}
    for identifier in sorted(principals.by_id):
        if identifier in told:
            continue
        application, known = tenant.application(identifier, home)
        if application.credentials or application.owners:
            found = Grant(
                scope=asked.scope,
                source=asked.source,
                check=asked.check,
                observed=asked.observed,
                provider="graph",
                grant_type="registered",
                application=application,
                reaches="everybody",
                holders=delegations.holders.get(identifier, 0),
            )
            yield Observed(evidence=found, raw=known + _owners(application))
        elif identifier in delegations.holders:
            yield asked.setting("consented_application", application.id, known)


def _owners(application: Application) -> bytes:
    return "".join(f"\nowner {one.name}" for one in application.owners).encode()


def directory_audits(tenant: Tenant, asked: Asked) -> Iterator[Item]:
    """A Change for each consent, role, key and owner that the audit log has; failed ones are nobody's change."""
    principals = tenant.principals.get()
    ids = {one.id: one.app_id for one in principals.by_id.values()}
    ids |= {one.id: one.app_id for one in principals.registrations.values()}
    dates = tenant.dates.get()
    if dates.cut:
        yield asked.gap(
            "unsupported",
            f"the audit log has more than {MAX_AUDITS} consents, roles, keys and owners of the last {AUDITED.days} days",
            part="those beyond",
            hint="look at them in Entra, or accept this gap: they may be dates that grants lack",
        )
    for audit, raw in dates.audits:
        if audit.succeeded:
            change = Change(
                scope=asked.scope,
                source=asked.source,
                check=asked.check,
                observed=asked.observed,
                happened=audit.happened,
                operation=audit.activity,
                author=audit.author,
                about=encodable(ids.get(audit.subject) or audit.subject),
                detail=audit.detail,
            )
            yield Observed(evidence=change, raw=raw)


def exchange_roles(tenant: Tenant, cmdlets: Cmdlets, asked: Asked, home: str | None) -> Iterator[Item]:
    """Roles that Exchange itself gives to applications, which Entra does not show."""
    principals = tenant.principals.get().by_id
    names: dict[str, str] = {}
    for identifier, one in principals.items():
        # A name may be several applications'; ids go before names.
        names.setdefault((one.display_name or "").casefold(), identifier)
    names |= {one.app_id.casefold(): identifier for identifier, one in principals.items()}
    names |= {identifier.casefold(): identifier for identifier in principals}
    by_assignee: dict[str, list[Assignment]] = {}
    for assignment in cmdlets.roles():
        by_assignee.setdefault(assignment.assignee, []).append(assignment)
    for assignee, assignments in sorted(by_assignee.items()):
        identifier_found = names.get(assignee.casefold())
        application, known = (
            tenant.application(identifier_found, home)
            if identifier_found is not None
            else (Application(id=assignee, name=assignee), b"")
        )
        found = Grant(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            provider="exchange",
            grant_type="application",
            application=application,
            resource=RESOURCES[EXCHANGE],
            scopes=tuple(sorted({one.role for one in assignments})),
            reaches="everybody",
            consent="administrator",
        )
        yield Observed(evidence=found, raw=b"\n".join(sorted(one.raw for one in assignments)) + b"\n" + known)


def own_rights(
    tenant: Tenant, token: Secret, client: str, needs: tuple[Need, ...], asked: Asked
) -> Iterator[Item]:
    """What our own application lacks, and what it has beyond need: as its token says, and as its roles in Entra do."""
    claims = rights.claims(token)
    held = set(claims.roles) if claims is not None else set()
    try:
        principals = tenant.principals.get()
        own = {one.id for one in principals.by_id.values() if one.app_id.casefold() == client.casefold()}
        held |= {one.name for one in tenant.roles.get() if one.assigned.principal_id in own}
    except ConnectorError as error:
        if claims is None:
            raise
        # The token alone tells what we may do with Graph; of other resources it does not.
        yield asked.failed(error, part="what Entra says of our own application")
    for need in rights.missing(frozenset(held), needs):
        yield asked.gap(
            "forbidden",
            f"{need.permission} is missing, which {' and '.join(need.checks)} need",
            part=need.permission,
            hint=f"consent to the application permission {need.permission} of {need.resource} in Entra",
        )
    for permission, why in rights.beyond(frozenset(held), needs):
        yield Excess(
            scope=asked.scope,
            source=asked.source,
            message=f"{permission}: {why}",
            hint=f"remove the application permission {permission} from {client} in Entra",
        )
