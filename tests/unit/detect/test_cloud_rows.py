"""What rules see of cloud mailboxes, from answers through the decoders, and what findings will say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from postwarden.detect.row import Row
from postwarden.detect.rows import rows
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets import mailboxes, rules
from postwarden.formats.google_json import gmail_settings
from postwarden.formats.graph_json.mailbox_settings import decode_mailbox_settings
from postwarden.formats.graph_json.rules import decode_rules
from postwarden.model.evidence import Evidence
from postwarden.model.finding import CheckRef
from postwarden.model.reading import Item, Observed
from tests.unit.detect.conftest import NOW, SCOPE, context

FULL_ACCESS = {"User": "bob@example.org", "AccessRights": ["FullAccess"]}
#: A mailbox that does not forward.
NOWHERE: dict[str, Any] = {"ForwardingAddress": None, "ForwardingSmtpAddress": None}


def asked(check: str) -> Asked:
    return Asked(scope=SCOPE, source="cloud", check=check, observed=NOW)


def raw(told: Any) -> bytes:
    return json.dumps(told).encode()


def evidence(items: Iterator[Item]) -> list[Evidence]:
    return [item.evidence for item in items if isinstance(item, Observed)]


def judged(*items: Iterator[Item]) -> list[Row]:
    return list(rows([one for some in items for one in evidence(some)], context(unread=True)))


def text_of(found: list[Row]) -> str:
    return "\n".join(sentence for row in found for sentence in row.sentences)


def filtered(criteria: dict[str, Any], action: dict[str, Any]) -> list[Row]:
    told = {"filter": [{"id": "f", "criteria": criteria, "action": action}]}
    return judged(gmail_settings.decode_filters(raw(told), asked("filters")))


def forwarded(disposition: str, *, enabled: bool = True) -> list[Row]:
    told = {"enabled": enabled, "emailAddress": "x@evil.example", "disposition": disposition}
    return judged(gmail_settings.decode_forwarding(raw(told), asked("forwarding")))


def sender(**told: Any) -> Row:
    (row,) = judged(gmail_settings.decode_send_as(raw({"sendAs": [told]}), asked("send_as")))
    return row


def permission(told: dict[str, Any], purpose: str | None) -> list[Row]:
    settings = {"automaticRepliesSetting": {"status": "disabled"}, "userPurpose": purpose}
    return judged(
        decode_mailbox_settings(raw(settings), asked("mailbox_settings")) if purpose else iter(()),
        mailboxes.read_permissions([raw(told)], asked("mailbox_permissions")),
    )


def test_a_gmail_filter_is_called_so_and_says_what_it_takes() -> None:
    """Words of a search are looked for in subject and body at once, and the finding says so."""
    found = filtered({"query": "{invoice payment}"}, {"forward": "x@evil.example", "addLabelIds": ["TRASH"]})
    assert text_of(found).startswith(
        'the active Gmail filter "filter 1" redirects to x@evil.example: messages where subject or body contains '
        '"invoice" or subject or body contains "payment"'
    )
    assert {row.values["keyword_classes"] for row in found} == {("finance",)}
    assert {row.values["keeps_copy"] for row in found} == {"no"}
    assert {row.values["everything"] for row in found} == {False}


def test_a_search_that_is_not_understood_is_not_everything() -> None:
    """A filter whose search cannot be read picks some messages, and its words are still known."""
    (row,) = filtered({"query": "(invoice OR"}, {"forward": "x@evil.example"})
    assert (row.values["everything"], row.values["keyword_classes"]) == (False, ("finance",))


def test_a_filter_without_any_choice_takes_everything() -> None:
    """A star is what people write to mean every message, and the finding says that it only seems to choose."""
    found = filtered({"from": "*"}, {"forward": "x@evil.example"})
    assert [(row.values["everything"], row.values["everything_by_trick"]) for row in found] == [(True, True)]
    assert "so that it only seems to choose" in text_of(found)


def test_archiving_is_not_a_folder_of_a_name() -> None:
    """Skipping the inbox without a label leaves a message in All Mail only; with one, in a folder not told."""
    (archived, *_) = filtered({"subject": "x"}, {"removeLabelIds": ["INBOX", "UNREAD"]})
    assert (archived.values["folder_use"], archived.values["marks_read"]) == ("all", True)
    assert "takes out of the inbox, into All Mail only" in text_of([archived])
    assert "the message is archived and marked read: it never shows in the inbox" in text_of([archived])
    (filed,) = filtered({"subject": "x"}, {"addLabelIds": ["Label_7"], "removeLabelIds": ["INBOX"]})
    assert (filed.values["folder_use"], filed.values["folder_unread"]) == (None, None)
    assert 'what the folder "Label_7" is called, or is for, the source does not tell' in text_of([filed])


@pytest.mark.parametrize(
    ("disposition", "wanted"),
    [
        ("leaveInInbox", "a copy stays in the mailbox"),
        ("archive", "the message is archived: it never shows in the inbox"),
        ("trash", "no copy stays in the mailbox"),
    ],
)
def test_gmails_own_forwarding_says_what_becomes_of_the_copy(disposition: str, wanted: str) -> None:
    """Automatic forwarding is no rule, takes everything, and tells whether its owner still sees it."""
    found = forwarded(disposition)
    assert text_of(found).startswith(
        "the active automatic forwarding of Gmail redirects to x@evil.example: every message"
    )
    assert wanted in text_of(found)
    assert found[0].values["everything"] is True


def test_forwarding_that_is_off_does_not_fire() -> None:
    """An address that stands ready is told, and nothing is said to happen."""
    (row, *_) = forwarded("trash", enabled=False)
    assert (row.values["fires"], row.values["enabled"]) == (False, False)
    assert "no copy stays" not in text_of([row])


@pytest.mark.parametrize(("kept", "wanted"), [(True, "a copy stays"), (False, "no copy stays")])
def test_forwarding_of_the_mailbox_says_where_it_is_set(*, kept: bool, wanted: str) -> None:
    """Nobody finds it among rules, so the finding says where to look."""
    told = {"ForwardingSmtpAddress": "smtp:x@evil.example", "DeliverToMailboxAndForward": kept}
    (row,) = judged(mailboxes.read_mailbox([raw(NOWHERE | told)], asked("mailbox_forwarding")))
    assert row.sentences[0].startswith(
        "the active forwarding set on the mailbox itself (ForwardingSmtpAddress)"
    )
    assert "no rule shows it" in text_of([row])
    assert wanted in text_of([row])
    assert (row.values["everything"], row.values["target_external"]) == (True, True)


def test_forwarding_to_a_name_of_the_directory_is_unresolved() -> None:
    """A name may be anybody's, inside or outside."""
    (row,) = judged(
        mailboxes.read_mailbox([raw(NOWHERE | {"ForwardingAddress": "Desk"})], asked("mailbox_forwarding"))
    )
    assert (row.values["target_class"], row.values["target_resolved"]) == ("unresolved", False)
    assert "whose mailbox Desk is could not be found out" in text_of([row])


