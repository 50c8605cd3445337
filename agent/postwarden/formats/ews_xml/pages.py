"""Pages of a search: what FindItem and FindFolder answered, and whether more is to come."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from postwarden.formats.ews_xml.answer import Refusal, messages, operation
from postwarden.formats.ews_xml.folders import NamedFolder, folder_elements, folder_id, named
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, EwsXmlError, child, children, text

#: Levels of folders that a path shows; Exchange allows 300.
_MAX_LEVELS = 300


class FoundFolder(Struct, frozen=True, kw_only=True):
    """A folder, by its id, below the folder with the id `parent`."""

    id: str
    parent: str
    folder: NamedFolder


class Page(Struct, frozen=True, kw_only=True):
    """One page: `items` are ids with item classes.

    `next_offset` is where the next page begins, or None after the last. A server may send fewer than it was
    asked for: only its own word says that it was all.
    """

    items: tuple[tuple[str, str], ...]
    folders: tuple[FoundFolder, ...]
    next_offset: int | None


def read_page(raw: bytes, offset: int) -> Page:
    """The page in an answer to a request that began at `offset`; raises ConnectorError for anything else."""
    answer = operation(raw, "FindItem", "FindFolder")
    if isinstance(answer, Refusal):
        raise answer.error()
    found = list(messages(answer))
    if len(found) != 1:
        raise EwsXmlError(f"{len(found)} answers to one search")
    if found[0].refusal is not None:
        raise found[0].refusal.error()
    root = child(found[0].element, MESSAGES + "RootFolder")
    if root is None:
        raise EwsXmlError("an answer to a search without what was found")
    items = tuple(_item(one) for one in children(root, TYPES + "Items", "*"))
    folders = tuple(_folder(one) for one in folder_elements(found[0].element))
    return Page(items=items, folders=folders, next_offset=_next(root, offset, len(items) + len(folders)))


def with_paths(found: Iterable[FoundFolder]) -> dict[str, NamedFolder]:
    """The folders by their ids, each named by its path: display names alone are not unique."""
    known = {one.id: one for one in found if one.id}

    def path(one: FoundFolder) -> str:
        names = [one.folder.name]
        seen = {one.id}
        while (
            (above := known.get(one.parent)) is not None and above.id not in seen and len(names) < _MAX_LEVELS
        ):
            names.append(above.folder.name)
            seen.add(above.id)
            one = above
        return "/".join(reversed(names))

    return {one.id: replace(one.folder, name=path(one)) for one in known.values()}


def _folder(element: Element) -> FoundFolder:
    above = child(element, TYPES + "ParentFolderId")
    parent = above.get("Id", "") if above is not None else ""
    return FoundFolder(id=folder_id(element), parent=parent, folder=named(element))


def _item(item: Element) -> tuple[str, str]:
    found = child(item, TYPES + "ItemId")
    return (found.get("Id", "") if found is not None else "", text(item, TYPES + "ItemClass"))


def _next(root: Element, offset: int, count: int) -> int | None:
    told = root.get("IncludesLastItemInRange")
    if told in {"true", "1"}:
        return None
    if told not in {"false", "0"}:
        raise EwsXmlError("a page that does not say whether it is the last")
    written = root.get("IndexedPagingOffset", "")
    following = (
        int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else offset + count
    )
    if following <= offset:
        raise EwsXmlError("a page that is not the last and leads nowhere")
    return following
