"""Google's answers into evidence: people, events, tokens, filters and settings."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.formats.asked import Asked
from postwarden.formats.google_json import answer, gmail_settings
from postwarden.formats.google_json.activities import read_events, unread_events, unread_gap
from postwarden.formats.google_json.gmail_query import condition_of
from postwarden.formats.google_json.people import read_person
from postwarden.formats.google_json.tokens import read_app_passwords, read_tokens
from postwarden.formats.json_text import JsonError
from postwarden.model.evidence import Delegation, MailFlow, Setting
from postwarden.model.mailflow import EVERYTHING, All, AnyOf, Condition, Effect, Not, Test
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

ASKED = Asked(
    scope=account_scope("login:a"), source="workspace", check="x", observed=datetime(2026, 11, 23, tzinfo=UTC)
)


def raw(**told: Any) -> bytes:
    return json.dumps(told).encode()


def word(field: str, *values: str) -> Test:
    return Test(field=field, operator="contains", values=values)


def anywhere(text: str) -> Condition:
    return AnyOf(parts=(word("subject", text), word("body", text)))


def unread(text: str) -> Test:
    return Test(field="other", operator="other", values=(f"the search {text}",))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("invoice", anywhere("invoice")),
        ('"wire transfer"', anywhere("wire transfer")),
        ("subject:invoice", word("subject", "invoice")),
        ("from:a@b.example", word("from", "a@b.example")),
        ("to:x", AnyOf(parts=(word("to", "x"), word("cc", "x")))),
        ("subject:(a OR b)", AnyOf(parts=(word("subject", "a"), word("subject", "b")))),
        ("{from:a from:b}", AnyOf(parts=(word("from", "a"), word("from", "b")))),
        ("subject:a from:b", All(parts=(word("subject", "a"), word("from", "b")))),
        ("-subject:a", Not(part=word("subject", "a"))),
        ("subject:a|subject:b", AnyOf(parts=(word("subject", "a"), word("subject", "b")))),
        ("has:attachment", unread("has:attachment")),
        ("subject:a larger:5M", All(parts=(word("subject", "a"), unread("larger:5M")))),
        ("(a", unread("(a")),
        ("a)", unread("a)")),
        ("OR a", unread("OR a")),
        ("a OR", unread("a OR")),
        ('"open', unread('"open')),
        ("subject:", unread("subject:")),
        ("", unread("")),
        ("(" * 50 + "a" + ")" * 50, unread("(" * 50 + "a" + ")" * 50)),
    ],
)
def test_searches_are_read_as_far_as_they_can_be(query: str, expected: Condition) -> None:
    """Words, fields, alternatives and negations; whatever is not understood stays one test by its text."""
    assert condition_of(query) == expected


def items(decode: Callable[[bytes, Asked], Iterator[Item]], **told: Any) -> list[Item]:
    return list(decode(raw(**told), ASKED))


def flow(criteria: dict[str, Any] | None, action: dict[str, Any] | None) -> MailFlow:
    (item,) = items(
        gmail_settings.decode_filters, filter=[{"id": "f", "criteria": criteria, "action": action}]
    )
    assert isinstance(item, Observed)
    assert isinstance(item.evidence, MailFlow)
    return item.evidence


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        (None, EVERYTHING),
        ({}, EVERYTHING),
        ({"from": "a@b.example"}, word("from", "a@b.example")),
        ({"to": "x"}, AnyOf(parts=(word("to", "x"), word("cc", "x")))),
        ({"subject": "x"}, word("subject", "x")),
        ({"query": "x"}, anywhere("x")),
        ({"negatedQuery": "x"}, Not(part=anywhere("x"))),
        ({"hasAttachment": True}, Test(field="other", operator="other", values=("has attachments",))),
        ({"hasAttachment": False, "excludeChats": True}, EVERYTHING),
        ({"size": 10, "sizeComparison": "larger"}, Test(field="size", operator="over", values=("10",))),
        ({"size": 10, "sizeComparison": "smaller"}, Test(field="size", operator="under", values=("10",))),
        ({"size": 0, "sizeComparison": "larger"}, EVERYTHING),
        ({"size": 10}, EVERYTHING),
        ({"size": 10, "sizeComparison": "unspecified"}, EVERYTHING),
        (
            {"size": 10, "sizeComparison": "about"},
            Test(field="other", operator="other", values=("size about 10, which is not known",)),
        ),
    ],
)
def test_each_criterion_is_a_condition(criteria: dict[str, Any] | None, expected: Condition) -> None:
    """What is not asked is no test, and a size that everything has is none either."""
    assert flow(criteria, {"forward": "x@y.example"}).paths[0].condition == expected


@pytest.mark.parametrize(
    ("action", "effects", "keeps"),
    [
        ({"forward": "x@y.example"}, [Effect(what="redirect", target="x@y.example")], True),
        ({"addLabelIds": ["TRASH"]}, [Effect(what="delete")], False),
        ({"addLabelIds": ["TRASH"], "removeLabelIds": ["INBOX"]}, [Effect(what="delete")], False),
        ({"addLabelIds": ["SPAM"]}, [Effect(what="move", target="\\Junk")], True),
        ({"removeLabelIds": ["INBOX"]}, [Effect(what="move", target="\\All")], True),
        (
            {"addLabelIds": ["Label_1", "STARRED"], "removeLabelIds": ["INBOX"]},
            [
                Effect(what="move", target="Label_1", resolved=False, folder_id="Label_1"),
                Effect(what="label", target="label STARRED"),
            ],
            True,
        ),
        ({"removeLabelIds": ["UNREAD"]}, [Effect(what="mark_read")], True),
        ({"removeLabelIds": ["SPAM"]}, [Effect(what="label", target="without label SPAM")], True),
        ({"addLabelIds": ["Label_1"]}, [Effect(what="label", target="label Label_1")], True),
    ],
)
def test_each_action_is_an_effect(action: dict[str, Any], effects: list[Effect], keeps: bool) -> None:
    """Labels are what Gmail has for folders: without the inbox' the message is gone from there."""
    path = flow({"from": "a"}, action).paths[0]
    assert (list(path.effects), path.keeps_copy) == (effects, keeps)


