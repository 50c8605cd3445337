"""Exchange's permission levels ([MS-OXWSFOLD]) as rights."""

from postwarden.formats.ews_xml.tree import TYPES, Element, is_true, text
from postwarden.model.evidence import Right

_READ: tuple[Right, ...] = ("lookup", "read")
_AUTHOR: tuple[Right, ...] = (*_READ, "insert", "write_own", "delete_own")
_EDITOR: tuple[Right, ...] = (*_AUTHOR, "write", "delete_message")

_LEVELS: dict[str, tuple[Right, ...]] = {
    "None": (),
    "FreeBusyTimeOnly": ("free_busy",),
    "FreeBusyTimeAndSubjectAndLocation": ("free_busy", "free_busy_details"),
    "Contributor": ("lookup", "insert"),
    "Reviewer": _READ,
    "NoneditingAuthor": (*_READ, "insert", "delete_own"),
    "Author": _AUTHOR,
    "PublishingAuthor": (*_AUTHOR, "create_folder"),
    "Editor": _EDITOR,
    "PublishingEditor": (*_EDITOR, "create_folder"),
    "Owner": (*_EDITOR, "create_folder", "administer"),
    "Custom": (),
}
_READS: dict[str, tuple[Right, ...]] = {
    "TimeOnly": ("free_busy",),
    "TimeAndSubjectAndLocation": ("free_busy", "free_busy_details"),
    "FullDetails": ("read",),
}
_EDITS: dict[str, tuple[Right, ...]] = {"Owned": ("write_own",), "All": ("write_own", "write")}
_DELETES: dict[str, tuple[Right, ...]] = {"Owned": ("delete_own",), "All": ("delete_own", "delete_message")}
_ORDER: tuple[Right, ...] = (
    "lookup",
    "free_busy",
    "free_busy_details",
    "read",
    "write_own",
    "write",
    "insert",
    "create_folder",
    "delete_own",
    "delete_message",
    "administer",
)


def of_level(level: str) -> tuple[Right, ...] | None:
    """The rights of a level; None for one that is not known."""
    rights = _LEVELS.get(level)
    return None if rights is None else _ordered(set(rights))


def of_permission(permission: Element, level: str) -> tuple[Right, ...]:
    """The rights that a permission's own elements give, with those of its level: servers may send either."""
    rights: set[Right] = set(_LEVELS.get(level, ()))
    if is_true(permission, TYPES + "IsFolderVisible"):
        rights.add("lookup")
    if is_true(permission, TYPES + "CanCreateItems"):
        rights.add("insert")
    if is_true(permission, TYPES + "CanCreateSubFolders"):
        rights.add("create_folder")
    if is_true(permission, TYPES + "IsFolderOwner"):
        rights.add("administer")
    for word, table in (("ReadItems", _READS), ("EditItems", _EDITS), ("DeleteItems", _DELETES)):
        rights.update(table.get(text(permission, TYPES + word), ()))
    return _ordered(rights)


def _ordered(rights: set[Right]) -> tuple[Right, ...]:
    return tuple(right for right in _ORDER if right in rights)
