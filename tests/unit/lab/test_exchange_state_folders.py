"""Folders and their permissions in the lab's Exchange, asked for and decoded as an audit does."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from lxml import etree

from postwarden.formats.ews_xml import decode_permissions, read_folders
from postwarden.formats.ews_xml.levels import of_level, of_permission
from postwarden.lab.exchange.levels import CALENDAR_ONLY
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.organisation import Permission, load
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation
from postwarden.model.reading import Observed
from postwarden.model.scope import account_scope
from tests.unit.lab.exchange_requests import (
    Asking,
    address,
    codes,
    distinguished,
    find_folder,
    get_folder,
    ids,
    request,
    shape,
    texts,
)

ALL = [account.login for account in load().accounts]
TOP = distinguished("msgfolderroot")
LEVELS = (
    *(
        "None",
        "Owner",
        "PublishingEditor",
        "Editor",
        "PublishingAuthor",
        "Author",
        "NoneditingAuthor",
        "Reviewer",
    ),
    "Contributor",
)


@pytest.fixture
def state() -> State:
    return State.from_organisation(load())


def permissions(state: State, login: str, *places: str) -> list[Delegation]:
    """The delegations in the permission sets of these folders, or of all."""
    ask = Asking(state, address(login))
    found = places or tuple(folder_id(one) for one in ids(ask(find_folder(TOP)), "FolderId"))
    account = Account(key=f"login:{login}", login=login, addresses=load().account(login).addresses)
    items = decode_permissions(
        ask(get_folder(*found, fields=("folder:DisplayName", "folder:FolderClass", "folder:PermissionSet"))),
        account,
        scope=account_scope(account.key),
        source="exchange",
        check="folder_permissions",
        observed=datetime(2026, 11, 23, tzinfo=UTC),
    )
    return list(_delegations(items))


def _delegations(items: Iterator[object]) -> Iterator[Delegation]:
    for item in items:
        assert isinstance(item, Observed)
        assert isinstance(item.evidence, Delegation)
        yield item.evidence


def folder_id(identifier: str) -> str:
    return f'<t:FolderId Id="{identifier}"/>'


@pytest.mark.parametrize("login", ALL)
def test_all_folders_tell_their_permissions(state: State, login: str) -> None:
    """Every folder of every account has Default and Anonymous, and its set can be read."""
    found = permissions(state, login)
    folders = state.mailbox(login).children(state.mailbox(login).folder("msgfolderroot"), deep=True)
    names = [folder.name for folder in folders]
    assert [one.folder for one in found if one.grantee == "Default"] == names
    assert [one.folder for one in found if one.grantee == "Anonymous"] == names


@pytest.mark.parametrize("level", [*LEVELS, *sorted(CALENDAR_ONLY)])
def test_levels_are_told_with_the_rights_behind_them(state: State, level: str) -> None:
    """The decoder finds the same rights in a level's elements as in its name."""
    state.set_permission("jonas.weber", Permission("calendar", "noor.haddad", level))
    (entry,) = [
        one
        for one in permissions(state, "jonas.weber", distinguished("calendar"))
        if one.level == level and one.grantee_kind == "user"
    ]
    raw = Asking(state, address("jonas.weber"))(get_folder(distinguished("calendar")))
    assert entry.grantee == address("noor.haddad")
    assert len(texts(raw, "CalendarPermissionLevel")) == 3
    assert entry.rights == of_level(level)
    (permission,) = [
        one
        for one in etree.fromstring(raw).iter("{*}CalendarPermission")
        if one.findtext("{*}UserId/{*}PrimarySmtpAddress")
    ]
    assert of_permission(permission, "None") == of_level(level)


def test_what_the_intruder_left(state: State) -> None:
    """Everybody with an account may read Sylvie's inbox, and sees the top of her mailbox."""
    found = permissions(state, "sylvie.martin", distinguished("inbox"), TOP)
    default = {one.folder: one.rights for one in found if one.grantee == "Default"}
    assert default == {
        "Boîte de réception": ("lookup", "read"),
        "Partie supérieure de la banque d'informations": ("lookup",),
    }
    assert ("lucas.roy@kitano-marine.example", "Editor") in {(one.grantee, one.level) for one in found}


