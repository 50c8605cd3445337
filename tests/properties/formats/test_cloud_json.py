"""Answers of clouds, whatever is in them."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.formats import json_text, keycloak_json
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets import mailboxes, roles, rules
from postwarden.formats.google_json import activities, gmail_settings, tokens
from postwarden.formats.google_json import people as google_people
from postwarden.formats.google_json.gmail_query import condition_of
from postwarden.formats.graph_json import answer, applications, audits, grants, people
from postwarden.formats.graph_json.mailbox_settings import decode_mailbox_settings
from postwarden.formats.graph_json.rules import decode_rules
from postwarden.formats.json_text import JsonError
from postwarden.model.encoding import encode
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import account_scope

ASKED = Asked(
    scope=account_scope("login:a"), source="cloud", check="x", observed=datetime(2026, 11, 23, tzinfo=UTC)
)


#: Words that the formats look for, and anything else.
NAMES = st.sampled_from(
    [
        "id", "value", "displayName", "conditions", "actions", "exceptions", "subjectContains", "forwardTo", "redirectTo",
        "moveToFolder", "withinSizeRange", "minimumSize", "emailAddress", "address", "isEnabled", "sequence", "filter",
        "criteria", "action", "from", "query", "addLabelIds", "forward", "users", "items", "events", "parameters", "name",
        "actor", "email", "time", "multiValue", "clientId", "scopes", "codeId", "creationTime", "primaryEmail", "aliases",
        "proxyAddresses", "userPrincipalName", "mail", "appId", "keyCredentials", "passwordCredentials", "keyId",
        "endDateTime", "scope", "principalId", "resourceId", "consentType", "activityDateTime", "activityDisplayName",
        "targetResources", "modifiedProperties", "newValue", "initiatedBy", "user", "type", "Name", "RedirectTo", "User",
        "AccessRights", "ForwardingSmtpAddress", "Role", "RoleAssignee", "username", "createdDate", "start",
        "automaticRepliesSetting", "status", "@odata.nextLink", "@removed", "@odata.context", "error", "code", "delegates",
        "delegateEmail", "sendAs", "sendAsEmail", "enabled", "disposition", "accessWindow", "verifiedPublisher",
    ]
)  # fmt: skip
TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "2026-11-23T12:00:00Z",
        "9999-99-99",
        "a@x.example",
        "smtp:a@x.example",
        "\ud800",
        "\x1b[31m",
        "\u202e",
        "x" * 5000,
        "true",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=6),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=8)


def written(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


#: Decoders that turn an answer into items, which may raise nothing but a JsonError.
DECODERS: dict[str, Callable[[bytes, Asked], Iterator[Item]]] = {
    "rules": decode_rules,
    "mailbox_settings": decode_mailbox_settings,
    "forwarding": gmail_settings.decode_forwarding,
    "forwarding_addresses": gmail_settings.decode_forwarding_addresses,
    "filters": gmail_settings.decode_filters,
    "send_as": gmail_settings.decode_send_as,
    "delegates": gmail_settings.decode_delegates,
    "imap": gmail_settings.decode_imap,
    "pop": gmail_settings.decode_pop,
    "cmdlet_rules": lambda raw, asked: rules.read_rules([raw], asked),
    "cmdlet_mailbox": lambda raw, asked: mailboxes.read_mailbox([raw], asked),
    "cmdlet_permissions": lambda raw, asked: mailboxes.read_permissions([raw], asked),
}
#: Readers of one thing.
READERS: dict[str, Callable[[bytes], Any]] = {
    "listing": answer.read_listing,
    "removed": answer.removed_id,
    "person": people.read_person,
    "principal": applications.read_service_principal,
    "registration": applications.read_registration,
    "owner": applications.read_owner,
    "roles": applications.read_roles,
    "delegated": grants.read_delegated,
    "assigned": grants.read_assigned,
    "audit": audits.read_audit,
    "google_person": google_people.read_person,
    "events": activities.read_events,
    "unread_events": activities.unread_events,
    "tokens": tokens.read_tokens,
    "app_passwords": tokens.read_app_passwords,
    "keycloak_person": keycloak_json.read_person,
    "keycloak_client": keycloak_json.read_client,
    "keycloak_consent": keycloak_json.read_consent,
    "keycloak_session": keycloak_json.read_session,
    "assignment": roles.read_assignment,
}


def recorded(items: Iterator[Item]) -> None:
    try:
        for item in items:
            encode(item.evidence if isinstance(item, Observed) else item)
    except JsonError:
        return


@pytest.mark.parametrize("name", DECODERS)
@given(value=DOCUMENTS | VALUES)
def test_whatever_an_answer_says_can_be_recorded(name: str, value: Any) -> None:
    """Any JSON, of whatever shape, becomes evidence and gaps that a record can hold, or is refused as malformed."""
    raw = written(value)
    recorded(DECODERS[name](raw, ASKED))
    wrapped = written({"value": [value], "filter": [value], "delegates": [value], "sendAs": [value]})
    recorded(DECODERS[name](wrapped, ASKED))


@pytest.mark.parametrize("name", READERS)
@given(value=DOCUMENTS)
def test_whatever_an_entry_says_is_read_or_refused(name: str, value: Any) -> None:
    """Nothing but a JsonError comes out of a reader, and what it read holds no text that cannot be written."""
    try:
        found = READERS[name](written(value))
    except JsonError:
        return
    if name in {"person", "google_person", "keycloak_person", "events", "audit"}:
        encode(found)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    """What is no JSON is refused, however it begins."""
    with suppress(JsonError):
        json_text.look(raw)
    for decode in DECODERS.values():
        recorded(decode(raw, ASKED))


@given(st.text(max_size=60) | st.text(alphabet='ab ():{}|"-OR subject:from', max_size=60))
def test_no_search_crashes(query: str) -> None:
    """Every search has a condition that can be recorded."""
    encode(msgspec.to_builtins(condition_of(query)))
