"""What may leave towards Exchange, and for whom."""

import os
import re
from pathlib import Path

import pytest

from postwarden.connectors.ews import requests
from postwarden.connectors.ews.operations import ALLOWED, permitted
from postwarden.errors import ConnectorError

MESSAGES = Path(os.environ.get("POSTWARDEN_SHARED", "../shared")) / "schemas" / "ews" / "messages.xsd"
ALICE, BOB = "alice@example.org", "bob@example.org"

#: Names of operations that write, send, or hold the server's resources, as the schema has them.
MUTATING = [
    "AddDelegate",
    "AddDistributionGroupToImList",
    "AddImContactToGroup",
    "AddImGroup",
    "AddNewImContactToGroup",
    "AddNewTelUriContactToGroup",
    "ApplyConversationAction",
    "ArchiveItem",
    "CopyFolder",
    "CopyItem",
    "CreateAttachment",
    "CreateFolder",
    "CreateFolderPath",
    "CreateItem",
    "CreateManagedFolder",
    "CreateUnifiedMailbox",
    "CreateUserConfiguration",
    "DeleteAttachment",
    "DeleteFolder",
    "DeleteItem",
    "DeleteUserConfiguration",
    "DisableApp",
    "DisconnectPhoneCall",
    "EmptyFolder",
    "ExportItems",
    "GetAttachment",
    "GetStreamingEvents",
    "InstallApp",
    "MarkAllItemsAsRead",
    "MarkAsJunk",
    "MoveFolder",
    "MoveItem",
    "PlayOnPhone",
    "RefreshSharingFolder",
    "RemoveContactFromImList",
    "RemoveDelegate",
    "RemoveDistributionGroupFromImList",
    "RemoveImContactFromGroup",
    "RemoveImGroup",
    "SearchMailboxes",
    "SendItem",
    "SetHoldOnMailboxes",
    "SetImGroup",
    "SetTeamMailbox",
    "SetUserOofSettingsRequest",
    "Subscribe",
    "SyncFolderItems",
    "UninstallApp",
    "UnpinTeamMailbox",
    "Unsubscribe",
    "UpdateDelegate",
    "UpdateFolder",
    "UpdateInboxRules",
    "UpdateItem",
    "UpdateUserConfiguration",
    "UploadItems",
]


def envelope(body: str, *, impersonated: str | None = ALICE) -> bytes:
    connecting = (
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{impersonated}"
        "</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        if impersonated
        else ""
    )
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
        'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
        f"<s:Header>{connecting}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def elements() -> list[str]:
    """Every global element that the schema of messages has."""
    if not MESSAGES.is_file():
        pytest.skip("../shared/schemas/ews is not here")
    return sorted(set(re.findall(r'<xs:element\s+name="(\w+)"', MESSAGES.read_text("utf-8"))))


def may_leave(name: str) -> bool:
    try:
        permitted(envelope(f"<m:{name}/>", impersonated=None), {})
    except ConnectorError:
        return False
    return True


def test_of_all_that_the_schema_has_only_the_list_may_leave() -> None:
    """Each element of the messages' schema is refused as a request, but for those on the list."""
    known = elements()
    assert len(known) > 200
    assert {name for name in known if may_leave(name)} == {
        one.rpartition("}")[2] for one in ALLOWED if "Autodiscover" not in one
    }


@pytest.mark.parametrize("name", MUTATING)
def test_no_operation_that_changes_or_fetches_content_may_leave(name: str) -> None:
    """What writes, sends, subscribes or brings whole messages is held back, whatever the schema at hand calls it."""
    with pytest.raises(ConnectorError, match=f"{name} is not on the list") as caught:
        permitted(envelope(f"<m:{name}/>"), {})
    assert caught.value.reason == "forbidden"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<m:GetDelegate/><m:DeleteItem/>",
        "<m:DeleteItem/><m:GetDelegate/>",
        "<t:GetDelegate/>",
        '<GetDelegate xmlns="urn:other"/>',
    ],
)
def test_a_request_is_one_listed_operation_and_nothing_else(body: str) -> None:
    """Nothing, two operations, or one of another namespace do not leave."""
    with pytest.raises(ConnectorError, match="held back"):
        permitted(envelope(body), {})


def test_what_is_no_soap_may_not_leave() -> None:
    """A bare element or a form is held back too."""
    with pytest.raises(ConnectorError):
        permitted(b'<GetDelegate xmlns="http://schemas.microsoft.com/exchange/services/2006/messages"/>', {})
    with pytest.raises(ConnectorError):
        permitted(b"grant_type=client_credentials", {})


def text(element: object) -> str:
    from lxml import etree

    return str(etree.tostring(element, encoding="unicode"))


@pytest.mark.parametrize(
    "request_of",
    [
        requests.get_inbox_rules,
        requests.get_delegates,
        requests.get_automatic_replies,
        lambda who: requests.find_folders(who, 0),
        lambda who: requests.get_folders(who, ["id"], top=True),
        lambda who: requests.find_associated_items(who, 0),
    ],
)
def test_audited_impersonated_and_anchored_mailbox_must_agree(request_of: object) -> None:
    """A request that names two people, in whatever two of the three places, does not leave."""
    assert callable(request_of)
    body = text(request_of(ALICE))
    assert permitted(envelope(body), {"X-AnchorMailbox": ALICE.upper()})
    assert permitted(envelope(body, impersonated=None), {"X-AnchorMailbox": ALICE})
    for impersonated, anchor in ((BOB, ALICE), (ALICE, BOB), (BOB, BOB), (None, BOB)):
        with pytest.raises(ConnectorError, match="at once"):
            permitted(envelope(body, impersonated=impersonated), {"X-AnchorMailbox": anchor})


def test_names_that_are_looked_up_are_nobody_that_is_audited() -> None:
    """Asking who somebody is, or who is in a list, is not reading their mailbox."""
    assert permitted(envelope(text(requests.resolve(BOB))), {"X-AnchorMailbox": ALICE}) == "ResolveNames"
    assert permitted(envelope(text(requests.expand(BOB))), {"X-AnchorMailbox": ALICE}) == "ExpandDL"
