"""When a message rule applies (messageRulePredicates)."""

import re
from collections.abc import Mapping

from msgspec import Struct

from postwarden.formats import json_text
from postwarden.formats.graph_json.recipients import Recipient
from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.model.encoding import encodable
from postwarden.model.mailflow import EVERYTHING, Condition, Operator, Test

#: Microsoft's page on sizeRange counts in kilobytes.
_KILOBYTE = 1024
_STRINGS: dict[str, tuple[str, ...]] = {
    "bodyContains": ("body",),
    "headerContains": ("header:*",),
    "recipientContains": ("to", "cc"),
    "senderContains": ("from",),
    "bodyOrSubjectContains": ("subject", "body"),
    "subjectContains": ("subject",),
}
_ADDRESSES: dict[str, tuple[str, ...]] = {"fromAddresses": ("from",), "sentToAddresses": ("to", "cc")}
_LISTS = {"categories": "category is"}
_WORDS = {
    "messageActionFlag": "flagged for",
    "importance": "importance is",
    "sensitivity": "sensitivity is",
}
_FLAGS = frozenset(
    {
        "hasAttachments",
        "isApprovalRequest",
        "isAutomaticForward",
        "isAutomaticReply",
        "isEncrypted",
        "isMeetingRequest",
        "isMeetingResponse",
        "isNonDeliveryReport",
        "isPermissionControlled",
        "isReadReceipt",
        "isSigned",
        "isVoicemail",
        "notSentToMe",
        "sentCcMe",
        "sentOnlyToMe",
        "sentToMe",
        "sentToOrCcMe",
    }
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Predicates(Struct, frozen=True, kw_only=True):
    """The conditions of one part of a rule, and the names of predicates that are not known."""

    parts: tuple[Condition, ...]
    unknown: tuple[str, ...] = ()


class _Sizes(Struct, frozen=True, kw_only=True, rename="camel"):
    minimum_size: int | None = None
    maximum_size: int | None = None


def predicates_of(predicates: Mapping[str, bytes]) -> Predicates:
    """The parts of conditions or exceptions; of several, conditions must all hold, exceptions any.

    Raises JsonError where one has another form.
    """
    parts: list[Condition] = []
    unknown: list[str] = []
    for word, raw in predicates.items():
        found = _predicate(word, raw)
        if found is None:
            unknown.append(word)
            found = _other(f"{encodable(word)}, which is not known")
        if found != _UNSET:
            parts.append(found)
    return Predicates(parts=tuple(parts), unknown=tuple(unknown))


def exception_of(exceptions: Predicates) -> Condition:
    """That none of the exceptions holds."""
    return negate(any_of(exceptions.parts))


# A predicate without a value asks nothing.
_UNSET = Test(field="other", operator="other")


def _predicate(word: str, raw: bytes) -> Condition | None:
    if word in _STRINGS:
        return _tests(_STRINGS[word], "contains", json_text.item(raw, tuple[str, ...]))
    if word in _ADDRESSES:
        told = tuple(one.name_or_address for one in json_text.item(raw, tuple[Recipient, ...]))
        return _tests(_ADDRESSES[word], "is", told)
    if word in _LISTS:
        values = json_text.item(raw, tuple[str, ...])
        return any_of(_other(f"{_LISTS[word]} {encodable(one)}") for one in values) if values else _UNSET
    if word in _WORDS:
        return _other(f"{_WORDS[word]} {encodable(json_text.item(raw, str))}")
    if word in _FLAGS:
        # `hasAttachments` reads as "has attachments".
        words = _HUMP.sub(" ", word).lower().removeprefix("is ")
        return _other(words) if json_text.item(raw, bool) else _UNSET
    return _size(json_text.item(raw, _Sizes)) if word == "withinSizeRange" else None


def _tests(fields: tuple[str, ...], operator: Operator, values: tuple[str, ...]) -> Condition:
    told = tuple(encodable(one) for one in values)
    return any_of(Test(field=field, operator=operator, values=told) for field in fields) if told else _UNSET


def _size(sizes: _Sizes) -> Condition:
    """A minimum of nothing is met by every message, and so no test; a maximum of nothing is no maximum."""
    low, high = sizes.minimum_size, sizes.maximum_size
    parts: list[Condition] = []
    if low is not None and low > 0:
        parts.append(Test(field="size", operator="over", values=(str(low * _KILOBYTE - 1),)))
    if high:
        parts.append(Test(field="size", operator="under", values=(str(high * _KILOBYTE + 1),)))
    if not parts:
        return EVERYTHING if low is not None or high is not None else _UNSET
    return all_of(parts)


def _other(value: str) -> Test:
    return Test(field="other", operator="other", values=(value,))
