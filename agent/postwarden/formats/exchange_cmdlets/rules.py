"""Inbox rules as Get-InboxRule writes them, the hidden ones too, into mail flows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Raw, Struct
from msgspec.structs import replace

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets.answer import recipient, texts_in
from postwarden.formats.exchange_keeping import keeps_copy
from postwarden.formats.json_text import JsonError
from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.model.encoding import encodable
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import NOTHING, Condition, Effect, EffectKind, Operator, Path, Test
from postwarden.model.reading import Item, Observed

_RECIPIENTS: dict[str, EffectKind] = {
    "ForwardTo": "forward",
    "ForwardAsAttachmentTo": "forward_as_attachment",
    "RedirectTo": "redirect",
}
_FLAGS = {
    "DeleteMessage": Effect(what="delete"),
    "SoftDeleteMessage": Effect(what="delete", permanent=True),
    "MarkAsRead": Effect(what="mark_read"),
    "StopProcessingRules": Effect(what="stop"),
}
_FOLDERS: dict[str, EffectKind] = {"MoveToFolder": "move", "CopyToFolder": "copy_to_folder"}
_WORDS: dict[str, tuple[tuple[str, ...], Operator]] = {
    "SubjectContainsWords": (("subject",), "contains"),
    "SubjectOrBodyContainsWords": (("subject", "body"), "contains"),
    "BodyContainsWords": (("body",), "contains"),
    "HeaderContainsWords": (("header:*",), "contains"),
    "FromAddressContainsWords": (("from",), "contains"),
    "RecipientAddressContainsWords": (("to", "cc"), "contains"),
    "From": (("from",), "is"),
    "SentTo": (("to", "cc"), "is"),
}
_EXCEPT = "ExceptIf"
#: What else picks messages, by Microsoft's page on Get-InboxRule's relatives New- and Set-InboxRule.
_CONDITIONS = frozenset(
    {
        *_WORDS, "FlaggedForAction", "FromSubscription", "HasAttachment", "HasClassification", "MessageTypeMatches",
        "MyNameInCcBox", "MyNameInToBox", "MyNameInToOrCcBox", "MyNameNotInToBox", "ReceivedAfterDate",
        "ReceivedBeforeDate", "SentOnlyToMe", "WithImportance", "WithSensitivity", "WithinSizeRangeMaximum",
        "WithinSizeRangeMinimum",
    }
)  # fmt: skip
_SENDING = frozenset({"redirect", "forward", "forward_as_attachment"})
#: What says nothing about which messages it is, or what becomes of them.
_LABELS = frozenset(
    {
        "Identity", "RuleIdentity", "MailboxOwnerId", "Name", "Enabled", "Priority", "Description", "InError",
        "SupportedByTask", "IsValid", "ObjectState", "ErrorType", "Legacy", "DescriptionTimeFormat",
        "DescriptionTimeZone", "RunspaceId", "PSComputerName", "PSShowComputerName",
    }
)  # fmt: skip


class _Rule(Struct, frozen=True, kw_only=True, rename="pascal"):
    name: str | None = None
    rule_identity: int | str | None = None
    identity: str | None = None
    enabled: bool | None = None
    priority: int | None = None
    in_error: bool | None = None


def read_rules(items: Iterable[bytes], asked: Asked) -> Iterator[Item]:
    """One MailFlow for each rule, and gaps for what is not known of it; no bytes raise."""
    for number, raw in enumerate(items, 1):
        try:
            yield from _flow(raw, asked)
        except JsonError as error:
            yield asked.failed(error, part=f"rule {number}")


def hidden(rules: Iterable[Item], listed: Sequence[MailFlow]) -> Iterator[Item]:
    """Those of the cmdlet's rules that no listed one accounts for, marked as hidden; gaps are as they are.

    Where there are as many of a name as are listed, they are those. Where there are more, only what does the same
    for the same messages is accounted for: none of the others may pass for a rule that its owner sees.
    """
    left: dict[str, list[MailFlow]] = {}
    for flow in listed:
        left.setdefault(flow.name.strip(), []).append(flow)
    items = list(rules)
    named = Counter(flow.name.strip() for flow in _flows(items))
    for item in items:
        if not isinstance(item, Observed) or not isinstance(item.evidence, MailFlow):
            yield item
            continue
        name = item.evidence.name.strip()
        same = left.get(name, []) if name else []
        if name and named[name] <= len(same):
            continue
        known = next((one for one in same if _does(one) == _does(item.evidence)), None)
        if known is not None:
            same.remove(known)
            named[name] -= 1
            continue
        yield Observed(evidence=replace(item.evidence, hidden=True), raw=item.raw)


def _flows(items: Iterable[Item]) -> Iterator[MailFlow]:
    for item in items:
        if isinstance(item, Observed) and isinstance(item.evidence, MailFlow):
            yield item.evidence


def _does(flow: MailFlow) -> list[tuple[Condition, set[tuple[str, str]]]]:
    """What it does for which messages; folders are named by ids in one place, and by names in the other."""
    return [
        (
            path.condition,
            {
                (effect.what, (effect.target or "").casefold() if effect.what in _SENDING else "")
                for effect in path.effects
            },
        )
        for path in flow.paths
    ]


def _flow(raw: bytes, asked: Asked) -> Iterator[Item]:
    rule = json_text.item(raw, _Rule)
    told = {
        name: bytes(value)
        for name, value in json_text.item(raw, dict[str, Raw]).items()
        if bytes(value) not in {b"null", b"false", b"[]", b'""'} and "@" not in name and name not in _LABELS
    }
    shown = encodable(rule.name or "")
    effects: list[Effect] = []
    conditions: list[Condition] = []
    exceptions: list[Condition] = []
    for name, value in told.items():
        if (
            name in _FLAGS
            or name in _RECIPIENTS
            or name in _FOLDERS
            or name in {"ApplyCategory", "MarkImportance"}
        ):
            effects += _effects(name, value)
        else:
            into = exceptions if name.startswith(_EXCEPT) else conditions
            into.append(_condition(name.removeprefix(_EXCEPT), value))
            if name.removeprefix(_EXCEPT) not in _CONDITIONS:
                yield asked.gap(
                    "unsupported", f"{encodable(name)[:100]!r} of a rule is not known", part=f"rule {shown}"
                )
    condition = all_of((*conditions, negate(any_of(exceptions))))
    flow = MailFlow(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        origin="inbox_rule",
        key=f"cmdlet:{rule.rule_identity or rule.identity or shown}",
        name=shown,
        enabled=rule.enabled is not False,
        order=rule.priority if rule.priority is not None and 0 <= rule.priority < 2**31 else 0,
        paths=(
            Path(
                condition=condition,
                effects=tuple(effects),
                reachable=condition != NOTHING,
                keeps_copy=keeps_copy(effects),
            ),
        )
        if effects
        else (),
        flaws=("the server has the rule in error",) if rule.in_error else (),
    )
    yield Observed(evidence=flow, raw=raw)


def _effects(name: str, value: bytes) -> Iterator[Effect]:
    if name in _FLAGS:
        yield _FLAGS[name]
        return
    for text in texts_in(value):
        if name in _RECIPIENTS:
            target, resolved = recipient(text)
            yield Effect(what=_RECIPIENTS[name], target=target, resolved=resolved)
        elif name in _FOLDERS:
            # The folder's name, which may be anything, or an id.
            yield Effect(what=_FOLDERS[name], target=text, resolved=False)
        else:
            yield Effect(
                what="label", target=f"{'category' if name == 'ApplyCategory' else 'importance'} {text}"
            )


def _condition(name: str, value: bytes) -> Condition:
    known = _WORDS.get(name)
    if known is None:
        shown = value.decode("utf-8", "backslashreplace")[:200]
        return Test(field="other", operator="other", values=(encodable(f"{name} {shown}"),))
    fields, operator = known
    values = texts_in(value)
    if operator == "is":
        values = tuple(recipient(one)[0] for one in values)
    return any_of(Test(field=field, operator=operator, values=values) for field in fields)
