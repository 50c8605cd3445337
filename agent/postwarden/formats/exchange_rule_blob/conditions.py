"""Restrictions ([MS-OXCDATA] section 2.12) into conditions."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from postwarden.formats.exchange_rule_blob.cursor import Cursor, Form, RuleBlobError
from postwarden.formats.exchange_rule_blob.properties import Value, read_names, read_property, shown
from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.model.mailflow import EVERYTHING, Condition, Operator, Test

MAX_DEPTH = 50
MAX_PARTS = 10_000

_RECIPIENTS = 0x0E12
_SIZE = 0x0E08
_FIELDS = {
    **dict.fromkeys((0x0037, 0x0E1D, 0x0070), "subject"),
    **dict.fromkeys((0x1000, 0x1009, 0x1013), "body"),
    **dict.fromkeys((0x003B, 0x0042, 0x0065, 0x5D02), "from"),
    **dict.fromkeys((0x0C1A, 0x0C1D, 0x0C1F, 0x5D01), "sender"),
    0x0E04: "to",
    0x0E03: "cc",
    0x0E02: "header:bcc",
    0x007D: "header:*",
    _SIZE: "size",
}
# In a restriction on the table of recipients: names, addresses and search keys.
_RECIPIENT_FIELDS = frozenset({0x3001, 0x3003, 0x300B, 0x39FE, 0x5FF6, 0x0FFF})
# Every delivered message has these; Outlook asks for the first in a rule without conditions.
_ALWAYS_THERE = frozenset({0x001A, 0x0E06, 0x0E07, _SIZE, 0x0FFE})
_RELATIONS = ("less than", "at most", "more than", "at least", "equal to", "other than", "like")
_MEMBER_OF = 0x64


class ConditionRead(Struct, frozen=True, kw_only=True):
    """When a rule applies; `flaws` say in words what is odd about the bytes."""

    condition: Condition
    flaws: tuple[str, ...] = ()


def read_condition(raw: bytes, form: Form) -> ConditionRead:
    """The condition in PidTagExtendedRuleMessageCondition (0x0E9A, `extended`) or PR_RULE_MSG_CONDITION (0x65F0).

    Bytes after the end are a flaw, since servers ignore them. Raises RuleBlobError, with the offset, for
    whatever is no condition.
    """
    cursor = Cursor(raw, form)
    reader = _Reader(cursor, read_names(cursor))
    condition = reader.restriction(MAX_DEPTH, recipients=False)
    flaws = (f"{cursor.left} bytes after the condition",) if cursor.left else ()
    return ConditionRead(condition=condition, flaws=flaws)


class _Reader:
    """One condition's restrictions; `recipients` says that the properties are those of a recipient."""

    def __init__(self, cursor: Cursor, names: Mapping[int, str]) -> None:
        self._cursor = cursor
        self._names = names
        self._parts = 0

    def restriction(self, depth: int, *, recipients: bool) -> Condition:
        cursor = self._cursor
        begin = cursor.offset
        self._parts += 1
        if depth == 0:
            raise RuleBlobError(f"a condition nested deeper than {MAX_DEPTH} levels", begin)
        if self._parts > MAX_PARTS:
            raise RuleBlobError(f"a condition of more than {MAX_PARTS} parts", begin)
        kind = cursor.u8()
        match kind:
            case 0:
                return all_of(self._several(depth, recipients=recipients))
            case 1:
                return any_of(self._several(depth, recipients=recipients))
            case 2:
                return negate(self.restriction(depth - 1, recipients=recipients))
            case 3:
                return self._content(recipients=recipients)
            case 4:
                return self._property(recipients=recipients)
            case 5:
                relation, first, second = cursor.u8(), self._tag(), self._tag()
                return _other(f"{self._name(first)} is {_relation(relation)} {self._name(second)}")
            case 6:
                operator, number, mask = cursor.u8(), self._tag(), cursor.u32()
                verb = "has some bits of" if operator else "has no bits of"
                return _other(f"{self._name(number)} {verb} 0x{mask:08x}")
            case 7:
                relation, number, size = cursor.u8(), self._tag(), cursor.u32()
                return _other(f"the size of {self._name(number)} is {_relation(relation)} {size} bytes")
            case 8:
                return self._exists(recipients=recipients)
            case 9:
                inside = self._tag()
                return self.restriction(depth - 1, recipients=inside == _RECIPIENTS)
            case 10:
                for _ in range(cursor.u8()):
                    read_property(cursor, self._names)
                # Remarks of the client; without a restriction beside them they hold for every message.
                return self.restriction(depth - 1, recipients=recipients) if cursor.u8() else EVERYTHING
            case 11:
                cursor.u32()
                return self.restriction(depth - 1, recipients=recipients)
            case _:
                raise RuleBlobError(f"a restriction of type 0x{kind:02x} is not known", begin)

    def _several(self, depth: int, *, recipients: bool) -> Iterator[Condition]:
        # As a list, since all_of may stop early and every byte has to be read.
        return iter([self.restriction(depth - 1, recipients=recipients) for _ in range(self._cursor.count())])

    def _content(self, *, recipients: bool) -> Condition:
        level = self._cursor.u32() & 0xFFFF
        number = self._tag()
        value = read_property(self._cursor, self._names).value
        text = _searched(value)
        operator: Operator = "is" if level == 0 else "contains"
        if level == 2:
            operator, text = "matches", _escaped(text) + "*"
        return self._test(number, operator, text, recipients=recipients)

    def _property(self, *, recipients: bool) -> Condition:
        relation = self._cursor.u8()
        number = self._tag()
        tagged = read_property(self._cursor, self._names)
        if number == _SIZE and isinstance(tagged.value, int):
            return _sized(relation, tagged.value)
        if relation == _MEMBER_OF:
            return _other(f"{self._name(number)} is a member of {_searched(tagged.value)}")
        if relation in {4, 5}:
            equal = self._test(number, "is", _searched(tagged.value), recipients=recipients)
            return equal if relation == 4 else negate(equal)
        if relation == 6:
            return self._test(number, "regex", _searched(tagged.value), recipients=recipients)
        return _other(f"{self._name(number)} is {_relation(relation)} {shown(tagged.value)}")

    def _exists(self, *, recipients: bool) -> Condition:
        number = self._tag()
        if number in _ALWAYS_THERE and not recipients:
            return EVERYTHING
        field = self._field(number, recipients=recipients)
        return Test(field=field, operator="exists") if field else _other(f"{self._name(number)} exists")

    def _test(self, number: int, operator: Operator, text: str, *, recipients: bool) -> Condition:
        field = self._field(number, recipients=recipients)
        if field is None:
            return _other(f"{self._name(number)} {operator} {text}")
        return Test(field=field, operator=operator, values=(text,))

    def _field(self, number: int, *, recipients: bool) -> str | None:
        if recipients:
            return "to" if number in _RECIPIENT_FIELDS else None
        return _FIELDS.get(number)

    def _tag(self) -> int:
        """The id in a property's tag; its type is the value's too."""
        self._cursor.u16()
        return self._cursor.u16()

    def _name(self, number: int) -> str:
        return self._names.get(number) or _KNOWN.get(number) or f"property 0x{number:04x}"


