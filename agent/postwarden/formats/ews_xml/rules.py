"""Inbox rules as GetInboxRules lists them ([MS-OXWSRULES]) into mail flows."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.answer import Asked, Refusal, messages, operation
from postwarden.formats.ews_xml.folders import Folders, NamedFolder
from postwarden.formats.ews_xml.rule_actions import effects_of
from postwarden.formats.ews_xml.rule_predicates import exception_of, predicates_of
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, child, children, is_true, text, written
from postwarden.formats.exchange_keeping import keeps_copy
from postwarden.mailflow.conditions import all_of
from postwarden.model.evidence import MailFlow, Setting
from postwarden.model.mailflow import NOTHING, Path
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope

_NO_FOLDERS: Mapping[str, NamedFolder] = MappingProxyType({})


def decode_inbox_rules(
    raw: bytes,
    *,
    scope: Scope,
    source: str,
    check: str,
    observed: datetime,
    folders: Folders = _NO_FOLDERS,
) -> Iterator[Item]:
    """One MailFlow for each rule, a Setting about rules that only Outlook knows, and gaps.

    `observed` is in UTC; `folders` are what `read_folders` found. No bytes raise: an answer that is an error
    is a gap, never the statement that there are no rules, and a rule that the interface does not tell in
    full is a flow with a gap beside it.
    """
    asked = Asked(scope=scope, source=source, check=check, observed=observed)
    try:
        answer = operation(raw, "GetInboxRules")
        if isinstance(answer, Refusal):
            yield asked.refused(answer)
            return
        for message in messages(answer):
            if message.refusal is not None:
                yield asked.refused(message.refusal)
            if message.has_content:
                yield from _outlook(message.element, asked)
                for rule in children(message.element, MESSAGES + "InboxRules", TYPES + "Rule"):
                    yield from _rule(rule, asked, folders)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)


def _outlook(message: Element, asked: Asked) -> Iterator[Item]:
    told = child(message, MESSAGES + "OutlookRuleBlobExists")
    if told is None:
        return
    setting = Setting(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        name="outlook_rule_blob",
        value="present" if is_true(told) else "absent",
    )
    yield Observed(evidence=setting, raw=written(told))


def _rule(rule: Element, asked: Asked, folders: Folders) -> Iterator[Item]:
    shown = text(rule, TYPES + "DisplayName")
    priority = text(rule, TYPES + "Priority")
    key = text(rule, TYPES + "RuleId")
    part = f'rule "{shown}"'
    flaws = []
    if not key:
        flaws.append("the rule has no id")
    if not shown:
        flaws.append("the rule has no name")
    if is_true(rule, TYPES + "IsInError"):
        flaws.append("the server has the rule in error")
    conditions = predicates_of(child(rule, TYPES + "Conditions"))
    exceptions = predicates_of(child(rule, TYPES + "Exceptions"))
    effects = effects_of(child(rule, TYPES + "Actions"), folders)
    unknown = (*conditions.unknown, *exceptions.unknown, *effects.unknown)
    if is_true(rule, TYPES + "IsNotSupported"):
        flaws.append("the rule has parts that this interface does not show")
        yield asked.gap(
            "unsupported",
            "the rule has conditions or actions that GetInboxRules does not show",
            part=part,
            hint="look at the rule's associated item, or open it in Outlook",
        )
    for word in unknown:
        yield asked.gap(
            "unsupported", f"<{word}> is not known", part=part, hint="look at the rule in Outlook"
        )
    condition = all_of((*conditions.parts, exception_of(exceptions)))
    path = Path(
        condition=condition,
        effects=effects.effects,
        reachable=condition != NOTHING,
        keeps_copy=keeps_copy(effects.effects),
    )
    flow = MailFlow(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        origin="inbox_rule",
        key=key or f"{priority}:{shown}",
        name=shown,
        enabled=is_true(rule, TYPES + "IsEnabled"),
        order=int(priority) if priority.isascii() and priority.isdecimal() and len(priority) < 10 else 0,
        paths=(path,) if effects.effects else (),
        flaws=tuple(flaws),
    )
    yield Observed(evidence=flow, raw=written(rule))
