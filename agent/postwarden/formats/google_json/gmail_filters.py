"""Filters of Gmail into mail flows."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.gmail_query import condition_of
from postwarden.mailflow.conditions import all_of, negate
from postwarden.model.encoding import encodable
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import NOTHING, Condition, Effect, Operator, Path, Test
from postwarden.model.reading import Item, Observed

_CRITERIA = frozenset(
    {
        "from",
        "to",
        "subject",
        "query",
        "negatedQuery",
        "hasAttachment",
        "excludeChats",
        "size",
        "sizeComparison",
    }
)
_ACTIONS = frozenset({"addLabelIds", "removeLabelIds", "forward"})


class Filter(Struct, frozen=True, kw_only=True):
    """A filter as it stands; what its parts have beyond what is known is told as a gap."""

    id: str
    criteria: dict[str, Raw] | None = None
    action: dict[str, Raw] | None = None


class _Criteria(Struct, frozen=True, kw_only=True, rename="camel"):
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    subject: str | None = None
    query: str | None = None
    negated_query: str | None = None
    has_attachment: bool | None = None
    size: int | None = None
    size_comparison: str | None = None


class _Action(Struct, frozen=True, kw_only=True, rename="camel"):
    add_label_ids: tuple[str, ...] | None = None
    remove_label_ids: tuple[str, ...] | None = None
    forward: str | None = None


def flow_of(told: Filter, raw: bytes, number: int, asked: Asked) -> Iterator[Item]:
    """The filter as a MailFlow, after gaps about what is not known of it; raises JsonError."""
    criteria, action = told.criteria or {}, told.action or {}
    for word in (*(set(criteria) - _CRITERIA), *(set(action) - _ACTIONS)):
        yield asked.gap(
            "unsupported",
            f"{word[:100]!r} is not known",
            part=f"filter {number}",
            hint="look at the account's filters in Gmail",
        )
    condition = _condition(_converted(criteria, _Criteria), sorted(set(criteria) - _CRITERIA))
    effects = tuple(_effects(_converted(action, _Action)))
    deleted = any(effect.what == "delete" for effect in effects)
    path = Path(condition=condition, effects=effects, reachable=condition != NOTHING, keeps_copy=not deleted)
    flow = MailFlow(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        origin="gmail_filter",
        key=encodable(told.id),
        # Gmail's filters have no names.
        name=f"filter {number}",
        enabled=True,
        order=number,
        paths=(path,) if effects else (),
    )
    yield Observed(evidence=flow, raw=raw)


def _converted(parts: dict[str, Raw], kind: type[json_text.Kind]) -> json_text.Kind:
    return json_text.item(msgspec.json.encode(parts), kind)


def _condition(criteria: _Criteria, unknown: list[str]) -> Condition:
    parts: list[Condition] = []
    for text, fields in (
        (criteria.from_, ("from",)),
        (criteria.to, ("to", "cc")),
        (criteria.subject, ("subject",)),
        (criteria.query, ("subject", "body")),
    ):
        if text:
            parts.append(condition_of(text, fields))
    if criteria.negated_query:
        parts.append(negate(condition_of(criteria.negated_query)))
    if criteria.has_attachment:
        parts.append(Test(field="other", operator="other", values=("has attachments",)))
    comparison = criteria.size_comparison or "unspecified"
    if comparison not in {"larger", "smaller", "unspecified"}:
        compared = f"size {encodable(comparison)} {criteria.size}, which is not known"
        parts.append(Test(field="other", operator="other", values=(compared,)))
    elif criteria.size is not None and comparison != "unspecified":
        larger = comparison == "larger"
        # Larger than nothing is every message.
        if not larger or criteria.size > 0:
            operator: Operator = "over" if larger else "under"
            parts.append(Test(field="size", operator=operator, values=(str(criteria.size),)))
    parts += [
        Test(field="other", operator="other", values=(f"{encodable(word)}, which is not known",))
        for word in unknown
    ]
    return all_of(parts)


def _effects(action: _Action) -> Iterator[Effect]:
    """Labels by their ids: what users' own are called is asked with a right to read mail."""
    added, removed = list(action.add_label_ids or ()), set(action.remove_label_ids or ())
    if action.forward:
        yield Effect(what="redirect", target=encodable(action.forward))
    if "TRASH" in added:
        yield Effect(what="delete")
    elif "SPAM" in added:
        yield Effect(what="move", target="\\Junk")
    own = [one for one in added if one not in {"TRASH", "SPAM", "INBOX"}]
    if "INBOX" in removed and not {"TRASH", "SPAM"} & set(added):
        folder = next((one for one in own if one.startswith("Label_")), None)
        if folder is not None:
            own.remove(folder)
            yield Effect(what="move", target=encodable(folder), resolved=False, folder_id=encodable(folder))
        else:
            yield Effect(what="move", target="\\All")
    if "UNREAD" in removed:
        yield Effect(what="mark_read")
    for one in own:
        yield Effect(what="label", target=f"label {encodable(one)}")
    for one in sorted(removed - {"INBOX", "UNREAD"}):
        yield Effect(what="label", target=f"without label {encodable(one)}")