_KNOWN = {
    0x0017: "importance",
    0x001A: "message class",
    0x0036: "sensitivity",
    0x0057: "addressed to me",
    0x0058: "copied to me",
    0x0059: "addressed or copied to me",
    0x0E05: "parent folder",
    0x0E06: "delivery time",
    0x0E07: "message flags",
    0x0E1B: "has attachments",
    0x0C15: "recipient type",
    _RECIPIENTS: "recipients",
}


def _sized(relation: int, size: int) -> Condition:
    """Bytes over or under; `size` counts as no test where every message meets it."""
    size &= 0xFFFFFFFF
    if relation in {2, 3}:
        over = size if relation == 2 else size - 1
        # No message is empty: asking for one byte and more is a way to say "all" and look like a condition.
        return Test(field="size", operator="over", values=(str(over),)) if over > 0 else EVERYTHING
    if relation in {0, 1}:
        return Test(field="size", operator="under", values=(str(size if relation == 0 else size + 1),))
    equal = Test(field="size", operator="is", values=(str(size),))
    return negate(equal) if relation == 5 else equal


def _searched(value: Value) -> str:
    """A value as text; the kind of address before a search key's colon is left out."""
    text = shown(value)
    kind, colon, address = text.partition(":")
    return address if colon and isinstance(value, bytes) and kind.upper() in {"SMTP", "EX"} else text


def _escaped(text: str) -> str:
    """Text for `matches`, where `*` and `?` stand for others."""
    return "".join("\\" + char if char in "*?\\" else char for char in text)


def _relation(number: int) -> str:
    return _RELATIONS[number] if number < len(_RELATIONS) else f"in relation 0x{number:02x} to"


def _other(text: str) -> Test:
    return Test(field="other", operator="other", values=(text,))