def test_a_folder_that_graph_names_by_an_id_is_told_as_unknown() -> None:
    """Graph tells a folder's id only: what it is for is not guessed, and not taken for harmless."""
    rule = {"id": "1", "displayName": "x", "actions": {"moveToFolder": "AQMk", "markAsRead": True}}
    found = judged(decode_rules(raw({"value": [rule]}), asked("inbox_rules")))
    assert found[0].values["folder_unread"] is None
    assert found[0].values["target_resolved"] is False
    assert 'what the folder "AQMk" is called' in text_of(found)


def test_a_rule_that_only_a_cmdlet_shows_is_hidden_and_none_of_exchanges() -> None:
    """What Graph does not list and Exchange has is hidden."""
    told = {"Name": "", "RuleIdentity": 4, "RedirectTo": ['"x" [SMTP:x@evil.example]']}
    (row,) = judged(rules.hidden(rules.read_rules([raw(told)], asked("hidden_rules")), []))
    assert (row.values["hidden"], row.values["exchange_own"], row.values["fires"]) == (True, False, True)
    assert row.sentences[0].startswith('the hidden active rule ""')


def test_full_access_depends_on_what_the_mailbox_is_for() -> None:
    """A right to a whole mailbox says what it means, and rests on the check that tells whose mailbox it is."""
    found = permission(FULL_ACCESS, "shared")
    shared = [row for row in found if row.category == "delegation"]
    assert {row.values["mailbox_purpose"] for row in shared} == {"shared"}
    assert CheckRef(source="cloud", check="mailbox_settings") in shared[0].checks
    assert "that is Full Access" in text_of(shared)
    assert "the mailbox is no person's: it is of the type shared" in text_of(shared)
    unknown = permission(FULL_ACCESS, None)
    assert {row.values["mailbox_purpose"] for row in unknown} == {None}
    assert "no person's" not in text_of(unknown)


