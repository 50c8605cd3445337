"""What an audit reads of one account: its grants, and in one request the rules and settings of its mailbox."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from postwarden.connectors.graph import requests
from postwarden.connectors.graph.tenant import Dates, Tenant
from postwarden.connectors.rest import batch, checks
from postwarden.connectors.rest.patience import NotLetIn, Patience
from postwarden.connectors.rest.session import Session, Slots
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.formats.graph_json.answer import ensure_about
from postwarden.formats.graph_json.audits import Audit
from postwarden.formats.graph_json.grants import read_delegated
from postwarden.formats.graph_json.mailbox_settings import decode_mailbox_settings
from postwarden.formats.graph_json.people import Person
from postwarden.formats.graph_json.rules import decode_rules
from postwarden.model.evidence import Grant
from postwarden.model.reading import Item, Observed

GRANTS = "grants"
INBOX_RULES = "inbox_rules"
MAILBOX_SETTINGS = "mailbox_settings"


def grants(tenant: Tenant, person: Person, asked: Asked, home: str | None) -> Iterator[Item]:
    """What the person consented to, or an administrator for them alone; what is for everybody is the tenant's.

    All of them are kept as one: the entries of the tenant's listing that are about the person, by their ids, a line
    each. What is known of the applications themselves is kept once, with the tenant.
    """
    delegations, principals = tenant.delegations.get(), tenant.principals.get()
    population = tenant.people.get().population
    dates = tenant.dates.get_or(Dates())
    entries = [delegations.raw[one] for one in sorted(delegations.of_person.get(person.id, ()))]
    together = b"\n".join(entries)
    for grant in map(read_delegated, entries):
        application, known = tenant.application(grant.client_id, home)
        if not known:
            yield asked.gap(
                "malformed",
                "the tenant does not list the application that the grant is for",
                part=f"grant {grant.id}",
                hint="it came or went while it was read: the next sweep shows it",
            )
        audit = dates.consents.get((grant.client_id, person.id))
        everybody = grant.client_id in delegations.clients_of_everybody
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
            consent=_consent(audit, person),
            granted=audit.dated if audit else None,
            granted_by=audit.author if audit else None,
            holders=population if everybody else delegations.holders.get(grant.client_id),
            population=population,
            account_enabled=person.enabled,
        )
        yield Observed(evidence=found, raw=together)


def _consent(audit: Audit | None, person: Person) -> Literal["user", "administrator"] | None:
    """Who consented, as only audits tell: they go back 30 days, and without one it may have been either."""
    if audit is None or audit.author is None:
        return None
    return "user" if audit.author.casefold() == person.login.casefold() else "administrator"


def mailbox(session: Session, slots: Slots, person: Person, asked: Callable[[str], Asked]) -> Iterator[Item]:
    """The checks of the mailbox, each with its end; raises NotLetIn, and ConnectorError where nothing came at all."""
    questions = requests.mailbox(person.id)
    with slots.taken(len(questions)):
        answers = batch.ask(session, questions, patience=Patience(session.pause))
    rules, settings = answers
    for check, answer, decode in (
        (INBOX_RULES, rules, decode_rules),
        (MAILBOX_SETTINGS, settings, decode_mailbox_settings),
    ):
        about = asked(check)
        if isinstance(answer, NotLetIn):
            raise answer
        if isinstance(answer, ConnectorError):
            yield about.failed(answer)
        else:
            yield from checks.one(about, partial(_told, answer, person, decode))


def _told(
    answer: bytes, person: Person, decode: Callable[[bytes, Asked], Iterator[Item]], asked: Asked
) -> Iterator[Item]:
    ensure_about(answer, person.id)
    yield from decode(answer, asked)
