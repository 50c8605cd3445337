"""Whether anybody looks into a folder."""

from collections.abc import Callable

import pytest

from postwarden.mailflow.folders import ODD_USES, is_unread, matching, use_of
from postwarden.model.evidence import Folder

MakeFolder = Callable[..., Folder]


@pytest.fixture
def folders(folder: MakeFolder) -> tuple[Folder, ...]:
    return (
        folder("INBOX", "inbox", subscribed=False),
        folder("Invoices"),
        folder("RSS Feeds", subscribed=False),
        folder("Papierkorb", "trash"),
        folder("Spamverdacht", "junk"),
        folder("Archive", "archive"),
        folder("Shared", selectable=False),
        folder("Work/Über"),
        folder("INBOX/Notes"),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Invoices", False),
        ("INBOX", False),
        ("inbox", False),
        ("Archive", False),
        ("RSS Feeds", True),
        ("Papierkorb", True),
        ("Spamverdacht", True),
        ("Shared", True),
        ("Not There", True),
        ("invoices", True),
        ("Work.Über", False),
        ("Work/U\u0308ber", False),
        ("INBOX.Invoices", False),
        ("Inbox/RSS Feeds", True),
        ("Notes", False),
        ("\\Trash", True),
        ("\\junk", True),
        ("\\Archive", False),
        ("\\Inbox", False),
        ("\\Sent", None),
    ],
)
def test_unread_folders(folders: tuple[Folder, ...], name: str, *, expected: bool | None) -> None:
    """Nobody looks into what is not subscribed, cannot be opened, is trash or junk, or does not exist yet."""
    assert is_unread(name, folders) is expected


@pytest.mark.parametrize(
    ("name", "expected"), [("A", None), ("INBOX", False), ("\\Trash", True), ("\\Sent", None)]
)
def test_unknown_folders(name: str, *, expected: bool | None) -> None:
    """Where folders could not be read, only what needs no list is known."""
    assert is_unread(name, None) is expected


def test_the_exact_name_goes_first(folder: MakeFolder) -> None:
    """A folder of exactly the name is meant, and not one that differs in its separator."""
    dotted, slashed = folder("a.b", subscribed=False), folder("a/b")
    assert matching("a.b", (slashed, dotted)) == (dotted,)
    assert is_unread("a.b", (slashed, dotted)) is True


def test_of_two_that_may_be_meant_one_is_enough(folder: MakeFolder) -> None:
    """Where two folders may be meant and somebody looks into one, it is not called unread."""
    assert is_unread("a.b", (folder("a/b", subscribed=False), folder("INBOX.a.b"), folder("a/b"))) is False


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("\\Trash", "trash"),
        ("\\Conversation-History", "conversation_history"),
        ("\\Rss", "rss"),
        ("\\Nonsense", None),
        ("inbox", "inbox"),
        ("Papierkorb", "trash"),
        ("Invoices", None),
        ("Not There", None),
    ],
)
def test_what_a_folder_is_for(name: str, use: str | None, folders: tuple[Folder, ...]) -> None:
    """A folder's use follows from its special name, or from the folder that has the name."""
    assert use_of(name, folders) == use


def test_folders_of_one_name_and_two_uses(folder: MakeFolder) -> None:
    """Where a name may mean an ordinary folder as well, nothing is said."""
    assert use_of("RSS", (folder("RSS"), folder("RSS", "rss"))) is None


@pytest.mark.parametrize("use", sorted(ODD_USES))
def test_odd_folders_are_read_by_nobody(use: str, folders: tuple[Folder, ...]) -> None:
    """What is no folder for mail, or filled by a program, is one that nobody looks into, in any language."""
    name = "\\" + use.replace("_", "-").title()
    assert is_unread(name, folders) is True
    assert is_unread(name, None) is True
