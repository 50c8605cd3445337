"""Whom a condition picks messages by: the senders that all of them are from."""

from postwarden.model.mailflow import All, AnyOf, Condition, Not, Test

_SENDERS = frozenset({"from", "sender", "envelope_from", "header:from", "header:sender"})
_NAMING = frozenset({"is", "contains", "matches"})


def correspondents(condition: Condition) -> tuple[str, ...]:
    """The senders, or parts of their addresses, of which each message that meets the condition has one.

    Empty where messages from others meet it too.
    """
    return tuple(sorted(_senders(condition) or ()))


def _senders(condition: Condition) -> frozenset[str] | None:
    match condition:
        case Test(field=field, operator=operator, values=values):
            return frozenset(values) if field in _SENDERS and operator in _NAMING and values else None
        case All(parts=parts):
            named = [found for found in map(_senders, parts) if found is not None]
            return min(named, key=len, default=None)
        case AnyOf(parts=parts):
            each = [_senders(part) for part in parts]
            known = [found for found in each if found is not None]
            return frozenset().union(*known) if known and len(known) == len(each) else None
        case Not():
            return None
