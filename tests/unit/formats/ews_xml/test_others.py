"""Automatic replies, add-ins, names, and any saved answer."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml import (
    Names,
    decode,
    decode_add_ins,
    decode_automatic_replies,
    read_folders,
    read_names,
)
from postwarden.model.evidence import Grant, Setting
from postwarden.model.reading import Gap
from postwarden.model.scope import account_scope
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.conftest import ALICE, Told
from tests.unit.formats.ews_xml.samples import MANIFEST, add_ins, enveloped, failed

Tell = Callable[..., Told]


def test_automatic_replies(told: Tell) -> None:
    """Whether the mailbox answers by itself, and whom, are settings; the texts are only in the raw bytes."""
    found = told(decode_automatic_replies, samples.AWAY)
    assert {one.name: one.value for one in found.of(Setting)} == {
        "automatic_reply": "scheduled",
        "automatic_reply_audience": "all",
        "automatic_reply_audience_allowed": "known",
    }
    assert all(b"Back on Monday." in raw for raw in found.raws)


def test_automatic_replies_that_are_not_told(told: Tell) -> None:
    """An error is a gap, and so is an answer that does not say whether it is on."""
    found = told(decode_automatic_replies, samples.AWAY_REFUSED)
    assert (found.evidence, [gap.reason for gap in found.gaps]) == ([], ["unreachable"])
    empty = samples.AWAY.replace(b"OofState>", b"Other>")
    assert [gap.reason for gap in told(decode_automatic_replies, empty).gaps] == ["malformed"]


@pytest.mark.parametrize("old", [True, False])
def test_add_ins(told: Tell, old: bool) -> None:
    """An add-in is a grant with the permission that its manifest asks for, in either form of answer."""
    found = told(decode_add_ins, add_ins(MANIFEST, old=old))
    (grant,) = found.of(Grant)
    assert (grant.application.id, grant.application.name) == (
        "aaaaaaaa-0000-4000-8000-000000000001",
        "Mail Helper",
    )
    assert (grant.resource, grant.scopes) == ("mailbox", ("ReadWriteMailbox",))
    assert found.raws == [MANIFEST]


@pytest.mark.parametrize("manifest", [b"", b"<a/>", b"<!DOCTYPE a><OfficeApp/>", b"<OfficeApp/>"])
def test_manifests_that_cannot_be_read(told: Tell, manifest: bytes) -> None:
    """A manifest that is none is a gap, and the add-ins beside it stay."""
    found = told(decode_add_ins, add_ins(manifest, MANIFEST))
    assert len(found.of(Grant)) == 1
    assert [(gap.reason, gap.part) for gap in found.gaps] == [("malformed", "add-in 1")]


def test_a_resolved_name() -> None:
    """A name's mailbox is told with its kind, so that a contact outside is seen as one."""
    (contact,) = read_names(samples.RESOLVED).mailboxes
    assert (contact.name, contact.kind, contact.addresses) == (
        "A Contact",
        "Contact",
        ("x@elsewhere.example",),
    )
    assert b"x@elsewhere.example" in contact.raw


def test_all_addresses_of_a_name() -> None:
    """The directory's other SMTP addresses stand after the primary one; those of other kinds are left out."""
    entries = "".join(
        f'<t:Entry Key="EmailAddress{number}">{value}</t:Entry>'
        for number, value in enumerate(
            ("SMTP:x@elsewhere.example", "smtp:x@example.org", "X500:/o=a/cn=x"), 1
        )
    )
    contact = f"</t:Mailbox><t:Contact><t:EmailAddresses>{entries}</t:EmailAddresses></t:Contact>"
    (known,) = read_names(samples.RESOLVED.replace(b"</t:Mailbox>", contact.encode())).mailboxes
    assert known.addresses == ("x@elsewhere.example", "x@example.org")


def test_members_of_a_list() -> None:
    """A list's members are told, lists within it too, and whether there are more."""
    found = read_names(samples.EXPANDED)
    assert [(one.address, one.kind) for one in found.mailboxes] == [
        ("bob@example.org", "Mailbox"),
        ("staff@example.org", "PublicDL"),
    ]
    partly = samples.EXPANDED.replace(b'IncludesLastItemInRange="true"', b'IncludesLastItemInRange="false"')
    assert (found.complete, read_names(partly).complete) == (True, False)


def test_names_that_nobody_has() -> None:
    """Nobody is a complete answer; any other error is one."""
    nobody = failed("ResolveNames", "ErrorNameResolutionNoResults")
    assert read_names(nobody) == Names(mailboxes=(), complete=True)
    for raw in (failed("ResolveNames", "ErrorServerBusy"), samples.fault("ErrorServerBusy")):
        with pytest.raises(ConnectorError) as caught:
            read_names(raw)
        assert caught.value.reason == "unreachable"


def test_several_people_of_one_name() -> None:
    """An ambiguous name, which Exchange answers with a warning, has all that it may be."""
    raw = samples.RESOLVED.replace(b'ResponseClass="Success"', b'ResponseClass="Warning"').replace(
        b"NoError", b"ErrorNameResolutionMultipleResults"
    )
    assert len(read_names(raw).mailboxes) == 1


def test_folders_that_are_not_told() -> None:
    """Names of folders out of a fault are an error."""
    with pytest.raises(ConnectorError) as caught:
        read_folders(samples.fault("ErrorServerBusy"))
    assert caught.value.reason == "unreachable"


def any_answer(raw: bytes) -> Told:
    return Told(
        decode(
            raw,
            ALICE,
            scope=account_scope("login:alice"),
            source="inspect",
            observed=datetime(2026, 11, 23, tzinfo=UTC),
        )
    )


@pytest.mark.parametrize(
    ("raw", "check"),
    [
        (samples.EVERYTHING_RULE, "inbox_rules"),
        (samples.RULE_ITEMS, "rule_items"),
        (samples.FOUND_ITEMS, "rule_items"),
        (samples.DELEGATES, "delegates"),
        (samples.FOLDERS, "folder_permissions"),
        (samples.FOUND_FOLDERS, "folder_permissions"),
        (samples.AWAY, "automatic_replies"),
        (add_ins(MANIFEST), "add_ins"),
    ],
)
def test_any_saved_answer_finds_its_check(raw: bytes, check: str) -> None:
    """What an answer is about follows from the answer."""
    found = any_answer(raw)
    assert {one.check for one in (*found.evidence, *found.gaps)} == {check}
    assert found.evidence


@pytest.mark.parametrize(
    ("raw", "reason", "message"),
    [
        (samples.RESOLVED, "unsupported", "an answer to ResolveNames is not judged"),
        (
            samples.fault("ErrorServerBusy"),
            "unreachable",
            "Exchange answered ErrorServerBusy: Try again later.",
        ),
        (b"not this", "malformed", "not XML"),
        (
            enveloped(f"<m:GetDelegate {samples.NAMESPACES}/>"),
            "malformed",
            "<GetDelegate> is a request, not an answer",
        ),
    ],
)
def test_saved_answers_that_say_nothing(raw: bytes, reason: str, message: str) -> None:
    """What is no answer, or one to something else, is one gap."""
    found = any_answer(raw)
    assert found.evidence == []
    (gap,) = found
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.message[: len(message)]) == (reason, message)
