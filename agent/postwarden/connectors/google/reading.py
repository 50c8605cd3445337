"""What an audit reads of one account: what it let in, and seven settings of its mailbox."""

from collections.abc import Callable, Iterator, Sequence

from postwarden.connectors.google import requests
from postwarden.connectors.google.consents import Consent
from postwarden.connectors.google.domain import Domain
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.formats.asked import Asked
from postwarden.formats.google_json import gmail_settings
from postwarden.formats.google_json.activities import AUTHORIZE, REVOKE
from postwarden.formats.google_json.people import Person
from postwarden.formats.google_json.tokens import read_app_passwords, read_tokens
from postwarden.model.application import Application
from postwarden.model.encoding import encodable
from postwarden.model.evidence import Grant
from postwarden.model.reading import Item, Observed

GRANTS, FORWARDING, FILTERS, SEND_AS = "grants", "forwarding", "filters", "send_as"
DELEGATES, PROTOCOLS, APP_PASSWORDS = "delegates", "protocols", "app_passwords"

#: Clients that a gap names, and characters of each.
_NAMED, _CHARACTERS = 5, 120

#: What Google's own lists call all of its interfaces.
RESOURCE = "Google APIs"

#: Each check of the mailbox, the settings that it is read from, and what they say.
SETTINGS: dict[str, tuple[tuple[str, Callable[[bytes, Asked], Iterator[Item]]], ...]] = {
    FORWARDING: (
        ("autoForwarding", gmail_settings.decode_forwarding),
        ("forwardingAddresses", gmail_settings.decode_forwarding_addresses),
    ),
    FILTERS: (("filters", gmail_settings.decode_filters),),
    SEND_AS: (("sendAs", gmail_settings.decode_send_as),),
    DELEGATES: (("delegates", gmail_settings.decode_delegates),),
    PROTOCOLS: (("imap", gmail_settings.decode_imap), ("pop", gmail_settings.decode_pop)),
}


def grants(domain: Domain, security: Session | None, person: Person, asked: Asked) -> Iterator[Item]:
    """What the person let in: from the log, and, where the Directory may be asked, all that is there now."""
    known = {one.client: one for one in domain.of_person(person.id, person.address)}
    unread = [one for one in known.values() if one.granted is None]
    holders, population = domain.holders.get(), domain.people.get().population
    found: dict[str, tuple[str, tuple[str, ...], bytes]] = {
        one.client: (one.name, one.scopes, one.raw) for one in known.values() if one.granted is not None
    }
    if security is not None:
        raw = security.get(requests.tokens(person.id), patience=Patience(security.pause))
        found = {
            encodable(token.client_id): (
                encodable(token.display_text or ""),
                tuple(map(encodable, token.scopes or ())),
                item,
            )
            for token, item in read_tokens(raw)
        }
    else:
        yield asked.gap(
            "unsupported",
            "the log goes back 180 days: what was let in before, and is seldom at work, is not seen",
            part="older grants",
            hint="set list_tokens = true, whose scope could also write, or accept this gap",
        )
        if unread:
            # One gap for all of them: only so many are kept, and this one is there at every read.
            yield asked.gap(
                "unsupported",
                "they are at work, and were let in before the log begins: what they may do is not told, and not judged",
                part=f"scopes of {_named(unread)}",
                hint="look at them in the admin console, under API controls, or set list_tokens = true",
            )
        yield from domain.unread(asked, AUTHORIZE, REVOKE)
    for client in sorted(found):
        name, scopes, raw = found[client]
        consent = known.get(client)
        grant = Grant(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            provider="google",
            grant_type="delegated",
            application=Application(id=client, name=name),
            resource=RESOURCE,
            scopes=scopes,
            consent="user",
            granted=consent.granted if consent else None,
            granted_by=consent.granted_by or None if consent else None,
            last_used=consent.used if consent else None,
            holders=holders.get(client),
            population=population,
            account_enabled=person.enabled,
        )
        yield Observed(evidence=grant, raw=raw)


def _named(clients: Sequence[Consent]) -> str:
    told = [f"{one.name or 'no name'} ({one.client})"[:_CHARACTERS] for one in clients[:_NAMED]]
    return ", ".join(told) + (f" and {len(clients) - _NAMED} more" if len(clients) > _NAMED else "")


def app_passwords(security: Session, person: Person, asked: Asked) -> Iterator[Item]:
    """Passwords for single programs, without a second factor."""
    raw = security.get(requests.app_passwords(person.id), patience=Patience(security.pause))
    for password, item in read_app_passwords(raw):
        grant = Grant(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            provider="google",
            grant_type="app_password",
            application=Application(
                id=f"app-password:{password.code_id}", name=encodable(password.name or "")
            ),
            resource="Gmail",
            consent="user",
            granted=password.created,
            last_used=password.used,
            account_enabled=person.enabled,
        )
        yield Observed(evidence=grant, raw=item)


def settings(session: Session, person: Person, asked: Asked) -> Iterator[Item]:
    """What the settings of the check say; raises ConnectorError."""
    patience = Patience(session.pause)
    answers = [
        (decode, session.get(requests.setting(person.address, name), patience=patience))
        for name, decode in SETTINGS[asked.check]
    ]
    for decode, raw in answers:
        yield from decode(raw, asked)
