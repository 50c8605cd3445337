"""SOAP 1.1 as the lab's Exchange speaks it: requests taken apart, answers and faults put into envelopes.

The shape of faults is that of Microsoft's documentation of EWS throttling and of published answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from lxml import etree

from postwarden.lab.exchange.operations import SoapFault

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
CONTENT_TYPE = "text/xml; charset=utf-8"

#: The four ways in which a request may name the account that it acts for (ConnectingSIDType of the schema).
SidKind = Literal["PrimarySmtpAddress", "SID", "PrincipalName", "SmtpAddress"]

#: lxml has no types of its own.
Element = Any

_MAX_DEPTH = 60
#: Versions that a request may ask for: ExchangeVersionType of the schema, and those of later schemas.
_VERSIONS = frozenset(
    {
        *("Exchange2007", "Exchange2007_SP1", "Exchange2009", "Exchange2010", "Exchange2010_SP1"),
        *("Exchange2010_SP2", "Exchange2012", "Exchange2013", "Exchange2013_SP1", "Exchange2015"),
        *("Exchange2016", "V2015_10_05", "V2016_01_06", "V2016_04_13", "V2016_07_13", "V2016_10_10"),
        *("V2017_01_07", "V2017_04_14", "V2017_07_11", "V2017_08_18", "V2017_10_09", "V2018_01_08"),
    }
)
#: Operations whose answer is itself the one response message, and those that have it beside their content.
_IS_MESSAGE = frozenset(
    {"GetInboxRules", "UpdateInboxRules", "GetDelegate", "AddDelegate", "UpdateDelegate", "RemoveDelegate"}
    | {"GetAppManifests"}
)
_HAS_MESSAGE = frozenset({"GetUserOofSettings", "SetUserOofSettings"})


@dataclass(frozen=True)
class Build:
    """A version of Exchange: four numbers, and the newest schema that it knows."""

    numbers: tuple[int, int, int, int]
    schema: str


ON_PREMISES = Build((15, 2, 1748, 10), "V2017_07_11")
ONLINE = Build((15, 20, 9343, 12), "V2018_01_08")


@dataclass(frozen=True)
class Impersonated:
    """Whom a request acts for, and how it names them."""

    kind: SidKind
    value: str


@dataclass(frozen=True)
class Request:
    """One request; `operation` is the body's element and `name` its name without namespace."""

    operation: Element = field(repr=False)
    name: str
    version: str
    impersonated: Impersonated | None


def parse(raw: bytes) -> Request:
    """Take a request apart; SoapFault with Exchange's code for what is no request."""
    root = _tree(raw)
    if root.tag != f"{{{SOAP}}}Envelope":
        raise _invalid("the root element is no SOAP 1.1 envelope")
    bodies = root.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise _invalid("the envelope has not exactly one body with one element")
    operation = bodies[0][0]
    name = etree.QName(operation)
    if name.namespace != MESSAGES:
        raise _invalid(f"<{name.localname}> is not of the messages' namespace")
    header = root.find(f"{{{SOAP}}}Header")
    return Request(
        operation=operation,
        name=str(name.localname),
        version=_version(header),
        impersonated=_impersonated(header),
    )


def _tree(raw: bytes) -> Element:
    if b"<!DOCTYPE" in raw:
        raise _invalid("a document type is not allowed")
    parser = etree.XMLParser(
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
        raise _invalid(str(exc)[:200]) from exc
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > _MAX_DEPTH:
            raise _invalid(f"nested deeper than {_MAX_DEPTH} levels")
    return root


def _version(header: Element | None) -> str:
    """The schema that the request is written in; Exchange takes one without it for the oldest."""
    found = header.find(f"{{{TYPES}}}RequestServerVersion") if header is not None else None
    if found is None:
        return "Exchange2007"
    version = str(found.get("Version"))
    if version not in _VERSIONS:
        raise SoapFault("ErrorInvalidServerVersion", "The specified server version is invalid.")
    return version


def _impersonated(header: Element | None) -> Impersonated | None:
    found = header.find(f"{{{TYPES}}}ExchangeImpersonation") if header is not None else None
    if found is None:
        return None
    named = found.findall(f"{{{TYPES}}}ConnectingSID/*")
    if len(named) != 1:
        raise _invalid("ExchangeImpersonation does not name exactly one account")
    name = etree.QName(named[0])
    value = (named[0].text or "").strip()
    if name.namespace != TYPES or name.localname not in get_args(SidKind) or not value:
        raise _invalid(f"<{name.localname}> names no account")
    return Impersonated(cast("SidKind", str(name.localname)), value)


def _invalid(why: str) -> SoapFault:
    return SoapFault("ErrorSchemaValidation", f"The request failed schema validation: {why}")


def envelope(answer: Element, build: Build) -> bytes:
    """The answer in its envelope, with the server's version in the header."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
    header = etree.SubElement(root, f"{{{SOAP}}}Header")
    info = etree.SubElement(header, f"{{{TYPES}}}ServerVersionInfo", nsmap={"h": TYPES})
    parts = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    for part, number in zip(parts, build.numbers, strict=True):
        info.set(part, str(number))
    info.set("Version", build.schema)
    etree.SubElement(root, f"{{{SOAP}}}Body").append(answer)
    return written(root)


def fault(code: str, message: str, values: Sequence[tuple[str, str]] = ()) -> bytes:
    """A SOAP fault; `values` are the named texts below MessageXml, in this order."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP})
    body = etree.SubElement(root, f"{{{SOAP}}}Body")
    found = etree.SubElement(body, f"{{{SOAP}}}Fault")
    etree.SubElement(found, "faultcode", nsmap={"a": TYPES}).text = f"a:{code}"
    said = etree.SubElement(found, "faultstring")
    said.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    said.text = message
    detail = etree.SubElement(found, "detail")
    etree.SubElement(detail, f"{{{ERRORS}}}ResponseCode", nsmap={"e": ERRORS}).text = code
    etree.SubElement(detail, f"{{{ERRORS}}}Message", nsmap={"e": ERRORS}).text = message
    if values:
        listed = etree.SubElement(detail, f"{{{TYPES}}}MessageXml", nsmap={"t": TYPES})
        for name, value in values:
            etree.SubElement(listed, f"{{{TYPES}}}Value", Name=name).text = value
    return written(root)


def error_answer(operation: str, code: str, message: str) -> Element:
    """The answer of an operation that was carried out and failed: an error in its response message."""
    space = {"m": MESSAGES}
    answer = etree.Element(f"{{{MESSAGES}}}{operation}Response", nsmap=space)
    if operation in _IS_MESSAGE:
        said = answer
    elif operation in _HAS_MESSAGE:
        said = etree.SubElement(answer, f"{{{MESSAGES}}}ResponseMessage")
    else:
        listed = etree.SubElement(answer, f"{{{MESSAGES}}}ResponseMessages")
        said = etree.SubElement(listed, f"{{{MESSAGES}}}{operation}ResponseMessage")
    said.set("ResponseClass", "Error")
    for name, text in (("MessageText", message), ("ResponseCode", code), ("DescriptiveLinkKey", "0")):
        etree.SubElement(said, f"{{{MESSAGES}}}{name}").text = text
    return answer


def written(root: Element) -> bytes:
    """The document as Exchange writes it, in UTF-8."""
    raw: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return raw
