"""The operations that may leave, and whose mailbox a request is for. Whatever is not listed is refused unsent."""

from collections.abc import Iterator, Mapping

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.tree import MESSAGES, SOAP, TYPES, Element, child, children, name, parse, text

#: Autodiscover's SOAP interface ([MS-OXWSADISC]).
AUTODISCOVER = "{http://schemas.microsoft.com/exchange/2010/Autodiscover}"

#: Every operation that an audit sends; none of them changes anything.
ALLOWED = frozenset(
    {
        MESSAGES + "ExpandDL",
        MESSAGES + "FindFolder",
        MESSAGES + "FindItem",
        MESSAGES + "GetAppManifests",
        MESSAGES + "GetDelegate",
        MESSAGES + "GetFolder",
        MESSAGES + "GetInboxRules",
        MESSAGES + "GetItem",
        MESSAGES + "GetServerTimeZones",
        MESSAGES + "GetUserOofSettingsRequest",
        MESSAGES + "ResolveNames",
        AUTODISCOVER + "GetUserSettingsRequestMessage",
    }
)


def permitted(body: bytes, headers: Mapping[str, str]) -> str:
    """The name of the operation in a request, which may leave; raises ConnectorError, reason `forbidden`.

    The impersonated account, the anchor mailbox and every mailbox that the operation names must be one and
    the same: else an answer would be taken for another account's.
    """
    root = parse(body)
    operations = list(children(root, SOAP + "Body", "*")) if root.tag == SOAP + "Envelope" else []
    if len(operations) != 1 or operations[0].tag not in ALLOWED:
        names = ", ".join(name(one) for one in operations) or "nothing that is SOAP"
        raise ConnectorError(
            f"the request was held back: {names} is not on the list of operations that only read",
            "this is a bug; please report it",
            reason="forbidden",
        )
    operation = operations[0]
    connecting = child(root, SOAP + "Header", TYPES + "ExchangeImpersonation", TYPES + "ConnectingSID")
    named = {
        *(text(one).casefold() for one in (connecting if connecting is not None else ())),
        *(address.casefold() for address in _mailboxes(operation)),
    }
    anchor = headers.get("X-AnchorMailbox")
    if anchor is not None:
        named.add(anchor.casefold())
    if len(named) > 1:
        raise ConnectorError(
            f"the request was held back: it is for {' and '.join(sorted(named))} at once",
            "this is a bug; please report it",
            reason="forbidden",
        )
    return name(operation)


def _mailboxes(operation: Element) -> Iterator[str]:
    """Whose mailbox the operation says that it reads; lists and names to be looked up are not that."""
    match name(operation):
        case "GetInboxRules":
            yield text(operation, MESSAGES + "MailboxSmtpAddress")
        case "GetDelegate":
            yield text(operation, MESSAGES + "Mailbox", TYPES + "EmailAddress")
        case "GetUserOofSettingsRequest":
            yield text(operation, TYPES + "Mailbox", TYPES + "Address")
        case _:
            for folder in operation.iter(TYPES + "DistinguishedFolderId"):
                owner = text(folder, TYPES + "Mailbox", TYPES + "EmailAddress")
                if owner:
                    yield owner
