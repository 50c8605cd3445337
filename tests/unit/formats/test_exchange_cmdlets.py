"""What Exchange's cmdlets write into evidence: hidden rules, forwarding, rights, roles."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets import mailboxes, rules
from postwarden.formats.exchange_cmdlets.answer import recipient
from postwarden.formats.exchange_cmdlets.roles import read_assignment
from postwarden.formats.json_text import JsonError
from postwarden.model.evidence import Delegation, Evidence, MailFlow
from postwarden.model.mailflow import All, Effect, Test
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

ASKED = Asked(
    scope=account_scope("login:a"),
    source="m365",
    check="hidden_rules",
    observed=datetime(2026, 11, 23, tzinfo=UTC),
)
#: A mailbox that does not forward.
NOWHERE: dict[str, Any] = {"ForwardingAddress": None, "ForwardingSmtpAddress": None}


def raw(**told: Any) -> bytes:
    return json.dumps(told).encode()


def evidence(items: Sequence[Item]) -> list[Evidence]:
    return [item.evidence for item in items if isinstance(item, Observed)]


def flow(**rule: Any) -> MailFlow:
    (made,) = evidence(list(rules.read_rules([raw(Name="r", RuleIdentity=1, **rule)], ASKED)))
    assert isinstance(made, MailFlow)
    return made


@pytest.mark.parametrize(
    ("rule", "effects"),
    [
        ({"RedirectTo": ['"X" [SMTP:x@y.example]']}, [Effect(what="redirect", target="x@y.example")]),
        ({"ForwardTo": '"X" [SMTP:x@y.example]'}, [Effect(what="forward", target="x@y.example")]),
        (
            {"ForwardAsAttachmentTo": ['"X" [EX:/o=a/cn=x]']},
            [Effect(what="forward_as_attachment", target="/o=a/cn=x", resolved=False)],
        ),
        ({"MoveToFolder": "RSS Feeds"}, [Effect(what="move", target="RSS Feeds", resolved=False)]),
        ({"DeleteMessage": True}, [Effect(what="delete")]),
        ({"DeleteMessage": False, "MarkAsRead": True}, [Effect(what="mark_read")]),
        ({"ApplyCategory": ["red"]}, [Effect(what="label", target="category red")]),
        ({}, []),
    ],
)
def test_each_action_is_an_effect(rule: dict[str, Any], effects: list[Effect]) -> None:
    """Recipients as cmdlets write them, folders by name, and flags that are set."""
    assert [effect for path in flow(**rule).paths for effect in path.effects] == effects


def test_conditions_are_told() -> None:
    """Words and people are tests, exceptions are none of them, and what is not known stays by its text."""
    made = flow(DeleteMessage=True, SubjectContainsWords=["a"], From=['"X" [SMTP:x@y.example]'], Strange="5")
    condition = made.paths[0].condition
    assert isinstance(condition, All)
    text = str(condition)
    assert "'a'" in text
    assert "x@y.example" in text
    assert Test(field="other", operator="other", values=('Strange "5"',)) in condition.parts
    assert "Not" in str(flow(DeleteMessage=True, ExceptIfSubjectContainsWords=["a"]).paths[0].condition)


def listed(name: str, target: str) -> MailFlow:
    return MailFlow(
        scope=ASKED.scope, source="m365", check="inbox_rules", observed=ASKED.observed, origin="inbox_rule", key=name,
        name=name, enabled=True, paths=flow(RedirectTo=[f'"X" [SMTP:{target}]']).paths,
    )  # fmt: skip


def test_hidden_is_what_no_listed_rule_accounts_for() -> None:
    """A rule with the name of a listed one hides no better: the one that does something else is left."""
    written = [
        raw(Name="news", RuleIdentity=1, RedirectTo=['"X" [SMTP:evil@y.example]']),
        raw(Name="news", RuleIdentity=2, RedirectTo=['"X" [SMTP:good@y.example]']),
        raw(Name="", RuleIdentity=3, DeleteMessage=True),
        raw(Name="moved", RuleIdentity=4, MoveToFolder="x"),
    ]
    known = [
        listed("news", "good@y.example"),
        listed("moved", "elsewhere@y.example"),
        listed("", "x@y.example"),
    ]
    found = evidence(list(rules.hidden(rules.read_rules(written, ASKED), known)))
    assert [one.key for one in found if isinstance(one, MailFlow)] == ["cmdlet:1", "cmdlet:3"]
    assert all(one.hidden for one in found if isinstance(one, MailFlow))


def test_a_rule_that_cannot_be_read_is_a_gap() -> None:
    """It stays a gap among the hidden ones."""
    found = list(rules.hidden(rules.read_rules([raw(Name=5), b"[]"], ASKED), []))
    assert [type(one) for one in found] == [Gap, Gap]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, []),
        ({"ForwardingSmtpAddress": "smtp:x@y.example"}, [("ForwardingSmtpAddress", "x@y.example", False)]),
        (
            {"ForwardingSmtpAddress": "smtp:x@y.example", "DeliverToMailboxAndForward": True},
            [("ForwardingSmtpAddress", "x@y.example", True)],
        ),
        ({"ForwardingAddress": "Kim Doe"}, [("ForwardingAddress", "Kim Doe", False)]),
    ],
)
def test_forwarding_of_the_mailbox_is_a_flow(
    told: dict[str, Any], expected: list[tuple[str, str, bool]]
) -> None:
    """Where to, and whether the owner keeps a copy; a directory's name is not resolved."""
    found = [
        one
        for one in evidence(list(mailboxes.read_mailbox([raw(**NOWHERE | told)], ASKED)))
        if isinstance(one, MailFlow)
    ]
    assert [(one.key, one.paths[0].effects[0].target, one.paths[0].keeps_copy) for one in found] == expected


