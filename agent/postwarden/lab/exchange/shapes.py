"""What a request asks to be told of folders and items: its shape, its page."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from postwarden.lab.exchange.access import Refused
from postwarden.lab.exchange.elements import Element, child, children, name, new

_T = TypeVar("_T")
_Base = Literal["IdOnly", "Default", "AllProperties"]
_BASES: dict[str, _Base] = {"IdOnly": "IdOnly", "Default": "Default", "AllProperties": "AllProperties"}

#: Bytes of a string or binary property that FindFolder and FindItem show; the rest needs GetItem.
FIND_LIMIT = 510
_CHARACTERS = FIND_LIMIT // 2


@dataclass(frozen=True)
class Tag:
    """An extended property: its number, and its type in EWS' words."""

    number: int
    kind: str


@dataclass(frozen=True)
class Shape:
    """The base shape, and what is asked for beside it: field URIs, and extended properties."""

    base: _Base
    fields: frozenset[str]
    tags: tuple[Tag, ...]


def shape(element: Element | None) -> Shape:
    """What a FolderShape or ItemShape asks for; raises Refused for properties that are not served."""
    base = child(element, "t:BaseShape")
    known = _BASES.get((base.text or "") if base is not None else "")
    if known is None:
        raise Refused("ErrorInvalidRequest")
    fields: set[str] = set()
    tags: list[Tag] = []
    additional = child(element, "t:AdditionalProperties")
    for path in additional if additional is not None else ():
        match name(path):
            case "FieldURI":
                fields.add(path.get("FieldURI", ""))
            case "ExtendedFieldURI" if path.get("PropertyTag"):
                tags.append(Tag(_number(path.get("PropertyTag")), path.get("PropertyType", "")))
            case "ExtendedFieldURI":
                # Named properties can be asked for; nothing here has any.
                continue
            case _:
                raise Refused("ErrorInvalidPropertyRequest")
    return Shape(known, frozenset(fields), tuple(tags))


def _number(written: str) -> int:
    """`0x65e9` or `26089`; raises Refused for what PropertyTagType does not allow."""
    try:
        return int(written, 16) if written.lower().startswith("0x") else int(written)
    except ValueError:
        raise Refused("ErrorInvalidPropertyRequest") from None


@dataclass(frozen=True)
class Page:
    """Some of what was found; `offset` is where the next page begins, None where no page was asked for."""

    found: tuple[Element, ...]
    total: int
    offset: int | None
    is_last: bool

    def attributes(self) -> dict[str, str]:
        """FindResponsePagingAttributes."""
        told = {"TotalItemsInView": str(self.total), "IncludesLastItemInRange": str(self.is_last).lower()}
        return told if self.offset is None else {"IndexedPagingOffset": str(self.offset), **told}


def window(view: Element | None, found: Sequence[_T], cap: int) -> tuple[Sequence[_T], int | None, bool]:
    """The part of `found` that an indexed page view asks for, where the next begins, and whether it is the last.

    The server gives `cap` at the most, and says so by not calling the page the last one.
    """
    if view is None:
        part = found[:cap]
        return part, None, len(part) == len(found)
    if view.get("BasePoint") != "Beginning":
        raise Refused("ErrorInvalidRequest")
    offset, most = int(view.get("Offset", "0")), int(view.get("MaxEntriesReturned", str(cap)))
    if most <= 0:
        raise Refused("ErrorInvalidPagingMaxRows")
    if offset < 0:
        raise Refused("ErrorInvalidIndexedPagingParameters")
    part = found[offset : offset + min(most, cap)]
    after = min(offset, len(found)) + len(part)
    return part, after, after >= len(found)


def refuse_unserved(operation: Element, *tags: str) -> None:
    """Raises Refused for parts of a request that the schema allows and this server does not follow."""
    for tag in tags:
        if next(children(operation, tag), None) is not None:
            raise Refused("ErrorInvalidRequest")


def extended(tag: Tag, value: int | str | bytes, *, whole: bool) -> Element | None:
    """An extended property as EWS writes it; None where the type asked for is not the value's.

    Tags are written back without leading zeros. Without `whole`, long values are cut, as lists cut them.
    """
    match tag.kind, value:
        case "Integer", int():
            written = str(value)
        case "String", str():
            written = value if whole else value[:_CHARACTERS]
        case "Binary", bytes():
            written = base64.b64encode(value if whole else value[:FIND_LIMIT]).decode()
        case _:
            return None
    place = new("t:ExtendedFieldURI", PropertyTag=f"0x{tag.number:x}", PropertyType=tag.kind)
    return new("t:ExtendedProperty", place, new("t:Value", written))
