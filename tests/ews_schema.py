"""Requests and answers of EWS against Microsoft's published schema, which is data from outside.

A server that starts with an observer of this kind has every exchange checked, so that client and lab cannot agree
on something that Exchange would not.
"""

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock

from lxml import etree

_SHARED = Path(os.environ.get("POSTWARDEN_SHARED") or Path(__file__).parents[2] / "shared")
SCHEMA_FILE = _SHARED / "schemas" / "ews" / "messages.xsd"

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_SPACES = tuple(
    f"{{http://schemas.microsoft.com/exchange/services/2006/{name}}}" for name in ("messages", "types")
)


@cache
def schema() -> etree.XMLSchema:
    """The schema of messages and their types; OSError where the shared data is missing."""
    return etree.XMLSchema(etree.parse(str(SCHEMA_FILE)))


def validate_request(raw: bytes) -> list[str]:
    """What is wrong with a request, its headers included; nothing where the schema allows it."""
    return _violations(raw, "request")


def validate_answer(raw: bytes) -> list[str]:
    """What is wrong with an answer; of a SOAP fault, whose detail no schema describes, only the shape is checked."""
    return _violations(raw, "answer")


@dataclass
class SchemaObserver:
    """Collects what is wrong with the exchanges that it sees; give `observe` to the server's observers."""

    violations: list[str] = field(default_factory=list)
    seen: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def observe(self, request: bytes, answer: bytes) -> None:
        found = validate_request(request) + validate_answer(answer)
        with self._lock:
            self.seen += 1
            self.violations += found


def _violations(raw: bytes, what: str) -> list[str]:
    try:
        root = etree.fromstring(raw)
    except etree.XMLSyntaxError as exc:
        return [f"{what}: not XML: {exc}"]
    bodies = root.findall(f"{_SOAP}Body")
    if root.tag != f"{_SOAP}Envelope" or len(bodies) != 1 or len(bodies[0]) != 1:
        return [f"{what}: no envelope with one body that has one element"]
    content = bodies[0][0]
    if content.tag == f"{_SOAP}Fault":
        return _of_fault(content, what)
    header = root.find(f"{_SOAP}Header")
    parts = [content, *(header if header is not None else ())]
    return [violation for part in parts for violation in _of_part(part, what)]


def _of_part(part: etree._Element, what: str) -> list[str]:
    name = etree.QName(part).localname
    if not part.tag.startswith(_SPACES):
        return [f"{what}: <{name}> is of no namespace of EWS"]
    # Validated where it stands, an element may use namespaces that are declared above it.
    alone = etree.fromstring(etree.tostring(part, with_tail=False))
    rules = schema()
    if rules.validate(alone):
        return []
    return [f"{what}: <{name}>, line {entry.line}: {entry.message}" for entry in rules.error_log]


def _of_fault(fault: etree._Element, what: str) -> list[str]:
    if what == "request":
        return ["request: a SOAP fault"]
    names = [etree.QName(child).localname for child in fault]
    if names not in (["faultcode", "faultstring", "detail"], ["faultcode", "faultstring"]):
        return [f"answer: a SOAP fault of {', '.join(names)}"]
    prefix, _, code = (fault.findtext("faultcode") or "").partition(":")
    if prefix not in fault[0].nsmap or not code:
        return [f"answer: the fault code {fault.findtext('faultcode')!r} is no qualified name"]
    return []
