"""Rights of others in rows: which folder they are in, what they come to, and which checks they rest on."""

import pytest

from postwarden.detect.delegation_rows import delegation_rows
from postwarden.detect.row import Row
from postwarden.mailflow.recipients import Directory
from postwarden.model.address import Domains
from postwarden.model.evidence import Delegation, Folder, Setting
from tests.unit.detect.conftest import NOW, SCOPE, delegation, folder

KNOWN = Directory(domains=Domains(internal=("example.org",)))


def purpose(value: str) -> Setting:
    return Setting(
        scope=SCOPE,
        source="m365",
        check="mailbox_settings",
        observed=NOW,
        name="mailbox_purpose",
        value=value,
    )


def first(entry: Delegation, *folders: Folder, of: Setting | None = None) -> Row:
    return next(delegation_rows(entry, KNOWN, folders, of))


@pytest.mark.parametrize(
    ("entry", "use"),
    [
        (delegation(folder="Inbox"), "inbox"),
        (delegation(folder="Bills", use="sent"), "sent"),
        (delegation(folder="Sent"), "sent"),
        (delegation(folder="Plain"), "none"),
        (delegation(folder="Nowhere"), "none"),
    ],
)
def test_a_folder_is_known_by_its_use(entry: Delegation, use: str) -> None:
    """The inbox in any case, what the entry itself says, then what the folder's listing says."""
    row = first(entry, folder("Plain"), folder("Sent", uses=("sent",)))
    assert row.values["folder_use"] == use


@pytest.mark.parametrize(("value", "told"), [("user", False), ("shared", True), ("room", True)])
def test_a_mailbox_that_is_no_persons_is_told(value: str, told: bool) -> None:
    """Rights in a shared mailbox are how it is meant to be used; a person's mailbox needs no word."""
    row = first(delegation(via="mailbox_permission", folder=""), of=purpose(value))
    assert any(f"of the type {value}" in one for one in row.sentences) is told
    assert ("m365", "mailbox_settings") in {(one.source, one.check) for one in row.checks}


def test_rights_in_a_folder_do_not_rest_on_what_the_mailbox_is_for() -> None:
    """A gap there leaves them as sure as they were."""
    row = first(delegation(), of=purpose("shared"))
    assert [(one.source, one.check) for one in row.checks] == [("imap", "folder_acl")]
    assert not any("of the type" in one for one in row.sentences)


@pytest.mark.parametrize(("rights", "told"), [(("read", "send_as"), True), ((), False)])
def test_who_declined_to_be_a_delegate_reads_nothing(rights: tuple[str, ...], told: bool) -> None:
    """Only a delegate with rights is told to read and send."""
    entry = delegation(via="gmail_delegate", folder="", grantee_kind="orphan", rights=rights)
    assert any("reads, sends and deletes" in one for one in first(entry).sentences) is told