@pytest.mark.parametrize(
    ("disposition", "kinds", "keeps"),
    [
        ("leaveInInbox", ["redirect"], True),
        ("archive", ["redirect", "move"], True),
        ("markRead", ["redirect", "mark_read"], True),
        ("trash", ["redirect", "delete"], False),
        ("vanish", ["redirect"], None),
    ],
)
def test_forwarding_says_what_becomes_of_the_copy(
    disposition: str, kinds: list[str], keeps: bool | None
) -> None:
    """Kept, archived, read or thrown away; a new word for it is a gap."""
    found = items(
        gmail_settings.decode_forwarding, enabled=True, emailAddress="x@y.example", disposition=disposition
    )
    (made,) = [item.evidence for item in found if isinstance(item, Observed)]
    assert isinstance(made, MailFlow)
    assert ([effect.what for effect in made.paths[0].effects], made.paths[0].keeps_copy) == (kinds, keeps)
    assert bool([item for item in found if isinstance(item, Gap)]) is (keeps is None)


def test_forwarding_that_is_off_is_told_where_it_has_an_address() -> None:
    """Prepared and switched off is inventory; nothing at all is nothing."""
    assert items(gmail_settings.decode_forwarding) == []
    (item,) = items(gmail_settings.decode_forwarding, emailAddress="x@y.example", disposition="trash")
    assert isinstance(item, Observed)
    assert isinstance(item.evidence, MailFlow)
    assert not item.evidence.enabled


