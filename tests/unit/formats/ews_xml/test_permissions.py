"""Permission sets of folders into delegations."""

from collections.abc import Callable

import pytest

from postwarden.formats.ews_xml import NamedFolder, decode_permissions, read_folders
from postwarden.formats.ews_xml.levels import of_level
from postwarden.model.evidence import Delegation
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.conftest import ALICE, Told
from tests.unit.formats.ews_xml.samples import folder, permission, several, user

Tell = Callable[..., Told]
FULL = {"read", "write", "insert", "delete_message", "administer"}


def by_grantee(found: Told) -> dict[str, Delegation]:
    return {one.grantee: one for one in found.of(Delegation) if one.folder == "Posteingang"}


def test_who_has_rights(told: Tell) -> None:
    """Default, Anonymous, the owner, users, people outside and those who are gone are told apart."""
    found = by_grantee(told(decode_permissions, samples.FOLDERS, ALICE))
    assert {who: one.grantee_kind for who, one in found.items()} == {
        "Default": "authenticated",
        "Anonymous": "anyone",
        "Alice@example.org": "owner",
        "mallory@example.org": "user",
        "dave@example.org": "user",
        "NT User:S-1-5-21-9": "orphan",
        "erin@elsewhere.example": "user",
        "S-1-5-21-7": "orphan",
    }
    assert {one.via for one in found.values()} == {"ews_permission"}
    assert {one.use for one in found.values()} == {"inbox"}


def test_which_rights(told: Tell) -> None:
    """Levels, and the parts of a custom one, become rights; an orphan that is only named has none told."""
    found = by_grantee(told(decode_permissions, samples.FOLDERS, ALICE))
    assert found["Default"].rights == ()
    assert found["Anonymous"].rights == ("lookup", "read")
    assert set(found["mallory@example.org"].rights) >= FULL
    assert found["mallory@example.org"].level == "Owner"
    assert found["dave@example.org"].rights == (
        "lookup",
        "read",
        "write_own",
        "insert",
        "create_folder",
        "delete_own",
        "delete_message",
    )
    assert found["S-1-5-21-7"].rights == ()


def test_calendars(told: Tell) -> None:
    """A calendar's free and busy times are rights of their own, which do not read items."""
    found = told(decode_permissions, samples.FOLDERS, ALICE)
    (one,) = [one for one in found.of(Delegation) if one.folder == "Kalender"]
    assert (one.grantee_kind, one.use, one.rights) == ("authenticated", "calendar", ("free_busy",))


@pytest.mark.parametrize(
    ("level", "rights"),
    [
        ("None", set()),
        ("Owner", {*FULL, "lookup", "create_folder", "write_own", "delete_own"}),
        (
            "PublishingEditor",
            {
                "lookup",
                "read",
                "write",
                "insert",
                "create_folder",
                "delete_message",
                "write_own",
                "delete_own",
            },
        ),
        ("Editor", {"lookup", "read", "write", "insert", "delete_message", "write_own", "delete_own"}),
        ("PublishingAuthor", {"lookup", "read", "insert", "create_folder", "write_own", "delete_own"}),
        ("Author", {"lookup", "read", "insert", "write_own", "delete_own"}),
        ("NoneditingAuthor", {"lookup", "read", "insert", "delete_own"}),
        ("Reviewer", {"lookup", "read"}),
        ("Contributor", {"lookup", "insert"}),
        ("FreeBusyTimeAndSubjectAndLocation", {"free_busy", "free_busy_details"}),
    ],
)
def test_levels(level: str, rights: set[str]) -> None:
    """Each level has the rights of the documentation's table."""
    assert set(of_level(level) or ()) == rights


def test_a_level_that_hides_rights(told: Tell) -> None:
    """An entry that calls itself None and can read is told by what it can do."""
    entry = permission(user("x@example.org"), "None", read="FullDetails")
    found = told(decode_permissions, several("GetFolder", f"<m:Folders>{folder(entry)}</m:Folders>"), ALICE)
    assert by_grantee(found)["x@example.org"].rights == ("read",)


