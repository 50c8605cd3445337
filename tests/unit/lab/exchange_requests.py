"""Requests to the lab's Exchange, asked of a state without a server between them.

Where the published schema is there, every request and answer is checked against it.
"""

from dataclasses import dataclass

from lxml import etree

from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.operations import Caller, answer
from postwarden.lab.exchange.organisation import load
from tests.ews_schema import SCHEMA_FILE, schema

SERVICE = r"KITANO\svc-postwarden"
TAGS = ("0xe99", "0xe9a", "0x65ef", "0x65f0")
_SPACES = (
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)


def address(login: str) -> str:
    """The primary address of an account."""
    return load().account(login).addresses[0]


def request(operation: str, content: str = "", attributes: str = "") -> str:
    """An operation's element."""
    return f"<m:{operation} {_SPACES} {attributes}>{content}</m:{operation}>"


@dataclass(frozen=True)
class Asking:
    """Asks as one caller, by impersonation of `mailbox` or, without it, as itself."""

    state: State
    mailbox: str | None = None
    user: str = SERVICE
    version: str = "Exchange2013_SP1"
    #: What is asked may be no request that the schema allows.
    schema: bool = True

    def __call__(self, written: str) -> bytes:
        caller = Caller(user=self.user, mailbox=self.mailbox, impersonating=self.mailbox is not None)
        asked = etree.fromstring(written)
        raw = etree.tostring(answer(self.state, caller, asked, self.version))
        if SCHEMA_FILE.exists():
            if self.schema:
                schema().assertValid(asked)
            schema().assertValid(etree.fromstring(raw))
        return bytes(raw)


def distinguished(name: str, mailbox: str = "") -> str:
    """A folder by its distinguished id, in this mailbox or the caller's own."""
    owner = f"<t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>" if mailbox else ""
    return f'<t:DistinguishedFolderId Id="{name}">{owner}</t:DistinguishedFolderId>'


def shape(kind: str, *fields: str, base: str = "IdOnly", tags: tuple[tuple[str, str], ...] = ()) -> str:
    """A FolderShape or ItemShape."""
    paths = "".join(f'<t:FieldURI FieldURI="{field}"/>' for field in fields)
    paths += "".join(f'<t:ExtendedFieldURI PropertyTag="{tag}" PropertyType="{word}"/>' for tag, word in tags)
    more = f"<t:AdditionalProperties>{paths}</t:AdditionalProperties>" if paths else ""
    return f"<m:{kind}Shape><t:BaseShape>{base}</t:BaseShape>{more}</m:{kind}Shape>"


def get_folder(*places: str, fields: tuple[str, ...] = ("folder:DisplayName", "folder:PermissionSet")) -> str:
    """GetFolder."""
    return request("GetFolder", shape("Folder", *fields) + f"<m:FolderIds>{''.join(places)}</m:FolderIds>")


def find_folder(
    place: str,
    *fields: str,
    traversal: str = "Deep",
    view: tuple[int, int] | None = None,
    base: str = "IdOnly",
) -> str:
    """FindFolder; `view` is offset and size of a page."""
    page = (
        f'<m:IndexedPageFolderView MaxEntriesReturned="{view[1]}" Offset="{view[0]}" BasePoint="Beginning"/>'
        if view
        else ""
    )
    content = shape("Folder", *fields, base=base) + page
    content += f"<m:ParentFolderIds>{place}</m:ParentFolderIds>"
    return request("FindFolder", content, f'Traversal="{traversal}"')


def find_item(
    place: str,
    *fields: str,
    traversal: str = "Associated",
    view: tuple[int, int] | None = None,
    tags: tuple[tuple[str, str], ...] = (),
) -> str:
    """FindItem; `view` is offset and size of a page."""
    page = (
        f'<m:IndexedPageItemView MaxEntriesReturned="{view[1]}" Offset="{view[0]}" BasePoint="Beginning"/>'
        if view
        else ""
    )
    content = shape("Item", *fields, tags=tags) + page + f"<m:ParentFolderIds>{place}</m:ParentFolderIds>"
    return request("FindItem", content, f'Traversal="{traversal}"')


RULE_TAGS = (
    *((tag, "Binary") for tag in TAGS),
    ("0x65e9", "Integer"),
    ("0x65EB", "String"),
    ("26092", "String"),
    ("0x65f3", "Integer"),
)
_ITEM_FIELDS = ("item:ItemClass", "item:DateTimeCreated", "item:LastModifiedTime", "item:LastModifiedName")


def get_item(
    *ids: str, tags: tuple[tuple[str, str], ...] = RULE_TAGS, fields: tuple[str, ...] = _ITEM_FIELDS
) -> str:
    """GetItem."""
    listed = "".join(f'<t:ItemId Id="{one}"/>' for one in ids)
    return request("GetItem", shape("Item", *fields, tags=tags) + f"<m:ItemIds>{listed}</m:ItemIds>")


def get_inbox_rules(mailbox: str = "") -> str:
    """GetInboxRules."""
    named = f"<m:MailboxSmtpAddress>{mailbox}</m:MailboxSmtpAddress>" if mailbox else ""
    return request("GetInboxRules", named)


def get_delegate(mailbox: str, users: str = "", *, permissions: bool = True) -> str:
    """GetDelegate; `users` are the delegates that are asked for, else all."""
    content = f"<m:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></m:Mailbox>"
    content += f"<m:UserIds>{users}</m:UserIds>" if users else ""
    return request("GetDelegate", content, f'IncludePermissions="{str(permissions).lower()}"')


def get_oof(mailbox: str) -> str:
    """GetUserOofSettings."""
    return request("GetUserOofSettingsRequest", f"<t:Mailbox><t:Address>{mailbox}</t:Address></t:Mailbox>")


def resolve(written: str, *, full: bool = True) -> str:
    """ResolveNames."""
    content = f"<m:UnresolvedEntry>{written}</m:UnresolvedEntry>"
    return request("ResolveNames", content, f'ReturnFullContactData="{str(full).lower()}"')


def expand(written: str) -> str:
    """ExpandDL."""
    return request("ExpandDL", f"<m:Mailbox><t:EmailAddress>{written}</t:EmailAddress></m:Mailbox>")


def codes(raw: bytes) -> list[str]:
    """The response codes of an answer, in their order."""
    return [one.text or "" for one in etree.fromstring(raw).iter("{*}ResponseCode")]


def texts(raw: bytes, name: str) -> list[str]:
    """The texts of all elements of this name in an answer."""
    return [one.text or "" for one in etree.fromstring(raw).iter(f"{{*}}{name}")]


def ids(raw: bytes, name: str) -> list[str]:
    """The ids of all elements of this name in an answer."""
    return [one.get("Id", "") for one in etree.fromstring(raw).iter(f"{{*}}{name}")]