def test_orphans_are_told_in_both_ways(state: State) -> None:
    """A security id whose account is gone is an entry with a bare id; what Exchange cannot read is an unknown one."""
    found = [one for one in permissions(state, "henrik.lind") if one.grantee_kind == "orphan"]
    assert [(one.folder, one.level) for one in found] == [
        ("Inbox", "Reviewer"),
        ("Yards", "Editor"),
        ("Yards", None),
    ]
    assert all("S-1-5-21-" in one.grantee for one in found)


def test_calendars_have_levels_of_their_own(state: State) -> None:
    """Free and busy times can be given in a calendar, and in no other folder."""
    (everybody,) = [
        one
        for one in permissions(state, "henrik.lind", distinguished("calendar"))
        if one.grantee == "Anonymous"
    ]
    assert everybody.rights == ("free_busy",)
    with pytest.raises(ValueError, match="FreeBusyTimeOnly"):
        state.set_permission("henrik.lind", Permission("inbox", "Default", "FreeBusyTimeOnly"))


def test_permissions_come_and_go(state: State) -> None:
    """An entry is given, changed in its place, and taken away."""
    for level in ("Reviewer", "Editor"):
        state.set_permission("jonas.weber", Permission("inbox", "noor.haddad", level))
        found = permissions(state, "jonas.weber", distinguished("inbox"))
        assert [one.level for one in found] == ["None", "None", level]
    state.remove_permission("jonas.weber", "inbox", "noor.haddad")
    assert len(permissions(state, "jonas.weber", distinguished("inbox"))) == 2


def test_only_what_is_asked_is_told(state: State) -> None:
    """A folder has its id and the fields that were asked for, in the schema's order."""
    fields = ("folder:UnreadCount", "folder:ParentFolderId", "folder:TotalCount", "folder:EffectiveRights")
    raw = Asking(state, address("jonas.weber"))(get_folder(distinguished("inbox"), fields=fields))
    (folder,) = next(etree.fromstring(raw).iter("{*}Folders"))
    names = [etree.QName(one).localname for one in folder]
    assert names == ["FolderId", "ParentFolderId", "TotalCount", "EffectiveRights", "UnreadCount"]
    assert texts(raw, "TotalCount") == ["2"]


def test_a_folder_is_of_its_kind(state: State) -> None:
    """Calendars, contacts and tasks are elements of their own; each tells its distinguished id."""
    words = ("calendar", "contacts", "tasks", "inbox")
    raw = Asking(state, address("jonas.weber"))(
        get_folder(*map(distinguished, words), fields=("folder:DistinguishedFolderId",))
    )
    kinds = [etree.QName(one[0]).localname for one in etree.fromstring(raw).iter("{*}Folders")]
    assert kinds == ["CalendarFolder", "ContactsFolder", "TasksFolder", "Folder"]
    assert texts(raw, "DistinguishedFolderId") == list(words)


def test_the_base_shape_counts(state: State) -> None:
    """The default shape tells the name and counts, all properties more, and neither the permissions."""
    ask = Asking(state, address("jonas.weber"))
    for base, more in (("Default", 0), ("AllProperties", 1)):
        raw = ask(find_folder(TOP, base=base, traversal="Shallow"))
        assert texts(raw, "DisplayName")
        assert bool(texts(raw, "FolderClass")) == bool(more)
        assert not texts(raw, "PermissionLevel")


def test_a_deep_search_finds_what_lies_below(state: State) -> None:
    """A shallow search stays on one level, a deep one goes down, each folder once."""
    ask = Asking(state, address("astrid.berg"))
    shallow = ids(ask(find_folder(TOP, traversal="Shallow")), "FolderId")
    deep = ids(ask(find_folder(TOP)), "FolderId")
    assert len(shallow) < len(deep) == len(set(deep))
    assert len(deep) >= 59


def test_folders_come_in_pages(state: State) -> None:
    """The server gives fewer than asked, and says that there is more."""
    state.page_cap = 25
    ask = Asking(state, address("astrid.berg"))
    sizes, offset, last = [], 0, "false"
    while last == "false":
        root = next(etree.fromstring(ask(find_folder(TOP, view=(offset, 1000)))).iter("{*}RootFolder"))
        offset, last = int(root.get("IndexedPagingOffset")), root.get("IncludesLastItemInRange")
        sizes.append(len(root[0]))
    assert sizes == [25, 25, 9]
    beyond = ask(find_folder(TOP, view=(offset + 5, 10)))
    assert ids(beyond, "FolderId") == []


