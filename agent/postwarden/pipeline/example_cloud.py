"""Examples about cloud mailboxes: a short form in YAML, written out as the providers' answers, through the real decoders."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets import mailboxes, rules
from postwarden.formats.google_json import gmail_settings
from postwarden.formats.graph_json.mailbox_settings import decode_mailbox_settings
from postwarden.formats.graph_json.rules import decode_rules
from postwarden.model.evidence import Evidence, MailFlow
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import Scope

#: What a provider writes: its own members, by its own names.
Value = bool | int | str | tuple[str, ...] | dict[str, bool | int | str]

_SOURCE, _RULES = "example", "inbox_rules"
#: What Exchange tells of a mailbox that does not forward.
_NOWHERE: dict[str, object] = {"ForwardingAddress": None, "ForwardingSmtpAddress": None}
_RECIPIENTS = frozenset(
    {"forwardTo", "redirectTo", "forwardAsAttachmentTo", "fromAddresses", "sentToAddresses"}
)


class GraphRuleExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as Graph lists it: members of conditions, exceptions and actions by their names; people by address."""

    name: str = "Tidy"
    enabled: bool = True
    sequence: int = 1
    conditions: dict[str, Value] = {}
    exceptions: dict[str, Value] = {}
    actions: dict[str, Value] = {}


class Microsoft365Example(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mailbox of Microsoft 365: what Graph tells (`rules`, `purpose`), and the answers of Exchange's cmdlets.

    `hidden_rules` (Get-InboxRule), `forwarding` (Get-Mailbox), `permissions` (Get-MailboxPermission) and `send_as`
    (Get-RecipientPermission) have members by the cmdlets' own names.
    """

    rules: tuple[GraphRuleExample, ...] = ()
    purpose: str | None = None
    hidden_rules: tuple[dict[str, Value], ...] = ()
    forwarding: dict[str, Value] | None = None
    permissions: tuple[dict[str, Value], ...] = ()
    send_as: tuple[dict[str, Value], ...] = ()


class FilterExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    criteria: dict[str, Value] = {}
    action: dict[str, Value] = {}


class GmailExample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one Gmail account, each as the API's resource of that name has it."""

    filters: tuple[FilterExample, ...] = ()
    auto_forwarding: dict[str, Value] | None = None
    forwarding_addresses: tuple[dict[str, Value], ...] = ()
    send_as: tuple[dict[str, Value], ...] = ()
    delegates: tuple[dict[str, Value], ...] = ()
    imap: dict[str, Value] | None = None
    pop: dict[str, Value] | None = None


def microsoft365_evidence(
    example: Microsoft365Example, *, scope: Scope, observed: datetime
) -> Iterator[Evidence]:
    def asked(check: str) -> Asked:
        return Asked(scope=scope, source=_SOURCE, check=check, observed=observed)

    listed = tuple(_evidence(decode_rules(_listing("value", map(_rule, example.rules)), asked(_RULES))))
    yield from listed
    if example.purpose is not None:
        told = {"automaticRepliesSetting": {"status": "disabled"}, "userPurpose": example.purpose}
        yield from _evidence(decode_mailbox_settings(msgspec.json.encode(told), asked("mailbox_settings")))
    found = rules.read_rules(map(msgspec.json.encode, example.hidden_rules), asked("hidden_rules"))
    yield from _evidence(rules.hidden(found, [one for one in listed if isinstance(one, MailFlow)]))
    if example.forwarding is not None:
        told_of_it = [msgspec.json.encode({**_NOWHERE, **example.forwarding})]
        yield from _evidence(mailboxes.read_mailbox(told_of_it, asked("mailbox_forwarding")))
    rights = map(msgspec.json.encode, (*example.permissions, *example.send_as))
    yield from _evidence(mailboxes.read_permissions(rights, asked("mailbox_permissions")))


def gmail_evidence(example: GmailExample, *, scope: Scope, observed: datetime) -> Iterator[Evidence]:
    def read(
        decode: Callable[[bytes, Asked], Iterator[Item]], check: str, told: Mapping[str, object] | None
    ) -> Iterator[Evidence]:
        if told is not None:
            asked = Asked(scope=scope, source=_SOURCE, check=check, observed=observed)
            yield from _evidence(decode(msgspec.json.encode(told), asked))

    filters = [
        {"id": f"filter {number}", "criteria": one.criteria, "action": one.action}
        for number, one in enumerate(example.filters, 1)
    ]
    yield from read(gmail_settings.decode_filters, "filters", {"filter": filters})
    yield from read(gmail_settings.decode_forwarding, "forwarding", example.auto_forwarding)
    yield from read(
        gmail_settings.decode_forwarding_addresses,
        "forwarding",
        {"forwardingAddresses": example.forwarding_addresses},
    )
    yield from read(gmail_settings.decode_send_as, "send_as", {"sendAs": example.send_as})
    yield from read(gmail_settings.decode_delegates, "delegates", {"delegates": example.delegates})
    yield from read(gmail_settings.decode_imap, "protocols", example.imap)
    yield from read(gmail_settings.decode_pop, "protocols", example.pop)


def _evidence(items: Iterator[Item]) -> Iterator[Evidence]:
    """What was read; raises ValueError for what was not, since an example says nothing else."""
    for item in items:
        match item:
            case Observed(evidence=evidence):
                yield evidence
            case Gap(message=message):
                raise ValueError(f"a part of it is not read: {message}")
            case _:
                continue


def _listing(name: str, items: Iterator[object]) -> bytes:
    return msgspec.json.encode({name: list(items)})


def _rule(rule: GraphRuleExample) -> Mapping[str, object]:
    return {
        "id": f"rule {rule.name} {rule.sequence}",
        "displayName": rule.name,
        "sequence": rule.sequence,
        "isEnabled": rule.enabled,
        "conditions": _people(rule.conditions),
        "exceptions": _people(rule.exceptions),
        "actions": _people(rule.actions),
    }


def _people(parts: Mapping[str, Value]) -> Mapping[str, object]:
    return {name: _addresses(value) if name in _RECIPIENTS else value for name, value in parts.items()}


def _addresses(value: Value) -> list[object]:
    given = value if isinstance(value, tuple) else (str(value),)
    return [{"emailAddress": {"address" if "@" in one else "name": one}} for one in given]
