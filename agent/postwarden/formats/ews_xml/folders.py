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
    "archiveroot": "archive",
    "archivemsgfolderroot": "archive",
    "archiveinbox": "archive",
    "archive": "archive",
    "archivedeleteditems": "trash",
    "calendar": "calendar",
    "contacts": "contacts",
    "tasks": "tasks",
    "notes": "notes",
    "journal": "journal",
    "outbox": "outbox",
    "conversationhistory": "conversation_history",
    "syncissues": "sync_issues",
    "conflicts": "sync_issues",
    "localfailures": "sync_issues",
    "serverfailures": "sync_issues",
}
#: Kinds of folder elements.
_ELEMENTS: dict[str, FolderUse] = {
    "CalendarFolder": "calendar",
    "ContactsFolder": "contacts",
    "TasksFolder": "tasks",
}
#: How container classes begin ([MS-OXOSFLD] section 2.2.1); the longest one counts. RSS feeds have no word of
#: their own, and a folder of a class is one in any language.
_CLASSES: dict[str, FolderUse] = {
    "IPF.NOTE.OUTLOOKHOMEPAGE": "rss",
    "IPF.APPOINTMENT": "calendar",
    "IPF.CONTACT": "contacts",
    "IPF.TASK": "tasks",
    "IPF.STICKYNOTE": "notes",
    "IPF.JOURNAL": "journal",
}
_RECOVERABLE = ("recoverableitems", "archiverecoverableitems")


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
    kind = text(folder, TYPES + "FolderClass")
    use = _use_of_word(word) or _ELEMENTS.get(name(folder)) or _use_of_class(kind)
    shown = text(folder, TYPES + "DisplayName")
    return NamedFolder(name=shown or word or folder_id(folder) or "no name", distinguished=word, use=use)


def _use_of_word(word: str | None) -> FolderUse | None:
    if word is not None and word.startswith(_RECOVERABLE):
        return "recoverable"
    return _USES.get(word or "")


def _use_of_class(written: str) -> FolderUse | None:
    parts = written.upper()
    return next((use for begin, use in _CLASSES.items() if f"{parts}.".startswith(f"{begin}.")), None)


def into_folder(what: EffectKind, target: Element, folders: Folders) -> Effect:
    """An effect towards the folder that a rule names by id, or by a distinguished name.

    A folder with a use becomes that use, written as RFC 6154 does (`\\Trash`, `\\Rss`), others their display
    names: a folder may be called anything. An id that `folders` does not know stays one that is not resolved.
    """
    by_word = child(target, TYPES + "DistinguishedFolderId")
    by_id = child(target, TYPES + "FolderId")
    identifier = by_id.get("Id") if by_id is not None else None
    found = folders.get(identifier) if identifier else None
    if by_word is not None:
        word = by_word.get("Id", "").lower()
        found = NamedFolder(name=word, distinguished=word, use=_use_of_word(word))
    if found is None:
        return Effect(what=what, target=identifier, resolved=False, folder_id=identifier)
    shown = found.name
    if found.use == "inbox":
        shown = "INBOX"
    elif found.use is not None:
        shown = "\\" + found.use.replace("_", "-").title()
    return Effect(
        what=what,
        target=shown,
        # Another word of the server's may or may not be a folder that somebody reads.
        resolved=by_word is None or found.use is not None,
        folder_id=identifier,
        distinguished=found.distinguished,
    )
