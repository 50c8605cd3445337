"""Fills the lab's tenant from the organisation, and makes it large for benchmarks."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from postwarden.lab.cloud import audit_records
from postwarden.lab.cloud.microsoft_rows import Assignment, Key, Mailbox, Registration, ServicePrincipal, User
from postwarden.lab.cloud.microsoft_state import ROLES, MicrosoftState, assignment_of, consent_of
from postwarden.lab.cloud.moments import ago, ahead
from postwarden.lab.cloud.organisation import (
    MICROSOFT_TENANTS,
    Application,
    CloudOrganisation,
    Grant,
    Person,
    guid,
)
from postwarden.lab.cloud.usual_sign_ins import usual_sign_ins

#: Entra's error code for a wrong password.
WRONG_PASSWORD = 50126
#: How long the directory keeps its audit log (Microsoft Entra ID P1 and P2: 30 days).
AUDIT_DAYS = 30
#: Recipients of a rule are addresses in the organisation's file and objects in Graph.
_RECIPIENTS = {"forwardTo", "forwardAsAttachmentTo", "redirectTo", "fromAddresses", "sentToAddresses"}


def filled(whole: CloudOrganisation, start: datetime) -> MicrosoftState:
    """The tenant as the organisation states it, at the lab's start."""
    state = MicrosoftState(whole.tenant_id, whole.domains["microsoft"])
    for person in whole.of("microsoft"):
        user = _user(person)
        state.users.fill(user)
        for one in usual_sign_ins(person, start):
            error = 0 if one.let_in else WRONG_PASSWORD
            state.sign_in(user, one.time, one.address, agent=one.agent, error=error)
    applications = [one for one in whole.applications if one.provider == "microsoft"]
    for application in applications:
        _fill_application(state, application, whole, start)
    ids = {one.key: one.id for one in applications}
    for grant in whole.grants:
        if grant.provider == "microsoft":
            _fill_grant(state, grant, ids[grant.application], start)
    state.audits.sort(key=lambda record: record.time)
    _fill_mailboxes(state, whole)
    return state


def enlarge(state: MicrosoftState, users: int, grants: int) -> None:
    """More people and grants of theirs, up to these numbers, to applications that are there."""
    made = [
        User(
            guid("crowd", str(place)),
            f"p{place:05d}@{state.domain}",
            f"Person {place}",
            (f"p{place:05d}@{state.domain}",),
        )
        for place in range(max(0, users - len(state.users)))
    ]
    for user in made:
        state.users.fill(user)
    # Grants that ordinary people have: their copies keep client, resource and scope.
    models = [row for row in state.consents if row.principal is not None and "Mail" not in row.scope]
    have = len(state.consents) + len(state.assignments)
    for place in range(max(0, grants - have)):
        user, turn = made[place % len(made)], place // len(made)
        model = models[(place + turn * 97) % len(models)]
        row = consent_of(model.client, model.resource, model.scope, user.id)
        while row.id in state.consents:
            turn += 1
            model = models[(place + turn * 97) % len(models)]
            row = consent_of(model.client, model.resource, model.scope, user.id)
        state.consents.fill(row)


def _user(person: Person) -> User:
    return User(
        guid("user", person.login),
        person.addresses[0],
        person.name,
        person.addresses,
        person.enabled,
        # The mailbox of somebody who left is gone.
        has_mailbox=person.enabled,
    )


def _tenant(home: str, whole: CloudOrganisation) -> str:
    if home == "own":
        return whole.tenant_id
    return MICROSOFT_TENANTS.get(home) or guid("tenant", home)


def _fill_application(
    state: MicrosoftState, application: Application, whole: CloudOrganisation, start: datetime
) -> None:
    own = application.home == "own"
    keys = tuple(
        Key(
            guid("key", application.key, str(place)),
            one.type,
            one.name,
            ago(start, one.added, application.key, str(place)),
            ahead(start, one.ends),
        )
        for place, one in enumerate(application.credentials)
    )
    owners = tuple(guid("user", one.login) for one in application.owners)
    grants = [one for one in whole.grants if one.application == application.key]
    first = max(grants, key=lambda one: one.made, default=None)
    # Somebody else's application comes into the tenant when it is let in for the first time.
    days = application.created if own or first is None else first.made
    created = ago(start, days, application.key, (first.person or "") if first else "")
    if own:
        registration = Registration(
            guid("registration", application.key),
            application.id,
            application.name,
            created,
            application.reply_urls,
            keys,
            owners,
        )
        state.registrations.fill(registration)
    resource = {"graph": "graph", "exchange-online": "exchange"}.get(application.key)
    principal = ServicePrincipal(
        guid("principal", application.key),
        application.id,
        application.name,
        application.publisher,
        application.verified,
        _tenant(application.home, whole),
        created,
        application.enabled,
        reply_urls=application.reply_urls,
        keys=() if own else keys,
        owners=() if own else owners,
        roles=() if resource is None else tuple((role, value) for value, role in ROLES[resource].items()),
        scopes=() if resource is None else _delegated_scopes(whole, resource),
    )
    state.principals.fill(principal)
    if days <= AUDIT_DAYS:
        by = state.user(guid("user", (first.by or first.person or "") if first else ""))
        state.audits.append(audit_records.added(principal, by, created))
    _fill_application_audits(state, application, principal, start)