def test_delegates_have_rights_unless_they_declined() -> None:
    """Pending ones may accept at any time; who rejected, or was too late, has none."""
    listed = [
        {"delegateEmail": f"{one}@x.example", "verificationStatus": one}
        for one in ("accepted", "pending", "rejected", "expired")
    ]
    found = [
        item.evidence
        for item in items(gmail_settings.decode_delegates, delegates=listed)
        if isinstance(item, Observed)
    ]
    assert [bool(one.rights) for one in found if isinstance(one, Delegation)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("sender", "value"),
    [
        ({"sendAsEmail": "a@x.example", "isPrimary": True}, None),
        ({"sendAsEmail": "b@x.example", "verificationStatus": "accepted"}, "b@x.example, accepted"),
        (
            {"sendAsEmail": "a@x.example", "isPrimary": True, "replyToAddress": "z@evil.example"},
            "a@x.example, answers to z@evil.example",
        ),
        (
            {"sendAsEmail": "b@x.example", "smtpMsa": {"host": "smtp.evil.example"}},
            "b@x.example, through smtp.evil.example",
        ),
    ],
)
def test_other_senders_are_settings(sender: dict[str, Any], value: str | None) -> None:
    """Each further sender, and an own address whose answers go elsewhere; the plain own one says nothing."""
    found = items(gmail_settings.decode_send_as, sendAs=[sender])
    values = [
        one.evidence.value for one in found if isinstance(one, Observed) and isinstance(one.evidence, Setting)
    ]
    assert values == ([value] if value else [])


@pytest.mark.parametrize(
    ("decode", "told", "value"),
    [
        (gmail_settings.decode_imap, {"enabled": True}, "on"),
        (gmail_settings.decode_imap, {}, "off"),
        (gmail_settings.decode_pop, {"accessWindow": "disabled"}, "off"),
        (gmail_settings.decode_pop, {"accessWindow": "allMail"}, "on for all mail"),
        (gmail_settings.decode_pop, {"accessWindow": "fromNowOn"}, "on for new mail"),
        (gmail_settings.decode_pop, {}, "accessWindowUnspecified"),
    ],
)
def test_old_protocols_are_on_or_off(decode: Any, told: dict[str, Any], value: str) -> None:
    """What Google leaves out is off for IMAP, and not told for POP."""
    (item,) = items(decode, **told)
    assert isinstance(item, Observed)
    assert isinstance(item.evidence, Setting)
    assert item.evidence.value == value


def event(name: str, *parameters: dict[str, Any], **more: Any) -> bytes:
    told = {
        "id": {"time": "2026-11-20T10:00:00.000Z"},
        "actor": {"email": "A@x.example", "profileId": "7"},
        "events": [{"type": "auth", "name": name, "parameters": parameters}],
    }
    return raw(**{**told, **more})


def test_an_event_names_client_scopes_and_who_did_it() -> None:
    """Scopes are a list in one log and one text in the other; what names no client is no event that can be told."""
    (found,) = read_events(
        event(
            "authorize", {"name": "client_id", "value": "c"}, {"name": "app_name", "value": "App"},
            {"name": "scope", "multiValue": ["s1", "s2"]},
        )
    )  # fmt: skip
    assert (found.client, found.client_name, found.scopes) == ("c", "App", ("s1", "s2"))
    assert (found.person, found.author) == ("7", "a@x.example")
    (wide,) = read_events(
        event(
            "AUTHORIZE_API_CLIENT_ACCESS", {"name": "API_CLIENT_NAME", "value": "1"},
            {"name": "API_SCOPES", "value": "s1,s2, s3"},
        )
    )  # fmt: skip
    assert (wide.client, wide.scopes) == ("1", ("s1", "s2", "s3"))
    assert read_events(event("authorize")) == ()
    assert read_events(raw(id={"time": "2026-11-20T10:00:00Z"})) == ()
    with pytest.raises(JsonError):
        read_events(event("authorize", id={"time": "soon"}))


