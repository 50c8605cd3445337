"""The lab's Exchange as a state: mailboxes with what is in them, a directory, and who may open what.

Answers are made from it, and tests change it between one question and the next. Whoever changes or reads it from
several threads holds `State.lock`; the methods here take it themselves.
"""

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from postwarden.lab.exchange import ids, own_rules
from postwarden.lab.exchange.levels import CALENDAR_ONLY
from postwarden.lab.exchange.mailbox import (
    DelegateUser,
    Entry,
    Folder,
    Grantee,
    Item,
    ListedRule,
    Mailbox,
    new_folder,
    new_mailbox,
)
from postwarden.lab.exchange.organisation import (
    AddIn,
    AutomaticReply,
    Delegate,
    DirectoryEntry,
    ExchangeAccount,
    ExchangeOrganisation,
    Permission,
    Rule,
    Service,
)
from postwarden.lab.exchange.rule_items import RuleItem, stored

#: Exchange numbers the rules that it stores from here, whatever it lists them as.
_FIRST = 10


@dataclass(frozen=True)
class Mutation:
    """A request that would have changed something, had it been obeyed."""

    operation: str
    user: str
    mailbox: str | None


class State:
    """The whole server. Mailboxes are found by login, any address, SID or legacy DN, in any case."""

    def __init__(
        self, mailboxes: Iterable[Mailbox], directory: Iterable[DirectoryEntry], service: Service, unit: str
    ) -> None:
        self.lock = threading.RLock()
        self.mailboxes = {mailbox.login: mailbox for mailbox in mailboxes}
        self.directory = {mailbox.login: _entry(mailbox) for mailbox in self.mailboxes.values()}
        self.directory |= {entry.alias: entry for entry in directory}
        self.service = service
        self.unit = unit
        self._names = {
            name.casefold(): mailbox
            for mailbox in self.mailboxes.values()
            for name in self._names_of(mailbox)
        }
        #: Users that may act for a mailbox, by user and login; `*` stands for every mailbox.
        self.impersonation: set[tuple[str, str]] = {(service.login, "*")}
        self.full_access: set[tuple[str, str]] = {(service.login, "*")}
        #: The most folders and items in one page, whatever is asked for.
        self.page_cap = 1000
        self.mutations: list[Mutation] = []

    @classmethod
    def from_organisation(cls, organisation: ExchangeOrganisation) -> "State":
        """The state that the organisation's file describes."""
        state = cls(
            (new_mailbox(account) for account in organisation.accounts),
            organisation.directory,
            organisation.service,
            organisation.unit,
        )
        for account in organisation.accounts:
            state._fill(account)
        return state

    # --- Who is who ---

    def mailbox(self, name: str) -> Mailbox:
        """The mailbox with this name; KeyError where there is none."""
        return self._names[name.casefold()]

    def _names_of(self, mailbox: Mailbox) -> Iterator[str]:
        yield from (mailbox.login, f"{self.service.domain}\\{mailbox.login}", mailbox.sid, mailbox.legacy_dn)
        yield str(mailbox.guid)
        yield from mailbox.addresses

    def user(self, name: str) -> str:
        """The login of whoever logs in by this name; a name that nobody has stays as it is."""
        if name.casefold() in self.service.names:
            return self.service.login
        try:
            return self.mailbox(name).login
        except KeyError:
            return name

    def may_impersonate(self, user: str, mailbox: Mailbox) -> bool:
        return not self.impersonation.isdisjoint({(self.user(user), "*"), (self.user(user), mailbox.login)})

    def has_full_access(self, user: str, mailbox: Mailbox) -> bool:
        """Whether the user owns the mailbox or may open all of it."""
        login = self.user(user)
        return login == mailbox.login or not self.full_access.isdisjoint(
            {(login, "*"), (login, mailbox.login)}
        )

    def allow_impersonation(self, user: str, mailbox: str = "*") -> None:
        """Give the role; `mailbox` is a login, or `*` for every one."""
        with self.lock:
            self.impersonation.add((self.user(user), mailbox))

    def deny_impersonation(self, user: str) -> None:
        """Take the role from a user, for all mailboxes."""
        with self.lock:
            self.impersonation = {one for one in self.impersonation if one[0] != self.user(user)}

    def allow_full_access(self, user: str, mailbox: str = "*") -> None:
        with self.lock:
            self.full_access.add((self.user(user), mailbox))

    def deny_full_access(self, user: str) -> None:
        with self.lock:
            self.full_access = {one for one in self.full_access if one[0] != self.user(user)}

    # --- What tests change ---

    def add_rule(self, login: str, rule: Rule, *, position: int | None = None) -> Item:
        """Make a rule: its associated item, which is returned, and its place in the list where it is listed."""
        with self.lock:
            mailbox = self.mailbox(login)
            place = len(mailbox.rules) if position is None else position
            store = ids.store_entry(mailbox.guid)
            made = stored(rule, _FIRST + place, store, lambda name: mailbox.folder(name).entry)
            item = self.add_rule_item(login, made)
            if rule.listed:
                listed = ListedRule(id=ids.rule_id(mailbox.next()), rule=rule, item=item.id)
                mailbox.rules.insert(place, listed)
            return item

    def remove_rule(self, login: str, name: str) -> None:
        """Remove the first listed rule of this name, and its item; KeyError where there is none."""
        with self.lock:
            mailbox = self.mailbox(login)
            for listed in mailbox.rules:
                if listed.rule.name == name:
                    mailbox.rules.remove(listed)
                    if listed.item is not None:
                        self.remove_item(login, listed.item)
                    return
            raise KeyError(name)

    def add_rule_item(self, login: str, rule: RuleItem) -> Item:
        """Make an associated item that is a rule, listed nowhere."""
        return self.add_item(
            login, "inbox", rule.item_class, rule.name, associated=True, properties=rule.properties()
        )

    def corrupt_rule(self, item: str, tag: int, raw: bytes) -> None:
        """Set the bytes of one property of a rule's item to whatever they should not be."""
        with self.lock:
            self.item(item)[1].properties[tag] = raw

    def add_item(
        self,
        login: str,
        folder: str,
        item_class: str,
        subject: str,
        *,
        associated: bool = False,
        properties: dict[int, int | str | bytes] | None = None,
    ) -> Item:
        """Make an item in a folder, which is a distinguished id or a name."""
        with self.lock:
            mailbox = self.mailbox(login)
            place = mailbox.folder(folder)
            number = mailbox.next()
            entry = ids.message_entry(mailbox.guid, place.entry, number)
            item = Item(
                id=ids.opaque(mailbox.guid, entry),
                change_key=ids.change_key(number),
                item_class=item_class,
                subject=subject,
                created=mailbox.moment(),
                modified=mailbox.moment(),
                author=mailbox.name,
                associated=associated,
                properties=properties or {},
            )
            place.items.append(item)
            return item

    def remove_item(self, login: str, item: str) -> None:
        with self.lock:
            for folder in self.mailbox(login).folders.values():
                folder.items = [one for one in folder.items if one.id != item]

    def add_folder(self, login: str, name: str, *, folder_class: str = "IPF.Note") -> Folder:
        """Make a folder by its whole name; the folder above it must be there, else KeyError."""
        with self.lock:
            mailbox = self.mailbox(login)
            above, _, own = name.rpartition("/")
            parent = mailbox.folder(above or "msgfolderroot")
            return new_folder(mailbox, own, parent=parent, folder_class=folder_class)

    def remove_folder(self, login: str, name: str) -> None:
        """Remove a folder with those below it."""
        with self.lock:
            mailbox = self.mailbox(login)
            folder = mailbox.folder(name)
            for one in [*mailbox.children(folder, deep=True), folder]:
                del mailbox.folders[one.id]

    def set_permission(self, login: str, permission: Permission) -> None:
        """Give a grantee this level in a folder, in the place of what he had."""
        with self.lock:
            folder = self.mailbox(login).folder(permission.folder)
            if permission.level in CALENDAR_ONLY and not folder.is_calendar:
                raise ValueError(f"{permission.level} is no level of {permission.folder}")
            if permission.who.startswith("unknown:"):
                folder.unknown.append(permission.who.removeprefix("unknown:"))
                return
            entry = Entry(self.grantee(permission.who), permission.level, permission.visible)
            kept = [one for one in folder.permissions if one.grantee != entry.grantee]
            place = next(
                (n for n, one in enumerate(folder.permissions) if one.grantee == entry.grantee), len(kept)
            )
            folder.permissions = [*kept[:place], entry, *kept[place:]]

    def remove_permission(self, login: str, folder: str, who: str) -> None:
        with self.lock:
            place = self.mailbox(login).folder(folder)
            gone = self.grantee(who)
            place.permissions = [one for one in place.permissions if one.grantee != gone]

    def add_delegate(self, login: str, delegate: Delegate) -> None:
        """Make a delegate, and give the permissions and the rule that come with it, as Exchange does."""
        with self.lock:
            mailbox = self.mailbox(login)
            mailbox.delegates.append(DelegateUser(delegate))
            for folder in ("calendar", "tasks", "inbox", "contacts", "notes", "journal"):
                level = getattr(delegate, folder)
                if level != "None":
                    self.set_permission(login, Permission(folder, delegate.who, level))
            self._write_delegate_rule(mailbox)

    def remove_delegate(self, login: str, who: str) -> None:
        """Remove a delegate; his permissions stay, as they do on Exchange when only this is asked."""
        with self.lock:
            mailbox = self.mailbox(login)
            mailbox.delegates = [one for one in mailbox.delegates if one.delegate.who != who]
            self._write_delegate_rule(mailbox)

    def kill_delegate(self, login: str, who: str) -> None:
        """Let a delegate's account be gone, and his entry stay; KeyError where he is no delegate."""
        with self.lock:
            for one in self.mailbox(login).delegates:
                if one.delegate.who == who:
                    one.dead = True
                    return
            raise KeyError(who)

    def set_automatic_reply(self, login: str, reply: AutomaticReply) -> None:
        """Set the automatic reply, and the rules that it is made of."""
        with self.lock:
            mailbox = self.mailbox(login)
            mailbox.automatic_reply = reply
            inbox = mailbox.folder("inbox")
            inbox.items = [
                one for one in inbox.items if not one.subject.startswith("Microsoft.Exchange.OOF.")
            ]
            for rule in own_rules.automatic_reply_rules(reply, ids.store_entry(mailbox.guid)):
                self.add_rule_item(login, rule)

    def add_add_in(self, login: str, add_in: AddIn) -> None:
        with self.lock:
            self.mailbox(login).add_ins.append(add_in)

    def set_directory_entry(self, entry: DirectoryEntry) -> None:
        """Add an entry to the directory, or change the one of the same alias."""
        with self.lock:
            self.directory[entry.alias] = entry

    # --- Finding things ---

    def item(self, identifier: str) -> tuple[Mailbox, Item, Folder]:
        """The item with this id, with its mailbox and folder; KeyError where there is none."""
        mailbox = self._owner(identifier)
        for folder in mailbox.folders.values():
            for item in folder.items:
                if item.id == identifier:
                    return mailbox, item, folder
        raise KeyError(identifier)

    def folder(self, identifier: str) -> tuple[Mailbox, Folder]:
        """The folder with this id, with its mailbox; KeyError where there is none."""
        mailbox = self._owner(identifier)
        return mailbox, mailbox.folders[identifier]

    def _owner(self, identifier: str) -> Mailbox:
        return self._names[ids.owner(identifier)]

    def grantee(self, who: str) -> Grantee:
        """The grantee that `Permission.who` names; KeyError for a login that nobody has."""
        if who == "Default":
            return Grantee(distinguished="Default")
        if who == "Anonymous":
            return Grantee(distinguished="Anonymous")
        if who.startswith("sid:"):
            sid = who.removeprefix("sid:")
            return Grantee(sid=sid, name=f"NT User:{sid}")
        entry = self.directory[who]
        known = self.mailboxes.get(who)
        return Grantee(sid=known.sid if known else None, address=entry.addresses[0], name=entry.name)

    def _write_delegate_rule(self, mailbox: Mailbox) -> None:
        inbox = mailbox.folder("inbox")
        provider = "Schedule+ EMS Interface"
        inbox.items = [one for one in inbox.items if provider not in one.properties.values()]
        copies = [
            self.directory[one.delegate.who] for one in mailbox.delegates if one.delegate.meeting_copies
        ]
        if copies:
            wants = mailbox.meeting_requests != "DelegatesOnly"
            self.add_rule_item(mailbox.login, own_rules.delegate_rule(copies, owner_wants_copy=wants))

    def _fill(self, account: ExchangeAccount) -> None:
        """Put into a mailbox what its account says, and what Exchange and Outlook put there by themselves."""
        mailbox = self.mailboxes[account.login]
        for name in account.folders:
            self.add_folder(account.login, name)
        for item_class, subject in own_rules.SETTINGS:
            self.add_item(account.login, "inbox", item_class, subject, associated=True)
        if account.outlook_rules:
            self.add_item(account.login, "inbox", *own_rules.OUTLOOK_RULES, associated=True)
        store = ids.store_entry(mailbox.guid)
        self.add_rule_item(account.login, own_rules.junk_rule(store, mailbox.folder("junkemail").entry))
        for rule in account.rules:
            self.add_rule(account.login, rule)
        for delegate in account.delegates:
            self.add_delegate(account.login, replace(delegate))
        for permission in account.permissions:
            self.set_permission(account.login, permission)
        if account.automatic_reply != AutomaticReply():
            self.set_automatic_reply(account.login, account.automatic_reply)
        for subject in ("Welcome aboard", "Harbour notice"):
            self.add_item(account.login, "inbox", "IPM.Note", subject)


def _entry(mailbox: Mailbox) -> DirectoryEntry:
    return DirectoryEntry(
        alias=mailbox.login,
        kind="mailbox",
        name=mailbox.name,
        addresses=mailbox.addresses,
        legacy_dn=mailbox.legacy_dn,
    )
