"""Named properties and tagged property values ([MS-OXORULE] 2.2.4.2, [MS-OXCDATA] 2.11.1 and 2.11.4)."""

from collections.abc import Mapping

from msgspec import Struct

from postwarden.formats.exchange_rule_blob.cursor import Cursor, RuleBlobError
from postwarden.model.encoding import encodable

Value = int | float | bool | str | bytes | None | tuple["Value", ...]

_MULTIPLE = 0x1000
_INSTANCE = 0x2000
_NUMBERS = {0x0002: 2, 0x0003: 4, 0x000A: 4, 0x0006: 8, 0x0014: 8, 0x0040: 8}


class Property(Struct, frozen=True, kw_only=True):
    """A property's id and value; `name` where the rule names the property itself."""

    id: int
    value: Value
    name: str | None = None


def read_names(cursor: Cursor) -> dict[int, str]:
    """The named properties of a rule, by the ids that they have in it: `{set}name` or `{set}0x8001`."""
    count = cursor.u16()
    if count == 0:
        return {}
    ids = [cursor.u16() for _ in range(count)]
    names = cursor.part(cursor.u32())
    return {number: _name(names) for number in ids}


def _name(cursor: Cursor) -> str:
    begin = cursor.offset
    kind = cursor.u8()
    collection = _guid(cursor.take(16))
    if kind == 0:
        return f"{collection}0x{cursor.u32():04x}"
    if kind == 1:
        raw = cursor.take(cursor.u8())
        text = raw[: len(raw) & ~1].decode("utf-16-le", "surrogatepass")
        return collection + encodable(text.rstrip("\0"))
    raise RuleBlobError(f"a property's name is of kind {kind}", begin)


def _guid(raw: bytes) -> str:
    first, second, third = (int.from_bytes(raw[a:b], "little") for a, b in ((0, 4), (4, 6), (6, 8)))
    return f"{{{first:08x}-{second:04x}-{third:04x}-{raw[8:10].hex()}-{raw[10:].hex()}}}"


def read_property(cursor: Cursor, names: Mapping[int, str]) -> Property:
    """A TaggedPropertyValue: the tag (type, then id) and a value of that type."""
    kind = cursor.u16()
    number = cursor.u16()
    return Property(id=number, value=_value(cursor, kind), name=names.get(number))


def _value(cursor: Cursor, kind: int) -> Value:
    if kind & _MULTIPLE and not kind & _INSTANCE:
        begin = cursor.offset
        count = cursor.u32()  # 32 bits in both forms
        if count > cursor.left:
            raise RuleBlobError(f"{count} values are announced and {cursor.left} bytes are left", begin)
        return tuple(_single(cursor, kind & ~_MULTIPLE) for _ in range(count))
    return _single(cursor, kind & ~(_MULTIPLE | _INSTANCE))


def _single(cursor: Cursor, kind: int) -> Value:
    if kind in _NUMBERS:
        return cursor.signed(_NUMBERS[kind])
    match kind:
        case 0x0001:
            # Nothing stands for null, and nothing would bound how many of them an array has.
            return None
        case 0x0004:
            return cursor.real(4)
        case 0x0005 | 0x0007:
            return cursor.real(8)
        case 0x000B:
            return cursor.u8() != 0
        case 0x001E:
            return cursor.text8()
        case 0x001F:
            return cursor.text16()
        case 0x0048:
            return _guid(cursor.take(16))
        case 0x0102 | 0x00FB:
            return cursor.take(cursor.count())
        case _:
            message = f"a value is of type 0x{kind:04x}, which rules do not hold"
            raise RuleBlobError(message, cursor.offset)


def shown(value: Value) -> str:
    """A value as text that can be recorded; bytes as far as they are printable, else in hexadecimal."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case bytes():
            text = value.rstrip(b"\0")
            printable = all(0x20 <= byte < 0x7F for byte in text)
            return text.decode("ascii") if printable and text else "0x" + value.hex()
        case tuple():
            return ", ".join(map(shown, value))
        case _:
            return str(value)