def test_names_are_read_by_an_audit(state: State) -> None:
    """The decoder of folders finds names, distinguished ids and uses."""
    raw = Asking(state, address("tom.becker"))(
        find_folder(TOP, "folder:DisplayName", "folder:DistinguishedFolderId", "folder:FolderClass")
    )
    found = {one.name: one.use for one in read_folders(raw).values()}
    assert found["Posteingang"] == "inbox"
    assert found["Kalender"] == "calendar"
    assert found["RSS-Feeds"] == "rss"


def test_folders_come_and_go(state: State) -> None:
    """A folder that is made is found below its parent, and removed with those below it."""
    state.add_folder("jonas.weber", "Neu")
    state.add_folder("jonas.weber", "Neu/Unten")
    ask = Asking(state, address("jonas.weber"))
    assert {"Neu", "Unten"} <= set(texts(ask(find_folder(TOP, "folder:DisplayName")), "DisplayName"))
    below = state.mailbox("jonas.weber").folder("Neu/Unten").id
    state.remove_folder("jonas.weber", "Neu")
    assert codes(ask(get_folder(folder_id(below)))) == ["ErrorFolderNotFound"]
    assert not {"Neu", "Unten"} & set(texts(ask(find_folder(TOP, "folder:DisplayName")), "DisplayName"))


def test_folders_tell_their_entry_ids(state: State) -> None:
    """PidTagEntryId is what rules name a folder by."""
    wanted = shape("Folder", tags=(("0x0FFF", "Binary"), ("0x3001", "String")))
    asked = request("GetFolder", f"{wanted}<m:FolderIds>{distinguished('junkemail')}</m:FolderIds>")
    raw = Asking(state, address("jonas.weber"))(asked)
    assert [one.get("PropertyTag") for one in etree.fromstring(raw).iter("{*}ExtendedFieldURI")] == [
        "0xfff",
        "0x3001",
    ]
    assert len(texts(raw, "Value")[0]) == 64


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (distinguished("archivemsgfolderroot"), "ErrorFolderNotFound"),
        (distinguished("inbox", "nobody@kitano-marine.example"), "ErrorNonExistentMailbox"),
        (folder_id("AAMkAGE="), "ErrorFolderNotFound"),
        (folder_id("rubbish"), "ErrorInvalidIdMalformed"),
    ],
)
def test_folders_that_are_not_there(state: State, place: str, code: str) -> None:
    """A folder that cannot be told is an error of its own, and the others are told."""
    ask = Asking(state, address("jonas.weber"))
    assert codes(ask(get_folder(place, distinguished("inbox")))) == [code, "NoError"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (find_folder(TOP, "folder:PermissionSet"), "ErrorInvalidPropertyRequest"),
        (find_folder(TOP, "item:Subject"), "ErrorInvalidPropertyRequest"),
        (find_folder(TOP, traversal="SoftDeleted"), "ErrorInvalidRequest"),
        (find_folder(TOP, view=(0, 0)), "ErrorInvalidPagingMaxRows"),
        (find_folder(TOP, view=(-1, 5)), "ErrorInvalidIndexedPagingParameters"),
    ],
)
def test_wrong_questions_are_errors(state: State, asked: str, code: str) -> None:
    """What Exchange would not answer is not answered here."""
    assert codes(Asking(state, address("jonas.weber"))(asked)) == [code]


def test_everybody_sees_free_and_busy_times(state: State) -> None:
    """That is all that an account gives without being asked: nothing else is open to Default or Anonymous."""
    given = {(one.folder, one.grantee): one.level for one in permissions(state, "jonas.weber") if one.rights}
    assert given == {("Kalender", "Default"): "FreeBusyTimeOnly"}


def test_a_search_shows_what_its_caller_may_see(state: State) -> None:
    """Somebody else finds those folders only that are open to him."""
    state.set_permission("noor.haddad", Permission("msgfolderroot", "jonas.weber", "Custom", visible=True))
    state.set_permission("noor.haddad", Permission("drafts", "jonas.weber", "Reviewer"))
    place = distinguished("msgfolderroot", address("noor.haddad"))
    raw = Asking(state, address("jonas.weber"))(find_folder(place, "folder:DisplayName"))
    assert texts(raw, "DisplayName") == ["Drafts"]
