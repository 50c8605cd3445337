"""Rules as they are stored in the inbox's associated items: answers to FindItem and GetItem into mail flows.

Here are the rules that no client lists: those without a name or provider, those of other programs, and
those that are damaged on purpose.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain

import msgspec
from msgspec import Struct

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.answer import Asked, Message, Refusal, messages, operation
from postwarden.formats.ews_xml.extended import properties
from postwarden.formats.ews_xml.stored_rule import Stored, stored
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, child, children, text, written
from postwarden.mailflow.listing import accounted, is_listable
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope

_RULES = ("IPM.RULE.", "IPM.EXTENDEDRULE.")


class _Labels(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    provider: str


def decode_rule_items(
    raw: bytes,
    *,
    scope: Scope,
    source: str,
    check: str,
    observed: datetime,
    listed: Sequence[MailFlow] | None = None,
) -> Iterator[Item]:
    """One MailFlow for each item that is a rule, and gaps; other items are passed over.

    `listed` are the rules that GetInboxRules told, where that was asked: each accounts for one item of its name
    that does the same, and what is left is hidden. Without it, a rule without a name or provider is, and
    one of Exchange's own. `observed` is in UTC. No bytes raise: an answer that is an error is a gap, and so is a rule whose actions or conditions
    are not there or cannot be read; that rule is a flow all the same, with its flaws.
    """
    asked = Asked(scope=scope, source=source, check=check, observed=observed)
    try:
        answer = operation(raw, "FindItem", "GetItem")
        if isinstance(answer, Refusal):
            yield asked.refused(answer)
            return
        found: list[Item] = []
        for message in messages(answer):
            if message.refusal is not None:
                found.append(asked.refused(message.refusal))
            if message.has_content:
                found += _items(message, asked)
        yield from found if listed is None else _without(found, listed)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)


def _without(found: Sequence[Item], listed: Sequence[MailFlow]) -> Iterator[Item]:
    """The same with each rule hidden that no listed one accounts for."""
    flows = [item.evidence for item in found if isinstance(item, Observed)]
    rules = [flow for flow in flows if isinstance(flow, MailFlow)]
    seen = {id(rules[index]) for index in accounted(rules, listed)}
    for item in found:
        if isinstance(item, Observed) and isinstance(item.evidence, MailFlow):
            flow = msgspec.structs.replace(item.evidence, hidden=id(item.evidence) not in seen)
            yield Observed(evidence=flow, raw=item.raw)
        else:
            yield item


def _items(message: Message, asked: Asked) -> Iterator[Item]:
    root = child(message.element, MESSAGES + "RootFolder")
    items = chain(
        children(message.element, MESSAGES + "Items", "*"),
        children(root, TYPES + "Items", "*"),
        children(root, TYPES + "Groups", "*", TYPES + "Items", "*"),
    )
    for position, item in enumerate(items, 1):
        yield from _item(item, position, asked)
    if root is not None and root.get("IncludesLastItemInRange") in {"false", "0"}:
        yield asked.gap("unsupported", "this page of items is not the last", hint="read the next page too")


def _item(item: Element, position: int, asked: Asked) -> Iterator[Item]:
    kind = text(item, TYPES + "ItemClass").upper()
    found = properties(item)
    if not kind.startswith(_RULES) and (kind or not found.has_rule):
        return
    rule = stored(found)
    labels = _labels(item, rule, position)
    flow = MailFlow(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        origin="rule_item",
        key=labels.key,
        name=labels.name,
        enabled=rule.enabled,
        hidden=not is_listable(labels.name, labels.provider),
        order=rule.sequence,
        paths=rule.paths,
        created=_moment(text(item, TYPES + "DateTimeCreated")),
        modified=_moment(text(item, TYPES + "LastModifiedTime")),
        author=text(item, TYPES + "LastModifiedName") or None,
        provider=labels.provider or None,
        flaws=rule.flaws,
    )
    yield Observed(evidence=flow, raw=written(item))
    for missing in rule.missing:
        hint = "keep the item's raw bytes and look at it with an editor of MAPI properties"
        yield asked.gap(missing.reason, missing.message, part=f'rule item "{labels.name}"', hint=hint)


def _labels(item: Element, rule: Stored, position: int) -> _Labels:
    found = child(item, TYPES + "ItemId")
    key = found.get("Id", "") if found is not None else ""
    return _Labels(key=key or f"item {position}: {rule.name}", name=rule.name, provider=rule.provider)


def _moment(shown: str) -> datetime | None:
    """An xs:dateTime in UTC; None where there is none, or one without a zone."""
    try:
        moment = datetime.fromisoformat(shown)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
