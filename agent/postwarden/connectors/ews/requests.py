"""The requests of an audit, as the schema has them ([MS-OXWS…]); each for the mailbox that it names."""

from collections.abc import Sequence

from lxml import etree

from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element

#: Folders that one request asks the permissions of.
FOLDER_CHUNK = 50
#: Items that one request asks for with all their properties.
ITEM_CHUNK = 100
#: Entries of one page; servers may send fewer.
PAGE = 1_000

#: How deep a search goes: everything below, or the associated items of a folder.
_DEEP, _ASSOCIATED = "Deep", "Associated"

_FOLDER_FIELDS = (
    "folder:ParentFolderId",
    "folder:DisplayName",
    "folder:FolderClass",
    "folder:DistinguishedFolderId",
)

#: [MS-OXORULE] section 2.2.4 and [MS-OXPROPS]: tag → type, in the order of the tags.
_RULE_PROPERTIES = (
    ("0xe99", "Binary"),  # PidTagExtendedRuleMessageActions
    ("0xe9a", "Binary"),  # PidTagExtendedRuleMessageCondition
    ("0x65e9", "Integer"),  # PidTagRuleMessageState
    ("0x65eb", "String"),  # PidTagRuleMessageProvider
    ("0x65ec", "String"),  # PidTagRuleMessageName
    ("0x65ef", "Binary"),  # the standard actions
    ("0x65f0", "Binary"),  # the standard condition
    ("0x65f3", "Integer"),  # PidTagRuleMessageSequence
)


def find_folders(mailbox: str, offset: int) -> Element:
    """All folders below the top of the mailbox, from `offset` on."""
    request = _operation("FindFolder", Traversal=_DEEP)
    _shape(request, "FolderShape", _FOLDER_FIELDS)
    _page(request, "IndexedPageFolderView", offset)
    _distinguished(_below(request, "ParentFolderIds"), "msgfolderroot", mailbox)
    return request


def get_folders(mailbox: str, ids: Sequence[str], *, top: bool) -> Element:
    """The permission sets of folders; `top` adds the top of the mailbox itself."""
    request = _operation("GetFolder")
    _shape(request, "FolderShape", (*_FOLDER_FIELDS, "folder:PermissionSet"))
    wanted = _below(request, "FolderIds")
    if top:
        _distinguished(wanted, "msgfolderroot", mailbox)
    for one in ids:
        etree.SubElement(wanted, TYPES + "FolderId", Id=one)
    return request


def find_associated_items(mailbox: str, offset: int) -> Element:
    """The inbox's associated items, from `offset` on: what they are, without their content."""
    request = _operation("FindItem", Traversal=_ASSOCIATED)
    _shape(request, "ItemShape", ("item:ItemClass",))
    _page(request, "IndexedPageItemView", offset)
    _distinguished(_below(request, "ParentFolderIds"), "inbox", mailbox)
    return request


def get_rule_items(ids: Sequence[str]) -> Element:
    """Items with everything that a stored rule has; searching cuts long properties, so they are asked for here."""
    request = _operation("GetItem")
    fields = ("item:ItemClass", "item:DateTimeCreated", "item:LastModifiedName", "item:LastModifiedTime")
    properties = _shape(request, "ItemShape", fields)
    for tag, kind in _RULE_PROPERTIES:
        etree.SubElement(properties, TYPES + "ExtendedFieldURI", PropertyTag=tag, PropertyType=kind)
    wanted = _below(request, "ItemIds")
    for one in ids:
        etree.SubElement(wanted, TYPES + "ItemId", Id=one)
    return request


def get_inbox_rules(mailbox: str) -> Element:
    request = _operation("GetInboxRules")
    _below(request, "MailboxSmtpAddress").text = mailbox
    return request


def get_delegates(mailbox: str) -> Element:
    request = _operation("GetDelegate", IncludePermissions="true")
    etree.SubElement(_below(request, "Mailbox"), TYPES + "EmailAddress").text = mailbox
    return request


def get_automatic_replies(mailbox: str) -> Element:
    request = _operation("GetUserOofSettingsRequest")
    owner = etree.SubElement(request, TYPES + "Mailbox")
    etree.SubElement(owner, TYPES + "Address").text = mailbox
    return request


def get_add_ins() -> Element:
    return _operation("GetAppManifests")


def resolve(name: str) -> Element:
    """Whom the directory knows by an address, or by a legacy DN; the mailbox' own contacts prove nothing.

    Without a routing type before it an address would be compared with primary ones only.
    """
    request = _operation(
        "ResolveNames",
        ReturnFullContactData="true",
        SearchScope="ActiveDirectory",
        ContactDataShape="AllProperties",
    )
    _below(request, "UnresolvedEntry").text = f"smtp:{name}" if "@" in name and "/" not in name else name
    return request


def expand(address: str) -> Element:
    """The members of a distribution list."""
    request = _operation("ExpandDL")
    etree.SubElement(_below(request, "Mailbox"), TYPES + "EmailAddress").text = address
    return request


def get_server_version() -> Element:
    """The least that every server answers, for what the answer's header says."""
    request = _operation("GetServerTimeZones", ReturnFullTimeZoneData="false")
    etree.SubElement(_below(request, "Ids"), TYPES + "Id").text = "UTC"
    return request


def _operation(name: str, **attributes: str) -> Element:
    spaces = {"m": MESSAGES.strip("{}"), "t": TYPES.strip("{}")}
    return etree.Element(MESSAGES + name, attributes, nsmap=spaces)


def _below(request: Element, name: str) -> Element:
    return etree.SubElement(request, MESSAGES + name)


def _shape(request: Element, name: str, fields: Sequence[str]) -> Element:
    """The wanted properties; returns the list, for more of them."""
    shape = _below(request, name)
    etree.SubElement(shape, TYPES + "BaseShape").text = "IdOnly"
    wanted = etree.SubElement(shape, TYPES + "AdditionalProperties")
    for field in fields:
        etree.SubElement(wanted, TYPES + "FieldURI", FieldURI=field)
    return wanted


def _page(request: Element, name: str, offset: int) -> None:
    etree.SubElement(
        request, MESSAGES + name, MaxEntriesReturned=str(PAGE), Offset=str(offset), BasePoint="Beginning"
    )


def _distinguished(parent: Element, name: str, mailbox: str) -> None:
    folder = etree.SubElement(parent, TYPES + "DistinguishedFolderId", Id=name)
    owner = etree.SubElement(folder, TYPES + "Mailbox")
    etree.SubElement(owner, TYPES + "EmailAddress").text = mailbox
