"""When an inbox rule applies (RulePredicatesType)."""

import re
from collections.abc import Callable

from msgspec import Struct

from postwarden.formats.ews_xml.tree import TYPES, Element, children, is_true, name, text
from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.model.mailflow import EVERYTHING, Condition, Operator, Test

#: [MS-OXWSRULES] section 2.2.4.3 counts sizes in kilobytes.
_KILOBYTE = 1024
_STRINGS: dict[str, tuple[str, ...]] = {
    "ContainsBodyStrings": ("body",),
    "ContainsHeaderStrings": ("header:*",),
    "ContainsRecipientStrings": ("to", "cc"),
    "ContainsSenderStrings": ("from",),
    "ContainsSubjectOrBodyStrings": ("subject", "body"),
    "ContainsSubjectStrings": ("subject",),
}
_ADDRESSES: dict[str, tuple[str, ...]] = {"FromAddresses": ("from",), "SentToAddresses": ("to", "cc")}
_LISTS = {
    "Categories": "category is",
    "FromConnectedAccounts": "received by the connected account",
    "ItemClasses": "message class is",
    "MessageClassifications": "classified as",
}
_WORDS = {"FlaggedForAction": "flagged for", "Importance": "importance is", "Sensitivity": "sensitivity is"}
_FLAGS = frozenset(
    {
        "HasAttachments",
        "IsApprovalRequest",
        "IsAutomaticForward",
        "IsAutomaticReply",
        "IsEncrypted",
        "IsMeetingRequest",
        "IsMeetingResponse",
        "IsNDR",
        "IsPermissionControlled",
        "IsReadReceipt",
        "IsSigned",
        "IsVoicemail",
        "NotSentToMe",
        "SentCcMe",
        "SentOnlyToMe",
        "SentToMe",
        "SentToOrCcMe",
    }
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Predicates(Struct, frozen=True, kw_only=True):
    """The conditions of one element, and the names of elements that are not known."""

    parts: tuple[Condition, ...]
    unknown: tuple[str, ...] = ()


def predicates_of(element: Element | None) -> Predicates:
    """The parts of Conditions or Exceptions; of several, conditions must all hold, exceptions any."""
    parts: list[Condition] = []
    unknown: list[str] = []
    for predicate in children(element, "*"):
        found = _predicate(predicate)
        if found is None:
            unknown.append(name(predicate))
            found = _other(f"{name(predicate)}, which is not known")
        if found != _UNSET:
            parts.append(found)
    return Predicates(parts=tuple(parts), unknown=tuple(unknown))


def exception_of(exceptions: Predicates) -> Condition:
    """That none of the exceptions holds."""
    return negate(any_of(exceptions.parts))


# A predicate without a value, or a flag that is false, asks nothing.
_UNSET = Test(field="other", operator="other")


def _predicate(predicate: Element) -> Condition | None:
    word = name(predicate)
    if word in _STRINGS:
        return _tests(_STRINGS[word], "contains", _texts(predicate, "String"))
    if word in _ADDRESSES:
        addresses = [
            text(one, TYPES + "EmailAddress") or text(one, TYPES + "Name")
            for one in children(predicate, TYPES + "Address")
        ]
        return _tests(_ADDRESSES[word], "is", tuple(addresses))
    if word in _LISTS:
        values = _texts(predicate, "String")
        return any_of(_other(f"{_LISTS[word]} {value}") for value in values) if values else _UNSET
    if word in _WORDS:
        return _other(f"{_WORDS[word]} {text(predicate)}")
    if word in _FLAGS:
        # `HasAttachments` reads as "has attachments".
        return (
            _other(_HUMP.sub(" ", word).lower().replace("is ndr", "is NDR")) if is_true(predicate) else _UNSET
        )
    ranged: dict[str, Callable[[Element], Condition]] = {"WithinSizeRange": _size, "WithinDateRange": _dates}
    return ranged[word](predicate) if word in ranged else None


def _tests(fields: tuple[str, ...], operator: Operator, values: tuple[str, ...]) -> Condition:
    if not values:
        return _UNSET
    return any_of(Test(field=field, operator=operator, values=values) for field in fields)


def _texts(predicate: Element, word: str) -> tuple[str, ...]:
    """Strings as they stand: space at their ends is part of what is looked for."""
    return tuple(one.text or "" for one in children(predicate, TYPES + word))


def _size(predicate: Element) -> Condition:
    """A minimum of nothing is met by every message, and so no test."""
    low, high = (_number(text(predicate, TYPES + word)) for word in ("MinimumSize", "MaximumSize"))
    parts: list[Condition] = []
    if low:
        parts.append(Test(field="size", operator="over", values=(str(low * _KILOBYTE - 1),)))
    if high is not None:
        parts.append(Test(field="size", operator="under", values=(str(high * _KILOBYTE + 1),)))
    if not parts:
        return EVERYTHING if low is not None else _UNSET
    return all_of(parts)


def _number(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None


def _dates(predicate: Element) -> Condition:
    after, before = text(predicate, TYPES + "StartDateTime"), text(predicate, TYPES + "EndDateTime")
    told = [f"received {word} {moment}" for word, moment in (("after", after), ("before", before)) if moment]
    return all_of(_other(one) for one in told) if told else _UNSET


def _other(value: str) -> Test:
    return Test(field="other", operator="other", values=(value,))
