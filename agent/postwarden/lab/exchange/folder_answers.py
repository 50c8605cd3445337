"""GetFolder and FindFolder ([MS-OXWSFOLD], [MS-OXWSSRCH])."""

from collections.abc import Callable

from postwarden.lab.exchange.access import Actor, Refused, may_read_items, rights_in, target
from postwarden.lab.exchange.elements import Element, child, name, new, text
from postwarden.lab.exchange.levels import Rights, rights_of
from postwarden.lab.exchange.mailbox import Entry, Folder, Grantee, Mailbox
from postwarden.lab.exchange.messages import attempt, response, success
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.shapes import Page, Shape, extended, refuse_unserved, shape, window

_ENTRY_ID, _DISPLAY_NAME, _CONTAINER_CLASS = 0x0FFF, 0x3001, 0x3613
_ELEMENTS = {
    "IPF.Appointment": "t:CalendarFolder",
    "IPF.Contact": "t:ContactsFolder",
    "IPF.Task": "t:TasksFolder",
}
#: Kinds of folders that know how much in them is unread.
_COUNTING = frozenset({"t:Folder", "t:TasksFolder"})
_ID = "folder:FolderId"
_DEFAULT = frozenset(
    {_ID, "folder:DisplayName", "folder:TotalCount", "folder:ChildFolderCount", "folder:UnreadCount"}
)
_ALL = _DEFAULT | {
    "folder:ParentFolderId",
    "folder:FolderClass",
    "folder:EffectiveRights",
    "folder:DistinguishedFolderId",
}
#: What only GetFolder tells.
_PERMISSIONS = "folder:PermissionSet"
_KNOWN = _ALL | {
    _PERMISSIONS,
    "folder:SharingEffectiveRights",
    "folder:ManagedFolderInformation",
    "folder:PolicyTag",
    "folder:ArchiveTag",
    "folder:ReplicaList",
}
_BASES = {"IdOnly": frozenset({_ID}), "Default": _DEFAULT, "AllProperties": _ALL}


def get_folder(state: State, who: Actor, operation: Element) -> Element:
    """A response message for each folder that is asked for."""
    tag = "m:GetFolderResponseMessage"

    def one(place: Element) -> Callable[[], Element]:
        def make() -> Element:
            wanted = shape(child(operation, "m:FolderShape"))
            mailbox, folder = named_folder(state, who, place)
            return success(tag, new("m:Folders", _folder(state, who, mailbox, folder, wanted, whole=True)))

        return make

    places = child(operation, "m:FolderIds")
    return response(
        "GetFolder",
        [attempt(tag, one(place), "m:Folders") for place in (places if places is not None else ())],
    )


def find_folder(state: State, who: Actor, operation: Element) -> Element:
    """A page of the folders below each of the folders that are named."""
    tag = "m:FindFolderResponseMessage"

    def one(place: Element) -> Callable[[], Element]:
        def make() -> Element:
            refuse_unserved(operation, "m:FractionalPageFolderView", "m:Restriction")
            wanted = shape(child(operation, "m:FolderShape"))
            if _PERMISSIONS in wanted.fields:
                raise Refused("ErrorInvalidPropertyRequest")
            traversal = operation.get("Traversal")
            if traversal not in {"Shallow", "Deep"}:
                raise Refused("ErrorInvalidRequest")
            mailbox, top = named_folder(state, who, place)
            found = [
                folder
                for folder in mailbox.children(top, deep=traversal == "Deep")
                if rights_in(state, who, mailbox, folder).visible
            ]
            part, offset, is_last = window(child(operation, "m:IndexedPageFolderView"), found, state.page_cap)
            told = tuple(_folder(state, who, mailbox, folder, wanted, whole=False) for folder in part)
            page = Page(told, len(found), offset, is_last)
            return success(tag, new("m:RootFolder", new("t:Folders", *page.found), **page.attributes()))

        return make

    places = child(operation, "m:ParentFolderIds")
    return response(
        "FindFolder", [attempt(tag, one(place)) for place in (places if places is not None else ())]
    )


def named_folder(state: State, who: Actor, place: Element) -> tuple[Mailbox, Folder]:
    """The folder that a FolderId or DistinguishedFolderId names, if the actor may see it; else raises Refused."""
    match name(place):
        case "FolderId":
            try:
                mailbox, folder = state.folder(place.get("Id", ""))
            except KeyError:
                raise Refused(_wrong_id(place.get("Id", ""))) from None
        case "DistinguishedFolderId":
            mailbox = target(state, who, text(place, "t:Mailbox", "t:EmailAddress"))
            found = [one for one in mailbox.folders.values() if one.distinguished == place.get("Id")]
            if not found:
                raise Refused("ErrorFolderNotFound")
            folder = found[0]
        case _:
            raise Refused("ErrorInvalidRequest")
    if not rights_in(state, who, mailbox, folder).visible:
        raise Refused("ErrorFolderNotFound")
    return mailbox, folder


