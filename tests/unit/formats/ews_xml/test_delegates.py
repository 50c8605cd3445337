"""Answers to GetDelegate into delegations."""

from collections.abc import Callable

from postwarden.formats.ews_xml import decode_delegates
from postwarden.model.evidence import Delegation, Setting
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.conftest import ALICE, Told
from tests.unit.formats.ews_xml.samples import delegate, delegates, user

Tell = Callable[..., Told]


def test_delegates_and_their_folders(told: Tell) -> None:
    """A delegate has rights to the mailbox, and to each folder with a level above none."""
    found = told(decode_delegates, samples.DELEGATES, ALICE)
    assert [(one.grantee, one.folder, one.use, one.level, one.rights) for one in found.of(Delegation)] == [
        ("bob@example.org", "", None, None, ("send_on_behalf", "meeting_copies", "private_items")),
        (
            "bob@example.org",
            "calendar",
            "calendar",
            "Editor",
            ("lookup", "read", "write_own", "write", "insert", "delete_own", "delete_message"),
        ),
        ("bob@example.org", "INBOX", "inbox", "Reviewer", ("lookup", "read")),
        ("bob@example.org", "contacts", "contacts", "Custom", ()),
        ("carol@example.org", "", None, None, ("send_on_behalf",)),
    ]
    assert {one.via for one in found.of(Delegation)} == {"ews_delegate"}
    assert [(one.name, one.value) for one in found.of(Setting)] == [
        ("meeting_requests_go_to", "DelegatesAndMe")
    ]


def test_a_dead_delegate_is_a_gap_and_the_others_stay(told: Tell) -> None:
    """A delegate whom the directory no longer knows hides nobody else."""
    found = told(decode_delegates, samples.DELEGATES, ALICE)
    assert {one.grantee for one in found.of(Delegation)} == {"bob@example.org", "carol@example.org"}
    dead, custom = sorted(found.gaps, key=lambda gap: gap.part or "", reverse=False)
    assert (dead.part, dead.message) == (
        "delegate 2 of 3",
        "Exchange answered ErrorDelegateNoUser: The user is gone.",
    )
    assert (custom.reason, custom.part) == ("unsupported", "delegate bob@example.org")


def test_what_stands_beside_an_error_is_not_believed(told: Tell) -> None:
    """A delegate within an answer that is an error is no evidence."""
    one = delegate(user("x@example.org")).replace('ResponseClass="Success"', 'ResponseClass="Error"')
    found = told(decode_delegates, delegates(one), ALICE)
    assert (found.of(Delegation), len(found.gaps)) == ([], 1)


def test_no_delegates_is_an_answer(told: Tell) -> None:
    """A successful answer without delegates says that there are none."""
    found = told(decode_delegates, delegates(), ALICE)
    assert (found.of(Delegation), found.gaps) == ([], [])


def test_a_delegate_that_is_only_an_id(told: Tell) -> None:
    """A delegate who is only a security id is an orphan."""
    found = told(decode_delegates, delegates(delegate(user(sid="S-1-5-21-9"))), ALICE)
    (one,) = found.of(Delegation)
    assert (one.grantee, one.grantee_kind) == ("S-1-5-21-9", "orphan")


def test_a_refusal_as_a_whole(told: Tell) -> None:
    """An answer that is an error, or a fault, is a gap and no evidence."""
    raw = samples.single(
        "GetDelegate",
        "<m:ResponseCode>ErrorNonExistentMailbox</m:ResponseCode>",
        attributes='ResponseClass="Error"',
    )
    for answer in (raw, samples.fault("ErrorServerBusy")):
        found = told(decode_delegates, answer, ALICE)
        assert (found.evidence, len(found.gaps)) == ([], 1)