def test_an_event_that_names_its_client_otherwise_is_a_gap() -> None:
    """Somebody let something in, and we do not see what: that is told, and what is no consent of a client is not."""
    for name in (
        "authorize", "revoke", "activity", "AUTHORIZE_API_CLIENT_ACCESS", "REMOVE_API_CLIENT_ACCESS",
    ):  # fmt: skip
        assert unread_events(event(name, {"name": "client_identifier", "value": "c"})) == (name,)
    gap = unread_gap("authorize", 3, ASKED)
    assert (gap.reason, gap.part) == ("unsupported", "authorize")
    assert gap.message.startswith("3 of these events")
    assert gap.hint
    assert unread_events(event("authorize", {"name": "client_id", "value": "c"})) == ()
    assert unread_events(event("CHANGE_TWO_STEP_VERIFICATION")) == ()
    assert unread_events(raw(id={"time": "2026-11-20T10:00:00Z"})) == ()


def test_tokens_and_app_passwords_have_what_google_says() -> None:
    """Tokens have no date; app passwords have, in seconds or in milliseconds, and 0 is never."""
    ((token, _),) = read_tokens(raw(items=[{"clientId": "c", "displayText": "App", "scopes": ["s"]}]))
    assert (token.client_id, token.scopes) == ("c", ("s",))
    assert read_tokens(raw(kind="x")) == ()
    listed = [
        {"codeId": 1, "name": "a", "creationTime": "1763640000", "lastTimeUsed": "0"},
        {"codeId": 2, "name": "b", "creationTime": "1763640000000", "lastTimeUsed": "1763640000000"},
        {"codeId": 3, "creationTime": "9" * 30},
        {"codeId": 4, "creationTime": "x"},
    ]
    found = [one for one, _ in read_app_passwords(raw(items=listed))]
    assert found[0].created == found[1].created
    assert found[0].created is not None
    assert (found[0].created.time.year, found[0].used) == (2025, None)
    assert found[1].used is not None
    assert (found[2].created, found[3].created) == (None, None)


def test_a_person_has_all_addresses() -> None:
    """Aliases, those that Google makes too, each once."""
    found = read_person(
        raw(id="1", primaryEmail="A@x.example", aliases=["b@x.example"], nonEditableAliases=["a@x.example.test"],
            name={"fullName": "A"})
    )  # fmt: skip
    assert found.addresses == ("a@x.example", "b@x.example", "a@x.example.test")
    assert found.account.key == "google:1"


@pytest.mark.parametrize(
    ("told", "enabled", "has_mail"),
    [
        ({}, True, True),
        ({"suspended": False, "archived": False, "isMailboxSetup": True}, True, True),
        ({"suspended": True}, False, True),
        ({"archived": True}, False, True),
        ({"isMailboxSetup": False}, True, False),
    ],
)
def test_a_person_may_log_in_and_has_mail_unless_google_says_otherwise(
    told: dict[str, Any], enabled: bool, has_mail: bool
) -> None:
    """A suspended or archived one may not log in; only who is said to have no mailbox has none."""
    found = read_person(raw(id="1", primaryEmail="a@x.example", **told))
    assert (found.enabled, found.has_mail) == (enabled, has_mail)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            raw(error={"errors": [{"reason": "quotaExceeded"}], "status": "PERMISSION_DENIED"}),
            ("quotaExceeded", "PERMISSION_DENIED"),
        ),
        (raw(error={"errors": [{"reason": "<b>"}]}), ()),
        (raw(error="invalid_grant"), ()),
        (b"x", ()),
    ],
)
def test_an_error_has_reasons_or_none(body: bytes, words: tuple[str, ...]) -> None:
    """Google's words are taken where they are some."""
    assert answer.reasons(body) == words


@pytest.mark.parametrize(
    "filtered",
    [{"id": 5}, {"id": "f", "criteria": {"from": 5}}, {"id": "f", "action": {"addLabelIds": "TRASH"}}, "x"],
)
def test_a_filter_that_cannot_be_read_is_a_gap(filtered: Any) -> None:
    """The others are read."""
    sound = {"id": "g", "criteria": {"from": "a"}, "action": {"forward": "x@y.example"}}
    found = items(gmail_settings.decode_filters, filter=[filtered, sound])
    assert [type(item) for item in found] == [Gap, Observed]
