"""Answers as Exchange gives them, written by hand; test_schema.py checks each against the published schema."""

import base64
import struct

NAMESPACES = (
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)
OK = "<m:ResponseCode>NoError</m:ResponseCode>"


def enveloped(body: str) -> bytes:
    """A SOAP answer with this body."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
        f'<t:ServerVersionInfo {NAMESPACES} MajorVersion="15" MinorVersion="2"/></s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def single(operation: str, content: str, *, attributes: str = 'ResponseClass="Success"') -> bytes:
    """An operation that is a response message itself."""
    return enveloped(f"<m:{operation}Response {NAMESPACES} {attributes}>{content}</m:{operation}Response>")


def several(operation: str, *contents: str) -> bytes:
    """An operation that lists successful response messages."""
    listed = "".join(
        f'<m:{operation}ResponseMessage ResponseClass="Success">{OK}{content}</m:{operation}ResponseMessage>'
        for content in contents
    )
    return enveloped(
        f"<m:{operation}Response {NAMESPACES}><m:ResponseMessages>{listed}</m:ResponseMessages></m:{operation}Response>"
    )


def failed(operation: str, code: str, *, kind: str = "Error", extra: str = "") -> bytes:
    """A listed response message that is an error."""
    message = (
        f"<m:{operation}ResponseMessage ResponseClass={kind!r}><m:MessageText>It says no.</m:MessageText>"
        f"<m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{extra}"
        f"</m:{operation}ResponseMessage>"
    )
    return enveloped(
        f"<m:{operation}Response {NAMESPACES}><m:ResponseMessages>{message}</m:ResponseMessages></m:{operation}Response>"
    )


def fault(code: str, values: str = "", said: str = "Try again later.") -> bytes:
    """A SOAP fault as Exchange writes it."""
    errors = "http://schemas.microsoft.com/exchange/services/2006/errors"
    xml = f'<t:MessageXml xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">{values}</t:MessageXml>'
    return enveloped(
        f"<s:Fault><faultcode>a:{code}</faultcode><faultstring>{said}</faultstring>"
        f'<detail><e:ResponseCode xmlns:e="{errors}">{code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{errors}">{said}</e:Message>{xml if values else ""}</detail></s:Fault>'
    )


def rule(
    actions: str | None = "<t:Delete>true</t:Delete>",
    *,
    conditions: str = "",
    exceptions: str = "",
    name: str = "Tidy",
    identifier: str = "<t:RuleId>dCsAAABjzvA=</t:RuleId>",
    state: str = "<t:IsEnabled>true</t:IsEnabled>",
) -> str:
    """One inbox rule."""
    return (
        f"<t:Rule>{identifier}<t:DisplayName>{name}</t:DisplayName><t:Priority>3</t:Priority>{state}"
        + (f"<t:Conditions>{conditions}</t:Conditions>" if conditions else "")
        + (f"<t:Exceptions>{exceptions}</t:Exceptions>" if exceptions else "")
        + (f"<t:Actions>{actions}</t:Actions>" if actions is not None else "")
        + "</t:Rule>"
    )


def rules(*listed: str, blob: str = "<m:OutlookRuleBlobExists>false</m:OutlookRuleBlobExists>") -> bytes:
    """An answer to GetInboxRules."""
    return single("GetInboxRules", f"{OK}{blob}<m:InboxRules>{''.join(listed)}</m:InboxRules>")


def strings(word: str, *values: str) -> str:
    """A predicate or action with strings."""
    return f"<t:{word}>{''.join(f'<t:String>{value}</t:String>' for value in values)}</t:{word}>"


def addresses(word: str, *values: str, routing: str = "SMTP") -> str:
    """A predicate or action with addresses."""
    listed = "".join(
        f"<t:Address><t:Name>Somebody</t:Name><t:EmailAddress>{value}</t:EmailAddress>"
        f"<t:RoutingType>{routing}</t:RoutingType></t:Address>"
        for value in values
    )
    return f"<t:{word}>{listed}</t:{word}>"


EVERY_CONDITION = (
    strings("Categories", "Red")
    + strings("ContainsBodyStrings", "payment")
    + strings("ContainsHeaderStrings", "X-Mark: 1")
    + strings("ContainsRecipientStrings", "sales")
    + strings("ContainsSenderStrings", "@partner.example")
    + strings("ContainsSubjectOrBodyStrings", "bank")
    + strings("ContainsSubjectStrings", "invoice", "facture")
    + "<t:FlaggedForAction>Reply</t:FlaggedForAction>"
    + addresses("FromAddresses", "bob@partner.example")
    + strings("FromConnectedAccounts", "Other")
    + "".join(f"<t:{word}>true</t:{word}>" for word in ("HasAttachments",))
    + "<t:Importance>High</t:Importance>"
    + "".join(
        f"<t:{word}>true</t:{word}>"
        for word in (
            "IsApprovalRequest",
            "IsAutomaticForward",
            "IsAutomaticReply",
            "IsEncrypted",
            "IsMeetingRequest",
            "IsMeetingResponse",
            "IsNDR",
            "IsPermissionControlled",
            "IsReadReceipt",
            "IsSigned",
            "IsVoicemail",
        )
    )
    + strings("ItemClasses", "IPM.Note")
    + strings("MessageClassifications", "Secret")
    + "".join(f"<t:{word}>true</t:{word}>" for word in ("NotSentToMe", "SentCcMe", "SentOnlyToMe"))
    + addresses("SentToAddresses", "team@example.org")
    + "".join(f"<t:{word}>true</t:{word}>" for word in ("SentToMe", "SentToOrCcMe"))
    + "<t:Sensitivity>Private</t:Sensitivity>"
    + "<t:WithinDateRange><t:StartDateTime>2026-01-01T00:00:00Z</t:StartDateTime>"
    "<t:EndDateTime>2026-02-01T00:00:00Z</t:EndDateTime></t:WithinDateRange>"
    "<t:WithinSizeRange><t:MinimumSize>10</t:MinimumSize><t:MaximumSize>20</t:MaximumSize></t:WithinSizeRange>"
)
EVERY_ACTION = (
    strings("AssignCategories", "Red", "Blue")
    + '<t:CopyToFolder><t:FolderId Id="AAMkCopy" ChangeKey="AQ=="/></t:CopyToFolder>'
    + "<t:Delete>true</t:Delete>"
    + addresses("ForwardAsAttachmentToRecipients", "a@elsewhere.example")
    + addresses("ForwardToRecipients", "b@elsewhere.example", "c@elsewhere.example")
    + "<t:MarkImportance>Low</t:MarkImportance><t:MarkAsRead>true</t:MarkAsRead>"
    + '<t:MoveToFolder><t:DistinguishedFolderId Id="deleteditems"/></t:MoveToFolder>'
    + "<t:PermanentDelete>true</t:PermanentDelete>"
    + addresses("RedirectToRecipients", "/o=Example/cn=contact", routing="EX")
    + addresses("SendSMSAlertToRecipients", "+15550100", routing="MOBILE")
    + '<t:ServerReplyWithMessage Id="AAMkTemplate" ChangeKey="AQ=="/>'
    + "<t:StopProcessingRules>true</t:StopProcessingRules>"
)
EVERYTHING_RULE = rules(
    rule(EVERY_ACTION, conditions=EVERY_CONDITION, exceptions=EVERY_CONDITION),
    blob="<m:OutlookRuleBlobExists>true</m:OutlookRuleBlobExists>",
)
TROUBLED_RULES = rules(
    rule(
        None,
        name="Broken",
        identifier="",
        state="<t:IsEnabled>true</t:IsEnabled><t:IsNotSupported>true</t:IsNotSupported><t:IsInError>true</t:IsInError>",
    )
)
NO_RULES = single("GetInboxRules", f"{OK}<m:OutlookRuleBlobExists>false</m:OutlookRuleBlobExists>")
RULES_REFUSED = single(
    "GetInboxRules",
    "<m:MessageText>It says no.</m:MessageText><m:ResponseCode>ErrorAccessDenied</m:ResponseCode>",
    attributes='ResponseClass="Error"',
)


def user(address: str = "", name: str = "", *, sid: str = "", everybody: str = "", outside: str = "") -> str:
    """A UserId."""
    parts = (
        ("SID", sid),
        ("PrimarySmtpAddress", address),
        ("DisplayName", name),
        ("DistinguishedUser", everybody),
        ("ExternalUserIdentity", outside),
    )
    return (
        f"<t:UserId>{''.join(f'<t:{word}>{value}</t:{word}>' for word, value in parts if value)}</t:UserId>"
    )


def delegate(who: str, levels: str = "", extra: str = "") -> str:
    """One delegate, as its own response message."""
    permissions = f"<t:DelegatePermissions>{levels}</t:DelegatePermissions>" if levels else ""
    return (
        f'<m:DelegateUserResponseMessageType ResponseClass="Success">{OK}'
        f"<m:DelegateUser>{who}{permissions}{extra}</m:DelegateUser></m:DelegateUserResponseMessageType>"
    )


DEAD_DELEGATE = (
    '<m:DelegateUserResponseMessageType ResponseClass="Error"><m:MessageText>The user is gone.</m:MessageText>'
    "<m:ResponseCode>ErrorDelegateNoUser</m:ResponseCode></m:DelegateUserResponseMessageType>"
)


def delegates(*listed: str, meetings: str = "DelegatesAndMe") -> bytes:
    """An answer to GetDelegate."""
    messages = f"<m:ResponseMessages>{''.join(listed)}</m:ResponseMessages>" if listed else ""
    return single(
        "GetDelegate", f"{OK}{messages}<m:DeliverMeetingRequests>{meetings}</m:DeliverMeetingRequests>"
    )


DELEGATES = delegates(
    delegate(
        user("bob@example.org", "Bob", sid="S-1-5-21-1"),
        "<t:CalendarFolderPermissionLevel>Editor</t:CalendarFolderPermissionLevel>"
        "<t:TasksFolderPermissionLevel>None</t:TasksFolderPermissionLevel>"
        "<t:InboxFolderPermissionLevel>Reviewer</t:InboxFolderPermissionLevel>"
        "<t:ContactsFolderPermissionLevel>Custom</t:ContactsFolderPermissionLevel>",
        "<t:ReceiveCopiesOfMeetingMessages>true</t:ReceiveCopiesOfMeetingMessages>"
        "<t:ViewPrivateItems>true</t:ViewPrivateItems>",
    ),
    DEAD_DELEGATE,
    delegate(user("carol@example.org", "Carol")),
)


def permission(who: str, level: str, *, calendar: bool = False, flags: str = "", read: str = "") -> str:
    """One entry of a permission set."""
    kind = "CalendarPermission" if calendar else "Permission"
    reads = f"<t:ReadItems>{read}</t:ReadItems>" if read else ""
    return f"<t:{kind}>{who}{flags}{reads}<t:{kind}Level>{level}</t:{kind}Level></t:{kind}>"


def folder(
    entries: str,
    *,
    kind: str = "Folder",
    name: str = "Posteingang",
    identifier: str = "AAMkInbox",
    distinguished: str = "",
    unknown: str = "",
) -> str:
    """One folder with its permission set."""
    prefix = "Calendar" if kind == "CalendarFolder" else ""
    word = f"<t:DistinguishedFolderId>{distinguished}</t:DistinguishedFolderId>" if distinguished else ""
    strangers = f"<t:UnknownEntries>{unknown}</t:UnknownEntries>" if unknown else ""
    return (
        f'<t:{kind}><t:FolderId Id="{identifier}" ChangeKey="AQ=="/><t:DisplayName>{name}</t:DisplayName>{word}'
        f"<t:PermissionSet><t:{prefix}Permissions>{entries}</t:{prefix}Permissions>{strangers}"
        f"</t:PermissionSet></t:{kind}>"
    )


CUSTOM = (
    "<t:CanCreateItems>true</t:CanCreateItems><t:CanCreateSubFolders>true</t:CanCreateSubFolders>"
    "<t:IsFolderOwner>false</t:IsFolderOwner><t:IsFolderVisible>true</t:IsFolderVisible>"
    "<t:IsFolderContact>false</t:IsFolderContact><t:EditItems>Owned</t:EditItems><t:DeleteItems>All</t:DeleteItems>"
)
FOLDERS = several(
    "GetFolder",
    "<m:Folders>"
    + folder(
        permission(user(everybody="Default"), "None")
        + permission(user(everybody="Anonymous"), "Reviewer")
        + permission(user("Alice@example.org", "Alice"), "Owner")
        + permission(user("mallory@example.org", "Mallory"), "Owner")
        + permission(user("dave@example.org"), "Custom", flags=CUSTOM, read="FullDetails")
        + permission(user(name="NT User:S-1-5-21-9"), "Editor")
        + permission(user(outside="erin@elsewhere.example"), "Contributor"),
        distinguished="inbox",
        unknown="<t:UnknownEntry>S-1-5-21-7</t:UnknownEntry>",
    )
    + "</m:Folders>",
    "<m:Folders>"
    + folder(
        permission(user(everybody="Default"), "FreeBusyTimeOnly", calendar=True, read="TimeOnly"),
        kind="CalendarFolder",
        name="Kalender",
        identifier="AAMkCalendar",
    )
    + "</m:Folders>",
)
FOUND_FOLDERS = several(
    "FindFolder",
    '<m:RootFolder IndexedPagingOffset="1" TotalItemsInView="3" IncludesLastItemInRange="false"><t:Folders>'
    + folder(permission(user("bob@example.org"), "Reviewer"), name="Projects", identifier="AAMkProjects")
    + '<t:SearchFolder><t:FolderId Id="AAMkSearch"/><t:DisplayName>Unread Mail</t:DisplayName></t:SearchFolder>'
    + "</t:Folders></m:RootFolder>",
)
AWAY = enveloped(
    f'<m:GetUserOofSettingsResponse {NAMESPACES}><m:ResponseMessage ResponseClass="Success">{OK}'
    "</m:ResponseMessage><t:OofSettings><t:OofState>Scheduled</t:OofState><t:ExternalAudience>All</t:ExternalAudience>"
    "<t:InternalReply><t:Message>Back on Monday.</t:Message></t:InternalReply></t:OofSettings>"
    "<m:AllowExternalOof>Known</m:AllowExternalOof></m:GetUserOofSettingsResponse>"
)
AWAY_REFUSED = enveloped(
    f'<m:GetUserOofSettingsResponse {NAMESPACES}><m:ResponseMessage ResponseClass="Error">'
    "<m:ResponseCode>ErrorMailboxStoreUnavailable</m:ResponseCode></m:ResponseMessage>"
    "</m:GetUserOofSettingsResponse>"
)


def stored_actions(what: bytes = b"\x0a") -> bytes:
    """Extended rule actions: one of the given type without data."""
    return b"\0\0" + struct.pack("<III", 1, 1, 9) + what + bytes(8)


def stored_subject(word: str) -> bytes:
    """An extended rule condition: the subject contains a word."""
    return (
        b"\0\0"
        + struct.pack("<BIHHHH", 3, 0x10001, 0x1F, 0x37, 0x1F, 0x37)
        + word.encode("utf-16-le")
        + b"\0\0"
    )


def stored_forward(address: str) -> bytes:
    """Extended rule actions: a forward to one address."""
    properties = (
        struct.pack("<HH", 0x1F, tag) + text.encode("utf-16-le") + b"\0\0"
        for tag, text in (
            (0x3002, "SMTP"),
            (0x3003, address),
        )
    )
    data = struct.pack("<IBI", 1, 1, 2) + b"".join(properties)
    return b"\0\0" + struct.pack("<IIIBII", 1, 1, len(data) + 9, 7, 0, 0) + data


def extended(tag: str, value: str | bytes, kind: str) -> str:
    """One MAPI property."""
    shown = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    return (
        f'<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="{tag}" PropertyType="{kind}"/>'
        f"<t:Value>{shown}</t:Value></t:ExtendedProperty>"
    )


def item(properties: str, *, identifier: str = "AAMkRule", kind: str = "IPM.Rule.Version2.Message") -> str:
    """One associated item."""
    shown = f"<t:ItemClass>{kind}</t:ItemClass>" if kind else ""
    return (
        f'<t:Message><t:ItemId Id="{identifier}" ChangeKey="AQ=="/>{shown}'
        f"<t:DateTimeCreated>2026-10-01T08:00:00Z</t:DateTimeCreated>{properties}"
        "<t:LastModifiedName>Mallory</t:LastModifiedName>"
        "<t:LastModifiedTime>2026-10-02T08:00:00+02:00</t:LastModifiedTime></t:Message>"
    )


def labelled(name: str = "Tidy", provider: str = "RuleOrganizer", state: int = 1) -> str:
    """Name, provider, state and order of a rule item."""
    return (
        extended("0x65e9", str(state), "Integer")
        + extended("0x65EB", provider, "String")
        + extended("26092", name, "String")
        + extended("0x65f3", "10", "Integer")
    )


def items(*listed: str) -> bytes:
    """An answer to GetItem."""
    return several("GetItem", *(f"<m:Items>{one}</m:Items>" for one in listed))


FORWARDING = extended("0x0E99", stored_forward("x@elsewhere.example"), "Binary") + extended(
    "0xe9a", stored_subject("invoice"), "Binary"
)
RULE_ITEMS = items(
    item(labelled() + FORWARDING),
    item(labelled(name="", provider="") + FORWARDING, identifier="AAMkHidden"),
    item(extended("0x65e9", "1", "Integer"), kind="IPM.Configuration.Sets", identifier="AAMkOther"),
)
FOUND_ITEMS = several(
    "FindItem",
    '<m:RootFolder IndexedPagingOffset="2" TotalItemsInView="2" IncludesLastItemInRange="true"><t:Items>'
    + item(labelled() + FORWARDING)
    + "</t:Items></m:RootFolder>",
)
MANIFEST = (
    b'<?xml version="1.0" encoding="utf-8"?><OfficeApp xmlns="http://schemas.microsoft.com/office/appforoffice/1.1">'
    b"<Id>aaaaaaaa-0000-4000-8000-000000000001</Id><Version>1.0</Version><ProviderName>Example</ProviderName>"
    b'<DisplayName DefaultValue="Mail Helper"/><Permissions>ReadWriteMailbox</Permissions></OfficeApp>'
)


def add_ins(*manifests: bytes, old: bool = False) -> bytes:
    """An answer to GetAppManifests, of Exchange 2013 or later."""
    texts = [base64.b64encode(manifest).decode() for manifest in manifests]
    if old:
        listed = "".join(f"<m:Manifest>{one}</m:Manifest>" for one in texts)
        return single("GetAppManifests", f"{OK}<m:Manifests>{listed}</m:Manifests>")
    listed = "".join(f"<t:App><t:Manifest>{one}</t:Manifest></t:App>" for one in texts)
    return single("GetAppManifests", f"{OK}<m:Apps>{listed}</m:Apps>")


def mailbox(name: str, address: str, routing: str = "SMTP", kind: str = "Mailbox") -> str:
    """Somebody in the directory."""
    return (
        f"<t:Mailbox><t:Name>{name}</t:Name><t:EmailAddress>{address}</t:EmailAddress>"
        f"<t:RoutingType>{routing}</t:RoutingType><t:MailboxType>{kind}</t:MailboxType></t:Mailbox>"
    )


RESOLVED = several(
    "ResolveNames",
    '<m:ResolutionSet TotalItemsInView="1" IncludesLastItemInRange="true"><t:Resolution>'
    + mailbox("A Contact", "x@elsewhere.example", kind="Contact")
    + "</t:Resolution></m:ResolutionSet>",
)
EXPANDED = several(
    "ExpandDL",
    '<m:DLExpansion TotalItemsInView="2" IncludesLastItemInRange="true">'
    + mailbox("Bob", "bob@example.org")
    + mailbox("Staff", "staff@example.org", kind="PublicDL")
    + "</m:DLExpansion>",
)

VALID = {
    "everything": EVERYTHING_RULE,
    "troubled": TROUBLED_RULES,
    "no rules": NO_RULES,
    "rules refused": RULES_REFUSED,
    "delegates": DELEGATES,
    "no delegates": delegates(),
    "folders": FOLDERS,
    "found folders": FOUND_FOLDERS,
    "away": AWAY,
    "away refused": AWAY_REFUSED,
    "rule items": RULE_ITEMS,
    "found items": FOUND_ITEMS,
    "add-ins": add_ins(MANIFEST),
    "old add-ins": add_ins(MANIFEST, old=True),
    "resolved": RESOLVED,
    "expanded": EXPANDED,
    "folder refused": failed("GetFolder", "ErrorAccessDenied"),
}