def test_pages_and_folders_without_permissions(told: Tell) -> None:
    """A page that is not the last, and a folder that came without its permissions, are gaps."""
    found = told(decode_permissions, samples.FOUND_FOLDERS, ALICE)
    assert [one.folder for one in found.of(Delegation)] == ["Projects"]
    assert [(gap.part, gap.message) for gap in found.gaps] == [
        ('folder "Unread Mail"', "the answer has no permissions of this folder"),
        (None, "this page of folders is not the last"),
    ]


def test_a_level_that_is_not_known(told: Tell) -> None:
    """A level of a later server is a gap that names it."""
    entry = permission(user("x@example.org"), "Emperor")
    found = told(decode_permissions, several("GetFolder", f"<m:Folders>{folder(entry)}</m:Folders>"), ALICE)
    assert [gap.message for gap in found.gaps] == ["the permission level Emperor is not known"]


def test_one_folder_refused_and_the_others_stay(told: Tell) -> None:
    """One folder's error is a gap, and the entries of the others are there."""
    good = f"<m:Folders>{folder(permission(user('x@example.org'), 'Reviewer'))}</m:Folders>"
    raw = several("GetFolder", good, "XX").replace(
        b'ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>XX',
        b'ResponseClass="Error"><m:ResponseCode>ErrorItemNotFound</m:ResponseCode>',
    )
    found = told(decode_permissions, raw, ALICE)
    assert (len(found.of(Delegation)), [gap.reason for gap in found.gaps]) == (1, ["refused"])


def test_raw_tells_folders_apart(told: Tell) -> None:
    """Two folders with the same permissions, and even the same name, are kept as different bytes."""
    entry = permission(user("x@example.org"), "Reviewer")
    raw = several(
        "GetFolder",
        f"<m:Folders>{folder(entry)}{folder(entry, identifier='AAMkOther')}</m:Folders>",
    )
    first, second = told(decode_permissions, raw, ALICE).raws
    assert first != second


def test_names_of_folders() -> None:
    """An answer about folders also says what their ids mean."""
    assert read_folders(samples.FOLDERS) == {
        "AAMkInbox": NamedFolder(name="Posteingang", distinguished="inbox", use="inbox"),
        "AAMkCalendar": NamedFolder(name="Kalender", use="calendar"),
    }
    assert set(read_folders(samples.FOUND_FOLDERS)) == {"AAMkProjects", "AAMkSearch"}


@pytest.mark.parametrize(
    ("element", "inside", "use"),
    [
        ("Folder", "<t:DistinguishedFolderId>outbox</t:DistinguishedFolderId>", "outbox"),
        ("Folder", "<t:DistinguishedFolderId>conversationhistory</t:DistinguishedFolderId>", "conversation_history"),
        ("Folder", "<t:DistinguishedFolderId>serverfailures</t:DistinguishedFolderId>", "sync_issues"),
        ("Folder", "<t:DistinguishedFolderId>recoverableitemspurges</t:DistinguishedFolderId>", "recoverable"),
        ("Folder", "<t:DistinguishedFolderId>archivedeleteditems</t:DistinguishedFolderId>", "trash"),
        ("Folder", "<t:FolderClass>IPF.Note.OutlookHomepage</t:FolderClass>", "rss"),
        ("Folder", "<t:FolderClass>IPF.StickyNote</t:FolderClass>", "notes"),
        ("Folder", "<t:FolderClass>IPF.Contact.RecipientCache</t:FolderClass>", "contacts"),
        ("TasksFolder", "", "tasks"),
        ("Folder", "<t:FolderClass>IPF.Note</t:FolderClass>", None),
        ("Folder", "<t:FolderClass>IPF.Contacts</t:FolderClass>", None),
        ("Folder", "<t:DisplayName>RSS Feeds</t:DisplayName>", None),
    ],
)  # fmt: skip
def test_what_folders_are_for(element: str, inside: str, use: str | None) -> None:
    """A folder is what its element, its distinguished name or its class says, and nothing by its name."""
    raw = several(
        "GetFolder", f'<m:Folders><t:{element}><t:FolderId Id="A"/>{inside}</t:{element}></m:Folders>'
    )
    assert read_folders(raw)["A"].use == use
