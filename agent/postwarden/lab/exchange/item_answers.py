"""FindItem and GetItem ([MS-OXWSSRCH], [MS-OXWSCORE]): items of a folder, those that clients hide too."""

from collections.abc import Callable
from datetime import datetime

from postwarden.lab.exchange.access import Actor, Refused, may_read_items, rights_in
from postwarden.lab.exchange.elements import Element, child, name, new
from postwarden.lab.exchange.folder_answers import named_folder
from postwarden.lab.exchange.mailbox import Folder, Item
from postwarden.lab.exchange.messages import attempt, response, success
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.shapes import Page, Shape, extended, refuse_unserved, shape, window

_ID = "item:ItemId"
_DEFAULT = frozenset({_ID, "item:Subject", "item:ItemClass", "item:DateTimeReceived", "item:Size"})
_ALL = _DEFAULT | {
    "item:ParentFolderId",
    "item:DateTimeSent",
    "item:DateTimeCreated",
    "item:HasAttachments",
    "item:LastModifiedName",
    "item:LastModifiedTime",
    "item:IsAssociated",
}
_BASES = {"IdOnly": frozenset({_ID}), "Default": _DEFAULT, "AllProperties": _ALL}
#: Fields of these kinds exist on messages, and the lab's items have nothing in most of them.
_KINDS = ("item:", "message:", "conversation:")


def find_item(state: State, who: Actor, operation: Element) -> Element:
    """A page of the items, or of the associated items, of each of the folders that are named."""
    tag = "m:FindItemResponseMessage"

    def one(place: Element) -> Callable[[], Element]:
        def make() -> Element:
            refuse_unserved(
                operation,
                "m:FractionalPageItemView",
                "m:SeekToConditionPageItemView",
                "m:CalendarView",
                "m:ContactsView",
                "m:GroupBy",
                "m:DistinguishedGroupBy",
                "m:Restriction",
                "m:SortOrder",
                "m:QueryString",
            )
            wanted = shape(child(operation, "m:ItemShape"))
            traversal = operation.get("Traversal")
            if traversal not in {"Shallow", "Associated"}:
                raise Refused("ErrorInvalidRequest")
            mailbox, folder = named_folder(state, who, place)
            if not may_read_items(rights_in(state, who, mailbox, folder)):
                raise Refused("ErrorAccessDenied")
            found = [item for item in folder.items if item.associated == (traversal == "Associated")]
            part, offset, is_last = window(child(operation, "m:IndexedPageItemView"), found, state.page_cap)
            told = tuple(_item(item, folder, wanted, whole=False) for item in part)
            page = Page(told, len(found), offset, is_last)
            return success(tag, new("m:RootFolder", new("t:Items", *page.found), **page.attributes()))

        return make

    places = child(operation, "m:ParentFolderIds")
    return response(
        "FindItem", [attempt(tag, one(place)) for place in (places if places is not None else ())]
    )


def get_item(state: State, who: Actor, operation: Element) -> Element:
    """A response message for each item that is asked for."""
    tag = "m:GetItemResponseMessage"

    def one(place: Element) -> Callable[[], Element]:
        def make() -> Element:
            wanted = shape(child(operation, "m:ItemShape"))
            if name(place) != "ItemId":
                raise Refused("ErrorInvalidRequest")
            try:
                mailbox, item, folder = state.item(place.get("Id", ""))
            except KeyError:
                known = place.get("Id", "").startswith("AAMk")
                raise Refused("ErrorItemNotFound" if known else "ErrorInvalidIdMalformed") from None
            if not may_read_items(rights_in(state, who, mailbox, folder)):
                raise Refused("ErrorItemNotFound")
            return success(tag, new("m:Items", _item(item, folder, wanted, whole=True)))

        return make

    places = child(operation, "m:ItemIds")
    return response(
        "GetItem", [attempt(tag, one(place), "m:Items") for place in (places if places is not None else ())]
    )


def _item(item: Item, folder: Folder, wanted: Shape, *, whole: bool) -> Element:
    if not all(field.startswith(_KINDS) for field in wanted.fields):
        raise Refused("ErrorInvalidPropertyRequest")
    fields = _BASES[wanted.base] | wanted.fields | {_ID}
    size = 500 + sum(len(value) for value in item.properties.values() if not isinstance(value, int))
    values: dict[str, Callable[[], Element]] = {
        _ID: lambda: new("t:ItemId", Id=item.id, ChangeKey=item.change_key),
        "item:ParentFolderId": lambda: new("t:ParentFolderId", Id=folder.id, ChangeKey=folder.change_key),
        "item:ItemClass": lambda: new("t:ItemClass", item.item_class),
        "item:Subject": lambda: new("t:Subject", item.subject),
        "item:DateTimeReceived": lambda: new("t:DateTimeReceived", _moment(item.created)),
        "item:Size": lambda: new("t:Size", size),
        "item:DateTimeSent": lambda: new("t:DateTimeSent", _moment(item.created)),
        "item:DateTimeCreated": lambda: new("t:DateTimeCreated", _moment(item.created)),
        "item:HasAttachments": lambda: new("t:HasAttachments", False),
    }
    later: dict[str, Callable[[], Element]] = {
        "item:LastModifiedName": lambda: new("t:LastModifiedName", item.author),
        "item:LastModifiedTime": lambda: new("t:LastModifiedTime", _moment(item.modified)),
        "item:IsAssociated": lambda: new("t:IsAssociated", item.associated),
    }
    told = [
        extended(tag, item.properties[tag.number], whole=whole)
        for tag in wanted.tags
        if tag.number in item.properties
    ]
    return new(
        "t:Message",
        *(make() for field, make in values.items() if field in fields),
        *told,
        *(make() for field, make in later.items() if field in fields),
    )


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
