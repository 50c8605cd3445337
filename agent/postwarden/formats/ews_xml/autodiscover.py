"""Where a mailbox' EWS is: answers to GetUserSettings ([MS-OXWSADISC])."""

from msgspec import Struct

from postwarden.formats.ews_xml.tree import SOAP, EwsXmlError, child, children, parse, text

_A = "{http://schemas.microsoft.com/exchange/2010/Autodiscover}"


class Discovered(Struct, frozen=True, kw_only=True):
    """One of: the address of EWS, another place to ask, another mailbox to ask for, or an error's word."""

    url: str | None = None
    ask_at: str | None = None
    ask_for: str | None = None
    error: str | None = None


def read_discovered(raw: bytes) -> Discovered:
    """What the answer says of its one mailbox; raises EwsXmlError for what is no such answer."""
    root = parse(raw)
    answer = child(root, SOAP + "Body", _A + "GetUserSettingsResponseMessage", _A + "Response")
    if answer is None:
        raise EwsXmlError("no answer of autodiscover")
    user = child(answer, _A + "UserResponses", _A + "UserResponse")
    for told in (answer, user):
        code = text(told, _A + "ErrorCode")
        target = text(told, _A + "RedirectTarget")
        if code == "RedirectUrl" and target:
            return Discovered(ask_at=target)
        if code == "RedirectAddress" and target:
            return Discovered(ask_for=target)
        if code not in {"NoError", ""}:
            return Discovered(error=code)
    settings = {
        text(one, _A + "Name"): text(one, _A + "Value")
        for one in children(user, _A + "UserSettings", _A + "UserSetting")
    }
    url = settings.get("ExternalEwsUrl") or settings.get("InternalEwsUrl")
    return Discovered(url=url) if url else Discovered(error="no EwsUrl")