def _delegated_scopes(whole: CloudOrganisation, resource: str) -> tuple[tuple[str, str], ...]:
    """The delegated permissions that the resource offers: those that somebody has, in their usual letters."""
    values = {
        scope
        for grant in whole.grants
        if grant.provider == "microsoft" and grant.type == "delegated" and grant.resource == resource
        for scope in grant.scopes.split()
        if scope not in {"user.read", "CALENDARS.READ", "contacts.read"}
    }
    return tuple((guid("scope", value), value) for value in sorted(values))


def _fill_application_audits(
    state: MicrosoftState,
    application: Application,
    principal: ServicePrincipal,
    start: datetime,
) -> None:
    rows, _ = state.registrations.page(0, 1, index="app_id", value=application.id)
    target = rows[0] if rows else principal
    for key, credential in zip(target.keys, application.credentials, strict=True):
        if credential.added <= AUDIT_DAYS:
            by = state.user(guid("user", credential.by))
            state.audits.append(audit_records.keyed(target, key, by, key.starts))
    for owner in application.owners:
        if owner.added <= AUDIT_DAYS:
            whose, by = state.user(guid("user", owner.login)), state.user(guid("user", owner.by))
            assert whose is not None
            time = ago(start, owner.added, application.key, owner.login)
            state.audits.append(audit_records.owned(target, whose, by, time))


def _fill_grant(state: MicrosoftState, grant: Grant, app_id: str, start: datetime) -> None:
    client, resource = state.principal(app_id), state.resource(grant.resource)
    by = state.user(guid("user", grant.by or grant.person or ""))
    time = ago(start, grant.made, grant.application, grant.person or "")
    if grant.type == "application":
        role = ROLES[grant.resource][grant.scopes]
        assignment: Assignment = assignment_of(client.id, resource.id, role, time)
        state.assignments.fill(assignment)
        if grant.made <= AUDIT_DAYS:
            state.audits.append(audit_records.assigned(assignment, client, resource, by, time))
        return
    whose = None if grant.person is None else guid("user", grant.person)
    consent = consent_of(client.id, resource.id, grant.scopes, whose)
    state.consents.fill(consent)
    if grant.made <= AUDIT_DAYS:
        later = time + timedelta(seconds=1)
        state.audits.append(audit_records.delegated(consent, client, resource, by, time))
        state.audits.append(audit_records.consented(consent, client, by, later))


def _fill_mailboxes(state: MicrosoftState, whole: CloudOrganisation) -> None:
    def mailbox(login: str) -> Mailbox:
        user = state.users.get(guid("user", login))
        assert user is not None
        return state.mailbox(user)

    for place, rule in enumerate(whole.mail_rules):
        mailbox(rule.person).rules.append(
            {
                "id": f"AQAAA{guid('rule', rule.person, str(place)).replace('-', '')[:11]}=",
                "displayName": rule.name,
                "sequence": rule.sequence,
                "isEnabled": rule.enabled,
                "hasError": rule.has_error,
                "isReadOnly": rule.read_only,
                "conditions": _in_graphs_form(rule.person, rule.conditions),
                "exceptions": _in_graphs_form(rule.person, rule.exceptions),
                "actions": _in_graphs_form(rule.person, rule.actions),
            }
        )
    for settings in whole.exchange:
        found = mailbox(settings.person)
        found.hidden_rules += [dict(rule) for rule in settings.hidden_rules]
        found.purpose = settings.purpose
        found.forwarding_smtp = settings.forwarding_smtp
        found.deliver_and_forward = settings.deliver_and_forward
        found.full_access += [f"{login}@{state.domain}" for login in settings.full_access]
        found.send_as += [f"{login}@{state.domain}" for login in settings.send_as]


def _in_graphs_form(person: str, part: Mapping[str, Any]) -> dict[str, Any] | None:
    """Recipients as objects, folders as ids; None for a part that says nothing."""
    if not part:
        return None
    made: dict[str, Any] = {}
    for word, value in part.items():
        if word in _RECIPIENTS:
            made[word] = [{"emailAddress": {"name": one, "address": one}} for one in value]
        elif word in {"moveToFolder", "copyToFolder"}:
            made[word] = f"AAMk{guid('folder', person, value).replace('-', '')}AAA="
        else:
            made[word] = value
    return made
