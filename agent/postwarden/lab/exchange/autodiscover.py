"""Autodiscover: where an account's EWS is, by SOAP (MS-OXWSADISC) and by plain XML (MS-OXDSCLI)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

from postwarden.lab.exchange.soap import Build

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_AUTODISCOVER = "http://schemas.microsoft.com/exchange/2010/Autodiscover"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_PLAIN_REQUEST = "http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"
_PLAIN_ANSWER = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
_PLAIN = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"


@dataclass(frozen=True)
class Redirect:
    """Where a client is sent instead of an answer: another mailbox's address, or another server."""

    kind: Literal["RedirectAddress", "RedirectUrl"]
    target: str


@dataclass(frozen=True)
class Settings:
    """What Autodiscover knows of an account."""

    address: str
    name: str
    ews_url: str

    def values(self) -> Mapping[str, str]:
        """The settings by the names that clients ask for."""
        return {
            "UserDisplayName": self.name,
            "AutoDiscoverSMTPAddress": self.address,
            "InternalEwsUrl": self.ews_url,
            "ExternalEwsUrl": self.ews_url,
            "EwsSupportedSchemas": "Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, "
            "Exchange2010_SP2, Exchange2013, Exchange2013_SP1, Exchange2015, Exchange2016",
        }


class NoAutodiscover(Exception):
    """The request is none that Autodiscover answers."""


def asked(raw: bytes) -> tuple[list[str], list[str]]:
    """Mailboxes and names of settings of a GetUserSettings request."""
    root = _tree(raw)
    space = f"{{{_AUTODISCOVER}}}"
    request = root.find(f"{{{_SOAP}}}Body/{space}GetUserSettingsRequestMessage/{space}Request")
    if request is None:
        raise NoAutodiscover("not a GetUserSettings request")
    mailboxes = [one.text or "" for one in request.findall(f"{space}Users/{space}User/{space}Mailbox")]
    return mailboxes, [one.text or "" for one in request.findall(f"{space}RequestedSettings/{space}Setting")]


def asked_plainly(raw: bytes) -> str:
    """The address of a request in plain XML."""
    found = _tree(raw).find(f"{{{_PLAIN_REQUEST}}}Request/{{{_PLAIN_REQUEST}}}EMailAddress")
    if found is None:
        raise NoAutodiscover("not an Autodiscover request")
    return found.text or ""


def answer(users: list[Settings | Redirect | None], names: list[str], build: Build) -> bytes:
    """The answer to GetUserSettings, one part for each user asked for; None is a user that nobody knows."""
    root = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"s": _SOAP, "a": _ADDRESSING})
    header = etree.SubElement(root, f"{{{_SOAP}}}Header")
    action = etree.SubElement(header, f"{{{_ADDRESSING}}}Action")
    action.set(f"{{{_SOAP}}}mustUnderstand", "1")
    action.text = f"{_AUTODISCOVER}/Autodiscover/GetUserSettingsResponse"
    info = etree.SubElement(header, f"{{{_AUTODISCOVER}}}ServerVersionInfo", nsmap={"h": _AUTODISCOVER})
    parts = ("MajorVersion", "MinorVersion", "MajorBuildNumber", "MinorBuildNumber")
    for part, number in zip(parts, build.numbers, strict=True):
        _add(info, part, str(number))
    _add(info, "Version", "Exchange2015")
    body = etree.SubElement(root, f"{{{_SOAP}}}Body")
    message = etree.SubElement(
        body,
        f"{{{_AUTODISCOVER}}}GetUserSettingsResponseMessage",
        nsmap={None: _AUTODISCOVER, "i": _INSTANCE},
    )
    response = _add(message, "Response")
    _add(response, "ErrorCode", "NoError")
    _add(response, "ErrorMessage")
    listed = _add(response, "UserResponses")
    for user in users:
        _user(_add(listed, "UserResponse"), user, names)
    return _written(root)


def _user(element: Any, user: Settings | Redirect | None, names: list[str]) -> None:
    match user:
        case Settings():
            code, message, target = "NoError", "No error.", ""
        case Redirect():
            code, message, target = user.kind, "Redirection.", user.target
        case None:
            code, message, target = "InvalidUser", "Invalid user.", ""
    _add(element, "ErrorCode", code)
    _add(element, "ErrorMessage", message)
    redirect = _add(element, "RedirectTarget", target)
    if not target:
        redirect.set(f"{{{_INSTANCE}}}nil", "true")
    known = user.values() if isinstance(user, Settings) else {}
    errors = _add(element, "UserSettingErrors")
    settings = _add(element, "UserSettings")
    for name in names:
        if name in known:
            setting = _add(settings, "UserSetting")
            setting.set(f"{{{_INSTANCE}}}type", "StringSetting")
            _add(setting, "Name", name)
            _add(setting, "Value", known[name])
        elif known:
            error = _add(errors, "UserSettingError")
            _add(error, "ErrorCode", "SettingIsNotAvailable")
            _add(error, "ErrorMessage", "The setting is not available.")
            _add(error, "SettingName", name)


def answer_plainly(user: Settings | Redirect | None) -> bytes:
    """The answer to a request in plain XML."""
    root = etree.Element(f"{{{_PLAIN}}}Autodiscover", nsmap={None: _PLAIN})
    if user is None:
        response = etree.SubElement(root, f"{{{_PLAIN}}}Response")
        error = etree.SubElement(response, f"{{{_PLAIN}}}Error", Time="00:00:00.0000000", Id="1")
        for name, text in (("ErrorCode", "500"), ("Message", "The email address can't be found.")):
            etree.SubElement(error, f"{{{_PLAIN}}}{name}").text = text
        return _written(root)
    space = f"{{{_PLAIN_ANSWER}}}"
    response = etree.SubElement(root, f"{space}Response", nsmap={None: _PLAIN_ANSWER})
    if isinstance(user, Settings):
        owner = etree.SubElement(response, f"{space}User")
        etree.SubElement(owner, f"{space}DisplayName").text = user.name
        etree.SubElement(owner, f"{space}AutoDiscoverSMTPAddress").text = user.address
    account = etree.SubElement(response, f"{space}Account")
    etree.SubElement(account, f"{space}AccountType").text = "email"
    if isinstance(user, Redirect):
        kind, name = (
            ("redirectAddr", "RedirectAddr")
            if user.kind == "RedirectAddress"
            else ("redirectUrl", "RedirectUrl")
        )
        etree.SubElement(account, f"{space}Action").text = kind
        etree.SubElement(account, f"{space}{name}").text = user.target
        return _written(root)
    etree.SubElement(account, f"{space}Action").text = "settings"
    protocol = etree.SubElement(account, f"{space}Protocol")
    for name, text in (("Type", "EXPR"), ("EwsUrl", user.ews_url)):
        etree.SubElement(protocol, f"{space}{name}").text = text
    return _written(root)


def _tree(raw: bytes) -> Any:
    if b"<!DOCTYPE" in raw:
        raise NoAutodiscover("a document type is not allowed")
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
    try:
        return etree.fromstring(raw, parser)
    except (etree.LxmlError, ValueError) as exc:
        raise NoAutodiscover("not XML") from exc


def _add(element: Any, name: str, text: str = "") -> Any:
    added = etree.SubElement(element, f"{{{_AUTODISCOVER}}}{name}")
    added.text = text or None
    return added


def _written(root: Any) -> bytes:
    raw: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return raw
