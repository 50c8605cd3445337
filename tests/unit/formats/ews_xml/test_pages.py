"""Pages of a search, versions, and where EWS is."""

import pytest

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml import (
    Discovered,
    read_discovered,
    read_page,
    read_version,
    with_paths,
)
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.samples import NAMESPACES, enveloped

A = 'xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"'


def folders(*listed: tuple[str, str, str], root: str = 'IncludesLastItemInRange="true"') -> bytes:
    """An answer to FindFolder: id, id of the parent, name."""
    found = "".join(
        f'<t:Folder><t:FolderId Id="{one}"/><t:ParentFolderId Id="{above}"/>'
        f"<t:DisplayName>{name}</t:DisplayName></t:Folder>"
        for one, above, name in listed
    )
    return enveloped(
        f'<m:FindFolderResponse {NAMESPACES}><m:ResponseMessages><m:FindFolderResponseMessage ResponseClass="Success">'
        f"<m:ResponseCode>NoError</m:ResponseCode><m:RootFolder {root}><t:Folders>{found}</t:Folders></m:RootFolder>"
        "</m:FindFolderResponseMessage></m:ResponseMessages></m:FindFolderResponse>"
    )


def test_folders_are_named_by_their_path() -> None:
    """Two folders of one name are told apart by what stands above them."""
    page = read_page(
        folders(("1", "top", "Inbox"), ("2", "1", "Old"), ("3", "top", "Old"), ("4", "2", "x")), 0
    )
    assert page.next_offset is None
    assert {one: folder.name for one, folder in with_paths(page.folders).items()} == {
        "1": "Inbox",
        "2": "Inbox/Old",
        "3": "Old",
        "4": "Inbox/Old/x",
    }


def test_folders_in_a_circle_have_names() -> None:
    """A server that puts folders into each other does not keep us busy."""
    page = read_page(folders(("1", "2", "a"), ("2", "1", "b"), ("3", "3", "c")), 0)
    assert {one: folder.name for one, folder in with_paths(page.folders).items()} == {
        "1": "b/a",
        "2": "a/b",
        "3": "c",
    }


@pytest.mark.parametrize(
    ("root", "offset", "wanted"),
    [
        ('IncludesLastItemInRange="false" IndexedPagingOffset="7"', 5, 7),
        ('IncludesLastItemInRange="0" IndexedPagingOffset="7"', 5, 7),
        ('IncludesLastItemInRange="false"', 5, 6),
        ('IncludesLastItemInRange="1"', 5, None),
    ],
)
def test_a_page_says_where_the_next_begins(root: str, offset: int, wanted: int | None) -> None:
    """By the server's word, or by how many came."""
    assert read_page(folders(("1", "top", "x"), root=root), offset).next_offset == wanted


@pytest.mark.parametrize(
    "root",
    ["", 'IncludesLastItemInRange="maybe"', 'IncludesLastItemInRange="false" IndexedPagingOffset="5"'],
)
def test_a_page_that_leads_nowhere_is_no_end(root: str) -> None:
    """Without a word about the end, or with the same page as the next, nothing was read to the end."""
    with pytest.raises(ConnectorError):
        read_page(folders(("1", "top", "x"), root=root), 5)


def test_an_error_is_no_page() -> None:
    """What the server refuses is not empty."""
    for raw in (samples.fault("ErrorAccessDenied"), samples.NO_RULES, b"<x/>", b""):
        with pytest.raises(ConnectorError):
            read_page(raw, 0)


@pytest.mark.parametrize(
    ("numbers", "words", "online"),
    [
        (
            'MajorVersion="15" MinorVersion="2" MajorBuildNumber="1748" MinorBuildNumber="10"',
            "15.2.1748.10",
            False,
        ),
        ('MajorVersion="15" MinorVersion="20" MajorBuildNumber="1" MinorBuildNumber="2"', "15.20.1.2", True),
        ('MajorVersion="14" MinorVersion="20"', "14.20.0.0", False),
        ('MajorVersion="x"', None, False),
    ],
)
def test_versions(numbers: str, words: str | None, online: bool) -> None:
    """The header of an answer says which server it is."""
    raw = samples.NO_RULES.replace(b'MajorVersion="15" MinorVersion="2"', numbers.encode())
    found = read_version(raw)
    assert (str(found) if found else None, bool(found and found.is_online)) == (words, online)


def test_no_version_is_none() -> None:
    """An answer without the header says nothing about the server."""
    assert read_version(b"<x/>") is None


def discovered(content: str, code: str = "NoError") -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f"<GetUserSettingsResponseMessage {A}><Response><ErrorCode>{code}</ErrorCode>{content}</Response>"
        "</GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    ).encode()


def user(content: str) -> str:
    return f"<UserResponses><UserResponse>{content}</UserResponse></UserResponses>"


def settings(**values: str) -> str:
    rows = "".join(
        f"<UserSetting><Name>{name}</Name><Value>{value}</Value></UserSetting>"
        for name, value in values.items()
    )
    return user(f"<ErrorCode>NoError</ErrorCode><UserSettings>{rows}</UserSettings>")


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (
            discovered(settings(ExternalEwsUrl="https://a/", InternalEwsUrl="https://b/")),
            Discovered(url="https://a/"),
        ),
        (discovered(settings(InternalEwsUrl="https://b/")), Discovered(url="https://b/")),
        (discovered(settings(Other="x")), Discovered(error="no EwsUrl")),
        (discovered("", code="InvalidUser"), Discovered(error="InvalidUser")),
        (
            discovered(user("<ErrorCode>RedirectUrl</ErrorCode><RedirectTarget>https://c/</RedirectTarget>")),
            Discovered(ask_at="https://c/"),
        ),
        (
            discovered(user("<ErrorCode>RedirectAddress</ErrorCode><RedirectTarget>x@y</RedirectTarget>")),
            Discovered(ask_for="x@y"),
        ),
    ],
)
def test_where_ews_is(raw: bytes, wanted: Discovered) -> None:
    """An address of EWS, another place, another mailbox, or why there is none."""
    assert read_discovered(raw) == wanted


def test_what_is_no_answer_of_autodiscover() -> None:
    """Any other answer is an error."""
    with pytest.raises(ConnectorError):
        read_discovered(samples.NO_RULES)
