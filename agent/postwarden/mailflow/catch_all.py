"""Conditions that look like a choice and hold for every message."""

import re

from postwarden.model.mailflow import All, AnyOf, Condition, Not, Test

#: Bytes: no message is smaller, since its header alone is larger; and none is larger, for no server takes it.
_SMALLEST, _LARGEST = 1024, 150 * 1024 * 1024
#: Values of addresses that every address has.
_IN_ADDRESSES = frozenset({"@", "."})
_ADDRESS_FIELDS = frozenset({"from", "sender", "envelope_from", "header:from", "header:sender"})
#: Lines that every header has.
_HEADER_LINES = frozenset(
    {"received", "from", "to", "date", "subject", "message-id", "mime-version", "content-type"}
)
_INVISIBLE = re.compile("[\\s\0\u200b\u2060\ufeff]*")
#: Gmail's searches look for words: signs are none, and a star is what people write for "anything".
_NO_WORD = re.compile(r"[\W_]*")


def is_catch_all(condition: Condition, *, searched: bool = False) -> bool:
    """Whether the condition holds for every message, though it names something to look for.

    One without parts says openly that it holds, and is none. `searched`: its words are looked for as Gmail searches.
    """
    match condition:
        case Test():
            return _always(condition, searched)
        case All(parts=parts):
            return bool(parts) and all(is_catch_all(part, searched=searched) for part in parts)
        case AnyOf(parts=parts):
            return any(is_catch_all(part, searched=searched) for part in parts)
        case Not():
            return False


def _always(test: Test, searched: bool) -> bool:
    if test.field == "size":
        return any(_every_size(test.operator, value) for value in test.values)
    if test.operator != "contains":
        return False
    if searched:
        return any(_NO_WORD.fullmatch(value) for value in test.values)
    return any(_everywhere(test.field, value) for value in test.values)


def _every_size(operator: str, value: str) -> bool:
    if not (value.isascii() and value.isdecimal()):
        return False
    return int(value) < _SMALLEST if operator == "over" else operator == "under" and int(value) >= _LARGEST


def _everywhere(field: str, value: str) -> bool:
    if _INVISIBLE.fullmatch(value):
        # Every body has a space; a header field need not be there at all.
        return field in {"body", "subject", "header:*", *_ADDRESS_FIELDS}
    if field in _ADDRESS_FIELDS:
        return value in _IN_ADDRESSES
    if field == "header:*":
        return len(value) == 1 or value.strip().rstrip(":").casefold() in _HEADER_LINES
    return field == "body" and len(value) == 1 and value.isascii()
