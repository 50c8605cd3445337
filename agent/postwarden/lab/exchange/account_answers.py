"""GetDelegate, GetUserOofSettings and GetAppManifests: what is set for a mailbox as a whole."""

import base64

from lxml import etree

from postwarden.lab.exchange.access import Actor, Refused, require_full_access, target
from postwarden.lab.exchange.elements import Element, child, children, new, text
from postwarden.lab.exchange.mailbox import DelegateUser, Mailbox
from postwarden.lab.exchange.messages import attempt, failure, success
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import AddIn, AutomaticReply

_DELEGATES = "m:GetDelegateResponse"
_DELEGATE = "m:DelegateUserResponseMessageType"
_OOF = "m:GetUserOofSettingsResponse"
_MANIFESTS = "m:GetAppManifestsResponse"
_FOLDERS = ("calendar", "tasks", "inbox", "contacts", "notes", "journal")
_APP = "http://schemas.microsoft.com/office/appforoffice/1.1"


def get_delegate(state: State, who: Actor, operation: Element) -> Element:
    """One response message for each delegate; one whose account is gone is an error among them."""

    def make() -> Element:
        mailbox = target(state, who, text(operation, "m:Mailbox", "t:EmailAddress"))
        require_full_access(state, who, mailbox)
        permissions = operation.get("IncludePermissions") in {"true", "1"}
        listed = _wanted(state, mailbox, operation, permissions=permissions)
        return success(
            _DELEGATES,
            new("m:ResponseMessages", *listed) if listed else None,
            new("m:DeliverMeetingRequests", mailbox.meeting_requests),
        )

    return attempt(_DELEGATES, make)


def _wanted(state: State, mailbox: Mailbox, operation: Element, *, permissions: bool) -> list[Element]:
    """All delegates, or those that the request names."""
    named = list(children(child(operation, "m:UserIds"), "t:UserId"))
    if not named:
        return [_delegate(state, one, permissions=permissions) for one in mailbox.delegates]
    answers = []
    for user in named:
        written = text(user, "t:PrimarySmtpAddress") or text(user, "t:SID")
        found = [one for one in mailbox.delegates if _is(state, one, written)]
        answers += (
            [_delegate(state, one, permissions=permissions) for one in found]
            if found
            else [failure(_DELEGATE, Refused("ErrorNotDelegate"))]
        )
    return answers


def _is(state: State, user: DelegateUser, written: str) -> bool:
    grantee = state.grantee(user.delegate.who)
    return written.casefold() in {(grantee.address or "").casefold(), (grantee.sid or "").casefold()}


def _delegate(state: State, user: DelegateUser, *, permissions: bool) -> Element:
    if user.dead:
        return failure(_DELEGATE, Refused("ErrorDelegateNoUser"))
    grantee = state.grantee(user.delegate.who)
    levels = (
        new(f"t:{folder.title()}FolderPermissionLevel", getattr(user.delegate, folder)) for folder in _FOLDERS
    )
    return success(
        _DELEGATE,
        new(
            "m:DelegateUser",
            new(
                "t:UserId",
                new("t:SID", grantee.sid),
                new("t:PrimarySmtpAddress", grantee.address),
                new("t:DisplayName", grantee.name),
            ),
            new("t:DelegatePermissions", *levels) if permissions else None,
            new("t:ReceiveCopiesOfMeetingMessages", user.delegate.meeting_copies),
            new("t:ViewPrivateItems", user.delegate.private_items),
        ),
    )


def get_user_oof_settings(state: State, who: Actor, operation: Element) -> Element:
    """The automatic reply; this operation's answer has its response message beside the content."""
    try:
        mailbox = target(state, who, text(operation, "t:Mailbox", "t:Address"))
        require_full_access(state, who, mailbox)
    except Refused as refused:
        return new(_OOF, failure("m:ResponseMessage", refused))
    return new(
        _OOF,
        success("m:ResponseMessage"),
        _settings(mailbox.automatic_reply),
        new("m:AllowExternalOof", "All"),
    )


def _settings(reply: AutomaticReply) -> Element:
    return new(
        "t:OofSettings",
        new("t:OofState", reply.state),
        new("t:ExternalAudience", reply.audience),
        new(
            "t:Duration",
            new("t:StartTime", (reply.start or "2026-11-23T00:00:00Z").removesuffix("Z")),
            new("t:EndTime", (reply.end or "2026-11-24T00:00:00Z").removesuffix("Z")),
        ),
        new("t:InternalReply", new("t:Message", reply.internal)),
        new("t:ExternalReply", new("t:Message", reply.external)),
    )


def get_app_manifests(state: State, who: Actor, operation: Element) -> Element:
    """The manifests of the mailbox' add-ins; asked with a version of the interface, in the form of 2013 SP1."""

    def make() -> Element:
        mailbox = target(state, who, "")
        require_full_access(state, who, mailbox)
        manifests = [_manifest(one) for one in mailbox.add_ins]
        if text(operation, "m:ApiVersionSupported"):
            apps = [
                new("t:App", new("t:Metadata", new("t:AppStatus", "")), new("t:Manifest", one))
                for one in manifests
            ]
            return success(_MANIFESTS, new("m:Apps", *apps))
        return success(_MANIFESTS, new("m:Manifests", *(new("m:Manifest", one) for one in manifests)))

    return attempt(_MANIFESTS, make, "m:Manifests")


def _manifest(add_in: AddIn) -> str:
    manifest = etree.Element(f"{{{_APP}}}OfficeApp", nsmap={None: _APP})

    def add(name: str, text: str | None = None, **attributes: str) -> None:
        etree.SubElement(manifest, f"{{{_APP}}}{name}", attributes).text = text

    add("Id", add_in.id)
    add("Version", "1.0")
    add("ProviderName", add_in.provider)
    add("DefaultLocale", "en-US")
    add("DisplayName", DefaultValue=add_in.name)
    add("Description", DefaultValue=add_in.name)
    add("Permissions", add_in.permission)
    return base64.b64encode(etree.tostring(manifest, xml_declaration=True, encoding="utf-8")).decode()
