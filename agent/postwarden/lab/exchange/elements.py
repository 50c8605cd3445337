"""Building and reading the elements of EWS messages; a tag is written `m:Name` or `t:Name`."""

from collections.abc import Iterable, Iterator
from typing import Any

from lxml import etree

NAMESPACES = {
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
}

#: lxml has no types of its own.
Element = Any
#: What an element holds: other elements, text, or a flag.
Content = Element | str | bool | int | None


def qualified(tag: str) -> str:
    prefix, _, name = tag.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{name}"


def new(tag: str, *content: Content, **attributes: str) -> Element:
    """An element; content that is None is left out, a flag is written as xs:boolean."""
    element = etree.Element(qualified(tag), attributes, nsmap=NAMESPACES)
    for one in content:
        if one is None:
            continue
        if isinstance(one, (str, int)):
            element.text = str(one).lower() if isinstance(one, bool) else str(one)
        else:
            element.append(one)
    return element


def several(tag: str, content: Iterable[Element]) -> Element:
    """An element that holds elements."""
    return new(tag, *content)


def child(element: Element | None, *path: str) -> Element | None:
    """The first element at the path below `element`, or None."""
    for tag in path:
        if element is None:
            return None
        element = element.find(qualified(tag))
    return element


def children(element: Element | None, tag: str) -> Iterator[Element]:
    """The elements of this tag in `element`; none in None."""
    if element is not None:
        yield from element.iterchildren(qualified(tag))


def text(element: Element | None, *path: str) -> str:
    """The text at the path, without space around it; empty where there is none."""
    found = child(element, *path)
    return (found.text or "").strip() if found is not None else ""


def name(element: Element) -> str:
    """The name without its namespace."""
    return str(etree.QName(element).localname)