@pytest.mark.parametrize(
    "told", [[], [NOWHERE, NOWHERE], [{}], [{"ForwardingAddress": None}], [{"ForwardingSmtpAddress": None}]]
)
def test_what_does_not_tell_of_forwarding_is_no_answer(told: list[dict[str, Any]]) -> None:
    """No mailbox, two, or one without the properties that forwarding stands in does not say that there is none."""
    with pytest.raises(JsonError):
        list(mailboxes.read_mailbox([raw(**one) for one in told], ASKED))


def test_a_hidden_rule_does_not_pass_for_a_listed_one_of_its_name() -> None:
    """Where there are more of a name than are listed, all that does something else, or for other messages, is hidden."""
    mine = listed("A", "bob@y.example")
    evil = raw(Name="A", RuleIdentity=1, RedirectTo=['"X" [SMTP:evil@z.example]'])
    seen = raw(Name="A", RuleIdentity=2, ForwardTo=['"Bob" [EX:/o=corp/cn=bob]'])
    found = evidence(list(rules.hidden(rules.read_rules([evil, seen], ASKED), [mine])))
    assert "cmdlet:1" in {one.key for one in found if isinstance(one, MailFlow)}
    moving = [
        raw(Name="B", RuleIdentity=3, MoveToFolder="RSS Feeds"),
        raw(Name="B", RuleIdentity=4, MoveToFolder="News", SubjectContainsWords=["news"]),
    ]
    (narrow,) = evidence(list(rules.read_rules(moving[1:], ASKED)))
    assert isinstance(narrow, MailFlow)
    found = evidence(list(rules.hidden(rules.read_rules(moving, ASKED), [narrow])))
    assert [one.key for one in found if isinstance(one, MailFlow)] == ["cmdlet:3"]


