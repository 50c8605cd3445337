"""Whether anybody looks into the folder that a mail flow names."""

import re
import unicodedata
from collections.abc import Iterable
from typing import get_args

from postwarden.model.evidence import Folder, FolderUse

#: Folders that no honest rule moves mail into: they hold no mail, or a program fills them and nobody reads them.
ODD_USES: frozenset[FolderUse] = frozenset(
    {
        "calendar",
        "contacts",
        "tasks",
        "notes",
        "journal",
        "rss",
        "conversation_history",
        "sync_issues",
        "outbox",
        "recoverable",
    }
)
#: Folders that their owner does not read through: what is put there vanishes by itself, or is taken for rubbish.
_UNREAD_USES: frozenset[FolderUse] = ODD_USES | {"junk", "trash"}
_SEPARATOR = re.compile(r"[/.]")


def is_unread(name: str, folders: tuple[Folder, ...] | None) -> bool | None:
    """Whether nobody looks into the folder: True, False, or None where the folders are not known.

    A folder that does not exist counts as unread: when it is made for the message, nobody is subscribed to it.
    A name that begins with a backslash is a special use (RFC 6154) and stands for the folder that has it.
    """
    if name.startswith("\\"):
        return _is_unread_use(_special(name), folders)
    if _parts(name) == ("INBOX",):
        return False
    if folders is None:
        return None
    found = matching(name, folders)
    return all(_is_overlooked(folder) for folder in found)


def use_of(name: str, folders: tuple[Folder, ...] | None) -> FolderUse | None:
    """The use of the folder that `name` means; None where it has none, is not known, or several are meant."""
    if name.startswith("\\"):
        word = _special(name)
        return next((use for use in get_args(FolderUse) if use == word), None)
    if _parts(name) == ("INBOX",):
        return "inbox"
    uses = {folder.uses[:1] for folder in matching(name, folders or ())}
    found = uses.pop() if len(uses) == 1 else ()
    return found[0] if found else None


def matching(name: str, folders: Iterable[Folder]) -> tuple[Folder, ...]:
    """The folders that `name` may mean: the one of exactly this name, else those that differ in notation.

    Servers and scripts separate levels by `/` or `.`, write INBOX in any case, and put other folders beside the
    inbox or below it.
    """
    known = tuple(folders)
    for same in (_exact, _parts, _below_inbox):
        found = tuple(folder for folder in known if same(folder.name) == same(name))
        if found:
            return found
    return ()


def _special(name: str) -> str:
    """The use that a name like `\\Conversation-History` stands for."""
    return name[1:].lower().replace("-", "_")


def _is_unread_use(use: str, folders: tuple[Folder, ...] | None) -> bool | None:
    if use in _UNREAD_USES:
        return True
    if use == "inbox":
        return False
    found = [folder for folder in folders or () if use in folder.uses]
    return all(_is_overlooked(folder) for folder in found) if found else None


def _is_overlooked(folder: Folder) -> bool:
    if _parts(folder.name) == ("INBOX",) or "inbox" in folder.uses:
        return False
    return not (folder.subscribed and folder.selectable) or not _UNREAD_USES.isdisjoint(folder.uses)


def _exact(name: str) -> tuple[str, ...]:
    return (name,)


def _parts(name: str) -> tuple[str, ...]:
    """The levels of a name; INBOX is the one that no server tells apart by case (RFC 3501 section 5.1)."""
    first, *rest = _SEPARATOR.split(unicodedata.normalize("NFC", name))
    return ("INBOX" if first.upper() == "INBOX" else first, *rest)


def _below_inbox(name: str) -> tuple[str, ...]:
    parts = _parts(name)
    return parts[1:] if len(parts) > 1 and parts[0] == "INBOX" else parts
