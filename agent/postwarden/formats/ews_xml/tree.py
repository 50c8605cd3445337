"""Bounded XML: no DTD, no entity of its own, no network, size and depth capped."""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from postwarden.errors import ConnectorError

#: Bytes of one answer: libxml2 makes up to thirty times as much of it. A page of a hundred rules has under one MiB.
MAX_BYTES = 8 * 1024 * 1024
#: Levels of elements; an answer has about twelve, and libxml2 stops at 256 by itself.
MAX_DEPTH = 100

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
SOAP12 = "{http://www.w3.org/2003/05/soap-envelope}"
MESSAGES = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
TYPES = "{http://schemas.microsoft.com/exchange/services/2006/types}"
ERRORS = "{http://schemas.microsoft.com/exchange/services/2006/errors}"

#: lxml has no types of its own.
Element = Any

_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class EwsXmlError(ConnectorError):
    """The bytes are no XML that we read, or no answer of EWS."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint, reason="malformed")


def parse(raw: bytes) -> Element:
    """The root element; raises EwsXmlError for what is no XML, has a DTD, or is too large or too deep.

    The documentation writes some namespaces with `https:`; they are read as those they mean. Comments and
    change keys, which differ from answer to answer, are left out.
    """
    if len(raw) > MAX_BYTES:
        raise EwsXmlError(f"larger than {MAX_BYTES} bytes", "ask for fewer items at once")
    raw = _as_utf8(raw)
    if b"<!DOCTYPE" in raw:
        raise EwsXmlError("has a document type, which answers of Exchange do not have")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except (etree.LxmlError, ValueError) as exc:
        raise EwsXmlError(f"not XML: {str(exc)[:200]}") from exc
    _clean(root)
    return root


def _as_utf8(raw: bytes) -> bytes:
    """Shells on Windows save text in UTF-16; servers send UTF-8."""
    encoding = _MARKS.get(raw[:2])
    if encoding is None:
        return raw
    try:
        return raw.decode(encoding).encode()
    except UnicodeError as exc:
        raise EwsXmlError("not XML: begins as UTF-16 and is none") from exc


def _clean(root: Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        if depth > MAX_DEPTH:
            raise EwsXmlError(f"nested deeper than {MAX_DEPTH} levels")
        if element.tag.startswith("{https:"):
            element.tag = "{http:" + element.tag.removeprefix("{https:")
        element.attrib.pop("ChangeKey", None)


def children(element: Element | None, *path: str) -> Iterator[Element]:
    """The elements at the path of qualified names below `element`; none below nothing."""
    if element is None:
        return
    if not path:
        yield element
        return
    for child in element.iterchildren(path[0]):
        yield from children(child, *path[1:])


def child(element: Element | None, *path: str) -> Element | None:
    """The first of `children`, or None."""
    return next(children(element, *path), None)


def text(element: Element | None, *path: str) -> str:
    """The text at the path, without space around it; empty where there is none."""
    found = child(element, *path)
    return (found.text or "").strip() if found is not None else ""


def is_true(element: Element | None, *path: str) -> bool:
    """Whether an xs:boolean at the path is true."""
    return text(element, *path) in {"true", "1"}


def name(element: Element) -> str:
    """The name without its namespace."""
    return str(etree.QName(element).localname)


def written(element: Element) -> bytes:
    """The element as it is kept: canonical, so that the same content gives the same bytes."""
    raw: bytes = etree.tostring(element, method="c14n", exclusive=True, with_tail=False)
    return raw
