"""What folders are called: their ids in one answer, their names in another."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from postwarden.formats.ews_xml.answer import Refusal, messages, operation
from postwarden.formats.ews_xml.tree import MESSAGES, TYPES, Element, child, children, name, text
from postwarden.model.evidence import FolderUse
from postwarden.model.mailflow import Effect, EffectKind

_USES: dict[str, FolderUse] = {
    "inbox": "inbox",
    "sentitems": "sent",
    "drafts": "drafts",
    "deleteditems": "trash",
    "junkemail": "junk",
    "archivemsgfolderroot": "archive",
    "archiveinbox": "archive",
    "archive": "archive",
    "calendar": "calendar",
    "contacts": "contacts",
    "tasks": "tasks",
    "notes": "notes",
    "journal": "journal",
}
_CLASSES: dict[str, FolderUse] = {
    "CalendarFolder": "calendar",
    "ContactsFolder": "contacts",
    "TasksFolder": "tasks",
}
#: What RFC 6154 has words for.
_SPECIAL: frozenset[FolderUse] = frozenset({"sent", "drafts", "trash", "junk", "archive"})


class NamedFolder(Struct, frozen=True, kw_only=True):
    """A folder's display name, the server's word for its purpose, and its use, as far as they are told."""

    name: str
    distinguished: str | None = None
    use: FolderUse | None = None


Folders = Mapping[str, NamedFolder]


def read_folders(raw: bytes) -> dict[str, NamedFolder]:
    """The folders in an answer to GetFolder or FindFolder by their ids; raises ConnectorError."""
    answer = operation(raw, "GetFolder", "FindFolder")
    if isinstance(answer, Refusal):
        raise answer.error()
    return {
        identifier: named(folder)
        for message in messages(answer)
        if message.has_content
        for folder in folder_elements(message.element)
        if (identifier := folder_id(folder))
    }


def folder_elements(message: Element) -> Iterator[Element]:
    """The folders in one response message of GetFolder or FindFolder."""
    yield from children(message, MESSAGES + "Folders", "*")
    yield from children(message, MESSAGES + "RootFolder", TYPES + "Folders", "*")


def folder_id(folder: Element) -> str:
    found = child(folder, TYPES + "FolderId")
    return found.get("Id", "") if found is not None else ""


def named(folder: Element) -> NamedFolder:
    """What a folder element says that it is."""
    word = text(folder, TYPES + "DistinguishedFolderId").lower() or None
    use = _USES.get(word or "") or _CLASSES.get(name(folder))
    if use is None and text(folder, TYPES + "FolderClass").upper().startswith("IPF.APPOINTMENT"):
        use = "calendar"
    shown = text(folder, TYPES + "DisplayName")
    return NamedFolder(name=shown or word or folder_id(folder) or "no name", distinguished=word, use=use)


def into_folder(what: EffectKind, target: Element, folders: Folders) -> Effect:
    """An effect towards the folder that a rule names by id, or by a distinguished name.

    Trash, junk and the like become special uses as RFC 6154 writes them (`\\Trash`), other folders their
    display names; an id that `folders` does not know stays an id that is not resolved.
    """
    by_word = child(target, TYPES + "DistinguishedFolderId")
    by_id = child(target, TYPES + "FolderId")
    identifier = by_id.get("Id") if by_id is not None else None
    found = folders.get(identifier) if identifier else None
    if by_word is not None:
        word = by_word.get("Id", "").lower()
        found = NamedFolder(name=word, distinguished=word, use=_USES.get(word))
    if found is None:
        return Effect(what=what, target=identifier, resolved=False, folder_id=identifier)
    shown = found.name
    if found.use == "inbox":
        shown = "INBOX"
    elif found.use in _SPECIAL:
        shown = f"\\{found.use.title()}"
    return Effect(
        what=what,
        target=shown,
        # Another word of the server's may or may not be a folder that somebody reads.
        resolved=by_word is None or shown != found.name,
        folder_id=identifier,
        distinguished=found.distinguished,
    )
