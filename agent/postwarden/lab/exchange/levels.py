"""What a permission level means ([MS-OXWSFOLD] section 2.2.5): the elements that a server sends beside its name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rights:
    """The elements of PermissionType; `edit` and `delete` are None, Owned or All, `read` the access to items."""

    create_items: bool = False
    create_folders: bool = False
    owner: bool = False
    visible: bool = False
    contact: bool = False
    edit: str = "None"
    delete: str = "None"
    read: str = "None"


_LEVELS = {
    "None": Rights(),
    "FreeBusyTimeOnly": Rights(read="TimeOnly"),
    "FreeBusyTimeAndSubjectAndLocation": Rights(read="TimeAndSubjectAndLocation"),
    "Contributor": Rights(create_items=True, visible=True),
    "Reviewer": Rights(visible=True, read="FullDetails"),
    "NoneditingAuthor": Rights(create_items=True, visible=True, delete="Owned", read="FullDetails"),
    "Author": Rights(create_items=True, visible=True, edit="Owned", delete="Owned", read="FullDetails"),
    "PublishingAuthor": Rights(
        create_items=True, create_folders=True, visible=True, edit="Owned", delete="Owned", read="FullDetails"
    ),
    "Editor": Rights(create_items=True, visible=True, edit="All", delete="All", read="FullDetails"),
    "PublishingEditor": Rights(
        create_items=True, create_folders=True, visible=True, edit="All", delete="All", read="FullDetails"
    ),
    "Owner": Rights(
        create_items=True,
        create_folders=True,
        owner=True,
        visible=True,
        contact=True,
        edit="All",
        delete="All",
        read="FullDetails",
    ),
}
#: Levels that only a calendar has.
CALENDAR_ONLY = frozenset({"FreeBusyTimeOnly", "FreeBusyTimeAndSubjectAndLocation"})
FULL = _LEVELS["Owner"]


def rights_of(level: str, *, visible: bool = False) -> Rights:
    """The rights of a level; Custom, which may be anything, is here only seeing the folder, or nothing.

    KeyError for a level that Exchange does not have.
    """
    return Rights(visible=visible) if level == "Custom" else _LEVELS[level]