@pytest.mark.parametrize(
    ("told", "wanted", "unwanted"),
    [
        (
            {"Trustee": "bob@example.org", "AccessRights": ["SendAs"]},
            "does not show who sent it",
            "Full Access",
        ),
        ({"User": "bob@example.org", "AccessRights": ["ChangePermission"]}, "may give rights", "Full Access"),
        ({**FULL_ACCESS, "Deny": True}, "is denied rights", "that is Full Access"),
    ],
)
def test_each_right_to_a_mailbox_is_told(told: dict[str, Any], wanted: str, unwanted: str) -> None:
    """Sending as somebody, giving rights, and a right that is taken away are different things."""
    text = text_of(permission(told, "user"))
    assert wanted in text
    assert unwanted not in text


def delegate(status: str) -> list[Row]:
    told = {"delegates": [{"delegateEmail": "bob@example.org", "verificationStatus": status}]}
    return judged(gmail_settings.decode_delegates(raw(told), asked("delegates")))


@pytest.mark.parametrize(("status", "waits"), [("accepted", False), ("pending", True)])
def test_a_delegate_in_gmail_is_told_by_status(status: str, *, waits: bool) -> None:
    """A delegate reads and sends, and the finding says where they have not accepted yet."""
    found = delegate(status)
    assert "a delegate in Gmail reads, sends and deletes mail" in text_of(found)
    assert ("they have not accepted yet" in text_of(found)) is waits
    assert {row.values["level"] for row in found} == {status}


@pytest.mark.parametrize("status", ["rejected", "expired"])
def test_a_delegate_who_refused_has_no_right(status: str) -> None:
    """There is nothing to judge of somebody who was asked and is none."""
    assert delegate(status) == []


@pytest.mark.parametrize(
    ("told", "values"),
    [
        ({"sendAsEmail": "team@example.org"}, ("team@example.org", "internal", None, None, None)),
        ({"sendAsEmail": "x@evil.example"}, ("x@evil.example", "external", None, None, None)),
        (
            {"sendAsEmail": "x@example.net", "verificationStatus": "pending"},
            ("x@example.net", "external", "example.org", None, None),
        ),
        (
            {"sendAsEmail": "alice@example.org", "isPrimary": True, "replyToAddress": "x@evil.example"},
            ("alice@example.org", "own", None, "x@evil.example", "external"),
        ),
        (
            {"sendAsEmail": "team@example.org", "verificationStatus": "accepted", "replyToAddress": "a@example.org",
             "smtpMsa": {"host": "smtp.evil.example"}},
            ("team@example.org", "internal", None, "a@example.org", "internal"),
        ),
    ],
)  # fmt: skip
def test_an_address_to_send_as_is_classed(told: dict[str, Any], values: tuple[str | None, ...]) -> None:
    """Whose the address is, what it passes for, and where answers go."""
    row = sender(**told)
    names = ("address", "address_class", "address_like", "reply_to", "reply_class")
    assert tuple(row.values[name] for name in names) == values


def test_a_sender_is_told_in_words() -> None:
    """A domain like ours is said to be like ours, and answers outside are said to go there."""
    like = sender(sendAsEmail="x@example.net", replyToAddress="y@evil.example")
    assert "x@example.net passes for an address at example.org, and is none" in like.sentences
    assert any("answers go to y@evil.example, which is neither" in one for one in like.sentences)


def test_addresses_that_mail_may_be_forwarded_to_are_one_subject() -> None:
    """Each address is a row with its own class; together they are one finding, which changes with them."""
    told = {
        "forwardingAddresses": [
            {"forwardingEmail": "x@evil.example", "verificationStatus": "accepted"},
            {"forwardingEmail": "bob@example.org"},
        ]
    }
    found = judged(gmail_settings.decode_forwarding_addresses(raw(told), asked("forwarding")))
    assert [row.values["address_class"] for row in found] == ["external", "internal"]
    assert {row.subject for row in found} == {("setting", "forwarding_address")}
    assert found[0].facts != found[1].facts


def test_a_setting_without_addresses_has_none() -> None:
    """An address in the value of another setting is no address of the account's."""
    (row,) = judged(iter([asked("x").setting("odd", "x@evil.example, answers to y@evil.example")]))
    assert row.values["address"] is None
    assert row.values["reply_to"] is None
    assert row.sentences == ("the setting odd is x@evil.example, answers to y@evil.example",)