def _wrong_id(written: str) -> str:
    return "ErrorFolderNotFound" if written.startswith("AAMk") else "ErrorInvalidIdMalformed"


def _folder(
    state: State, who: Actor, mailbox: Mailbox, folder: Folder, wanted: Shape, *, whole: bool
) -> Element:
    if not wanted.fields <= _KNOWN:
        raise Refused("ErrorInvalidPropertyRequest")
    fields = _BASES[wanted.base] | wanted.fields | {_ID}
    element = next(
        (tag for prefix, tag in _ELEMENTS.items() if folder.folder_class.startswith(prefix)), "t:Folder"
    )
    rights = rights_in(state, who, mailbox, folder)
    parent = mailbox.folders[folder.parent] if folder.parent else folder
    children = sum(1 for one in mailbox.folders.values() if one.parent == folder.id)
    items = [item for item in folder.items if not item.associated]
    values: dict[str, Callable[[], Element | None]] = {
        _ID: lambda: new("t:FolderId", Id=folder.id, ChangeKey=folder.change_key),
        "folder:ParentFolderId": lambda: new("t:ParentFolderId", Id=parent.id, ChangeKey=parent.change_key),
        "folder:FolderClass": lambda: (
            new("t:FolderClass", folder.folder_class) if folder.folder_class else None
        ),
        "folder:DisplayName": lambda: new("t:DisplayName", folder.name),
        "folder:TotalCount": lambda: new("t:TotalCount", len(items)),
        "folder:ChildFolderCount": lambda: new("t:ChildFolderCount", children),
    }
    later: dict[str, Callable[[], Element | None]] = {
        "folder:EffectiveRights": lambda: _effective(rights),
        "folder:DistinguishedFolderId": lambda: (
            new("t:DistinguishedFolderId", folder.distinguished) if folder.distinguished else None
        ),
        _PERMISSIONS: lambda: _permission_set(folder) if rights.owner else None,
        "folder:UnreadCount": lambda: new("t:UnreadCount", len(items)) if element in _COUNTING else None,
    }
    return new(
        element,
        *(make() for field, make in values.items() if field in fields),
        *_extended(folder, wanted, whole=whole),
        *(make() for field, make in later.items() if field in fields),
    )


def _extended(folder: Folder, wanted: Shape, *, whole: bool) -> list[Element | None]:
    values: dict[int, str | bytes] = {
        _ENTRY_ID: folder.entry,
        _DISPLAY_NAME: folder.name,
        _CONTAINER_CLASS: folder.folder_class,
    }
    return [extended(tag, values[tag.number], whole=whole) for tag in wanted.tags if tag.number in values]


def _effective(rights: Rights) -> Element:
    return new(
        "t:EffectiveRights",
        new("t:CreateAssociated", rights.owner),
        new("t:CreateContents", rights.create_items),
        new("t:CreateHierarchy", rights.create_folders),
        new("t:Delete", rights.owner),
        new("t:Modify", rights.owner),
        new("t:Read", may_read_items(rights)),
        new("t:ViewPrivateItems", rights.owner),
    )


def _permission_set(folder: Folder) -> Element:
    kind = "Calendar" if folder.is_calendar else ""
    entries = (_permission(entry, kind) for entry in folder.permissions)
    unknown = (new("t:UnknownEntry", one) for one in folder.unknown)
    return new(
        "t:PermissionSet",
        new(f"t:{kind}Permissions", *entries),
        new("t:UnknownEntries", *unknown) if folder.unknown else None,
    )


def _permission(entry: Entry, kind: str) -> Element:
    rights = rights_of(entry.level, visible=entry.visible)
    return new(
        f"t:{kind}Permission",
        _user(entry.grantee),
        new("t:CanCreateItems", rights.create_items),
        new("t:CanCreateSubFolders", rights.create_folders),
        new("t:IsFolderOwner", rights.owner),
        new("t:IsFolderVisible", rights.visible),
        new("t:IsFolderContact", rights.contact),
        new("t:EditItems", rights.edit),
        new("t:DeleteItems", rights.delete),
        new("t:ReadItems", rights.read),
        new(f"t:{kind}PermissionLevel", entry.level),
    )


def _user(grantee: Grantee) -> Element:
    return new(
        "t:UserId",
        new("t:SID", grantee.sid) if grantee.sid else None,
        new("t:PrimarySmtpAddress", grantee.address) if grantee.address else None,
        new("t:DisplayName", grantee.name) if grantee.name else None,
        new("t:DistinguishedUser", grantee.distinguished) if grantee.distinguished else None,
    )