def test_a_word_that_is_not_known_is_a_gap() -> None:
    """A rule does not look as if it did nothing, or picked nothing, because of a property that is new."""
    found = list(
        rules.read_rules([raw(Name="A", RuleIdentity=1, SendTextMessageNotificationTo=["x"])], ASKED)
    )
    assert [one.part for one in found if isinstance(one, Gap)] == ["rule A"]
    known = list(
        rules.read_rules([raw(Name="A", RuleIdentity=1, MyNameInToBox=True, MarkAsRead=True)], ASKED)
    )
    assert not [one for one in known if isinstance(one, Gap)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('"X Y" [SMTP:a@b.example]', ("a@b.example", True)),
        ('"X Y" [EX:/o=corp/cn=x]', ("/o=corp/cn=x", False)),
        ('"X Y" [EX:]', ("X Y", False)),
        ("SMTP:evil@x.example", ("evil@x.example", True)),
        ("smtp:evil@x.example", ("evil@x.example", True)),
        ("Kim Doe", ("Kim Doe", False)),
        ('" [" [SMTP:a@b.example]', ("a@b.example", True)),
        (" " * 100_000, ("", False)),
    ],
)
def test_people_as_cmdlets_write_them(text: str, wanted: tuple[str, bool]) -> None:
    """The address where there is one, also of a name full of blanks, which takes no time."""
    assert recipient(text) == wanted


def test_rights_of_others_are_delegations() -> None:
    """The owner's own and inherited ones are left out; denied ones are negative; gone accounts are orphans."""
    written = [
        raw(User="NT AUTHORITY\\SELF", AccessRights=["FullAccess"]),
        raw(User="x", AccessRights=["FullAccess"], IsInherited=True),
        raw(User="a@y.example", AccessRights=["FullAccess"], IsInherited=False, Deny=False),
        raw(User="b@y.example", AccessRights=["FullAccess"], Deny=True),
        raw(User="S-1-5-21-1-2-3", AccessRights=["FullAccess"]),
        raw(Trustee="c@y.example", AccessRights=["SendAs"], AccessControlType="Allow"),
        raw(User="d@y.example", AccessRights=["Levitate"]),
        raw(Trustee="e@y.example", AccessRights=["SendAs"], AccessControlType="Deny"),
    ]
    found = list(mailboxes.read_permissions(written, ASKED))
    told = [one for one in evidence(found) if isinstance(one, Delegation)]
    assert [(one.grantee, one.via, one.negative, one.grantee_kind) for one in told] == [
        ("a@y.example", "mailbox_permission", False, "user"),
        ("b@y.example", "mailbox_permission", True, "user"),
        ("S-1-5-21-1-2-3", "mailbox_permission", False, "orphan"),
        ("c@y.example", "recipient_permission", False, "user"),
        ("d@y.example", "mailbox_permission", False, "user"),
        ("e@y.example", "recipient_permission", True, "user"),
    ]
    assert told[3].rights == ("send_as",)
    assert [one.part for one in found if isinstance(one, Gap)] == ["d@y.example"]


def test_roles_of_applications_are_told_and_those_of_people_are_not() -> None:
    """Only what an application has, and what is switched on."""
    told = {"Role": "Application Mail.Read", "RoleAssignee": "app", "RoleAssigneeType": "ServicePrincipal"}
    found = read_assignment(raw(**told, CustomResourceScope="few"))
    assert found is not None
    assert (found.role, found.assignee, found.within) == ("Application Mail.Read", "app", "few")
    assert read_assignment(raw(**{**told, "RoleAssigneeType": "RoleGroup"})) is None
    assert read_assignment(raw(**told, Enabled=False)) is None


@pytest.mark.parametrize("kind", [{}, {"RoleAssigneeType": None}, {"RoleAssigneeType": ""}])
def test_a_role_whose_holder_is_not_told_apart_is_told(kind: dict[str, Any]) -> None:
    """A role is left out only where it is said to be of people, not where nothing is said."""
    found = read_assignment(raw(Role="Application Mail.Read", RoleAssignee="app", **kind))
    assert found is not None
    assert found.assignee == "app"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"Kim Doe" [SMTP:k@y.example]', ("k@y.example", True)),
        ("smtp:k@y.example", ("k@y.example", True)),
        ("k@y.example", ("k@y.example", True)),
        ('"Kim" [EX:/o=x/cn=k]', ("/o=x/cn=k", False)),
        ("Kim Doe", ("Kim Doe", False)),
    ],
)
def test_people_are_read_as_cmdlets_write_them(text: str, expected: tuple[str, bool]) -> None:
    """An address where there is one; a directory's name is none."""
    assert recipient(text) == expected
