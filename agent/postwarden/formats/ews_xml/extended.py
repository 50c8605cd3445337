"""MAPI properties of an item (ExtendedProperty), by the numbers of their tags."""

from msgspec import Struct

from postwarden.formats.ews_xml.tree import TYPES, Element, child, children

STATE = 0x65E9
PROVIDER = 0x65EB
NAME = 0x65EC
SEQUENCE = 0x65F3
ACTIONS = 0x65EF
CONDITION = 0x65F0
EXTENDED_ACTIONS = 0x0E99
EXTENDED_CONDITION = 0x0E9A
_RULE = frozenset({STATE, PROVIDER, NAME, ACTIONS, CONDITION, EXTENDED_ACTIONS, EXTENDED_CONDITION})


class Properties(Struct, frozen=True, kw_only=True):
    """Values as written, by tag."""

    values: dict[int, str]

    @property
    def has_rule(self) -> bool:
        return not _RULE.isdisjoint(self.values)


def properties(item: Element) -> Properties:
    """The single-valued properties that are named by a tag; `0xe99`, `0x0E99` and `3737` are the same tag."""
    values: dict[int, str] = {}
    for found in children(item, TYPES + "ExtendedProperty"):
        place = child(found, TYPES + "ExtendedFieldURI")
        value = child(found, TYPES + "Value")
        tag = _tag(place.get("PropertyTag", "")) if place is not None else None
        if tag is not None and value is not None:
            values[tag] = value.text or ""
    return Properties(values=values)


def _tag(written: str) -> int | None:
    digits = written.strip().lower()
    try:
        number = int(digits, 16) if digits.startswith("0x") else int(digits, 10)
    except ValueError:
        return None
    # Some write the type as well: the id is the upper half.
    return number >> 16 if number > 0xFFFF else number
