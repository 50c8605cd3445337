"""What is in a mailbox of the lab's Exchange: folders, items, rules, rights, settings."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from postwarden.lab.exchange import ids
from postwarden.lab.exchange.organisation import AddIn, AutomaticReply, Delegate, ExchangeAccount, Rule

#: When everything in the state was made; later changes are an hour apart.
CREATED = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)

#: Folder classes by distinguished id; other folders hold mail.
_CLASSES = {
    "calendar": "IPF.Appointment",
    "contacts": "IPF.Contact",
    "tasks": "IPF.Task",
    "notes": "IPF.StickyNote",
    "journal": "IPF.Journal",
    "rss": "IPF.Note.OutlookHomepage",
}
_STANDARD = (
    "inbox",
    "sentitems",
    "deleteditems",
    "junkemail",
    "drafts",
    "outbox",
    "calendar",
    "contacts",
    "tasks",
    "notes",
    "journal",
    "conversationhistory",
    "syncissues",
    "rss",
)
#: Standard folders that have no distinguished id, and are known by their class.
_BY_CLASS = frozenset({"rss"})


@dataclass(frozen=True)
class Grantee:
    """Whom an entry of a permission set names: Default, Anonymous, an account, or a security id that is orphaned."""

    distinguished: Literal["Default", "Anonymous"] | None = None
    sid: str | None = None
    address: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Entry:
    """One entry of a folder's permission set."""

    grantee: Grantee
    level: str
    visible: bool = False


@dataclass
class Item:
    """An item in a folder; `properties` are MAPI properties by tag."""

    id: str
    change_key: str
    item_class: str
    subject: str
    created: datetime
    modified: datetime
    author: str
    associated: bool
    properties: dict[int, int | str | bytes] = field(default_factory=dict)


@dataclass
class Folder:
    """A folder; `entry` is its entry id, `parent` the id of the folder that it is in, None for the root.

    `unknown` are the entries of its permission set that the server cannot read itself.
    """

    id: str
    entry: bytes
    change_key: str
    parent: str | None
    name: str
    folder_class: str
    distinguished: str | None
    permissions: list[Entry]
    unknown: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def is_calendar(self) -> bool:
        return self.folder_class.startswith("IPF.Appointment")


@dataclass
class ListedRule:
    """A rule that GetInboxRules lists, with its id, and that of its associated item."""

    id: str
    rule: Rule
    item: str | None


@dataclass
class DelegateUser:
    """A delegate; of a dead one the directory has no account any more."""

    delegate: Delegate
    dead: bool = False


@dataclass
class Mailbox:
    """A mailbox and all that is in it."""

    login: str
    name: str
    addresses: tuple[str, ...]
    sid: str
    legacy_dn: str
    guid: uuid.UUID
    folders: dict[str, Folder]
    rules: list[ListedRule]
    delegates: list[DelegateUser]
    meeting_requests: str
    automatic_reply: AutomaticReply
    add_ins: list[AddIn]
    outlook_rules: bool
    counter: int = 0x200

    def folder(self, name: str) -> Folder:
        """The folder with this distinguished id (`rss` too), or name with `/` between levels; else KeyError."""
        for folder in self.folders.values():
            if name == folder.distinguished or (name == "rss" and folder.folder_class == _CLASSES["rss"]):
                return folder
        for folder in self.folders.values():
            if self.path(folder) == name:
                return folder
        raise KeyError(name)

    def path(self, folder: Folder) -> str:
        """Its name with those of the folders above it, as far as the top that clients show."""
        parts = [folder.name]
        while folder.parent is not None and folder.distinguished != "msgfolderroot":
            folder = self.folders[folder.parent]
            parts.insert(0, folder.name)
        return "/".join(parts[1:])

    def children(self, folder: Folder, *, deep: bool) -> Iterator[Folder]:
        """The folders in it, with `deep` those below them too, parents first."""
        for one in self.folders.values():
            if one.parent == folder.id:
                yield one
                if deep:
                    yield from self.children(one, deep=True)

    def next(self) -> int:
        """A number that nothing in this mailbox has yet."""
        self.counter += 1
        return self.counter

    def moment(self) -> datetime:
        """When the next change happens."""
        return CREATED + timedelta(hours=self.counter - 0x200)


def new_mailbox(account: ExchangeAccount) -> Mailbox:
    """A mailbox with the standard folders in its account's language, and nothing in them."""
    mailbox = Mailbox(
        login=account.login,
        name=account.name,
        addresses=account.addresses,
        sid=account.sid,
        legacy_dn=account.legacy_dn,
        guid=ids.mailbox_guid(account.login),
        folders={},
        rules=[],
        delegates=[],
        meeting_requests=account.meeting_requests,
        automatic_reply=AutomaticReply(),
        add_ins=list(account.add_ins),
        outlook_rules=account.outlook_rules,
    )
    root = new_folder(mailbox, "Root", parent=None, distinguished="root")
    top = new_folder(
        mailbox, account.folder_names["msgfolderroot"], parent=root, distinguished="msgfolderroot"
    )
    recoverable = new_folder(mailbox, "Recoverable Items", parent=root, distinguished="recoverableitemsroot")
    new_folder(mailbox, "Deletions", parent=recoverable, distinguished="recoverableitemsdeletions")
    for word in _STANDARD:
        new_folder(
            mailbox,
            account.folder_names[word],
            parent=top,
            distinguished=None if word in _BY_CLASS else word,
            folder_class=_CLASSES.get(word, "IPF.Note"),
        )
    return mailbox


def new_folder(
    mailbox: Mailbox,
    name: str,
    *,
    parent: Folder | None,
    folder_class: str = "IPF.Note",
    distinguished: str | None = None,
) -> Folder:
    """Make a folder with the entries that every permission set has: Default, then Anonymous."""
    number = mailbox.next()
    entry = ids.folder_entry(mailbox.guid, number)
    levels = ("FreeBusyTimeOnly", "None") if distinguished == "calendar" else ("None", "None")
    folder = Folder(
        id=ids.opaque(mailbox.guid, entry),
        entry=entry,
        change_key=ids.change_key(number),
        parent=parent.id if parent else None,
        name=name,
        folder_class="" if distinguished in {"root", "msgfolderroot"} else folder_class,
        distinguished=distinguished,
        permissions=[
            Entry(Grantee(distinguished="Default"), levels[0]),
            Entry(Grantee(distinguished="Anonymous"), levels[1]),
        ],
    )
    mailbox.folders[folder.id] = folder
    return folder
