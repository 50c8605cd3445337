"""Answers to GetInboxRules into mail flows."""

from collections.abc import Callable
from typing import Any

import pytest

from postwarden.formats.ews_xml import NamedFolder, decode_inbox_rules
from postwarden.model.evidence import MailFlow, Setting
from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Condition, Effect, Not, Test
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.conftest import Told
from tests.unit.formats.ews_xml.samples import addresses, rule, rules, strings

Tell = Callable[..., Told]


def flow_of(told: Tell, raw: bytes, **more: Any) -> MailFlow:
    (flow,) = told(decode_inbox_rules, raw, **more).of(MailFlow)
    assert isinstance(flow, MailFlow)
    return flow


def condition_of(told: Tell, conditions: str, exceptions: str = "") -> Condition:
    return flow_of(told, rules(rule(conditions=conditions, exceptions=exceptions))).paths[0].condition


def effects_of(told: Tell, actions: str, **more: Any) -> tuple[Effect, ...]:
    return flow_of(told, rules(rule(actions)), **more).paths[0].effects


def other(text: str) -> Test:
    return Test(field="other", operator="other", values=(text,))


def test_a_rule_is_one_flow_with_one_path(told: Tell) -> None:
    """A rule becomes an enabled flow under its id, with one path, and its own bytes as raw."""
    found = told(decode_inbox_rules, rules(rule(conditions=strings("ContainsSubjectStrings", "invoice"))))
    (flow,) = found.of(MailFlow)
    assert (flow.origin, flow.key, flow.name) == ("inbox_rule", "dCsAAABjzvA=", "Tidy")
    assert (flow.enabled, flow.hidden, flow.order, flow.flaws) == (True, False, 3, ())
    assert (flow.scope.key, flow.source, flow.check) == ("login:alice", "exchange", "the_check")
    (path,) = flow.paths
    assert path.condition == Test(field="subject", operator="contains", values=("invoice",))
    assert path.effects == (Effect(what="delete"),)
    assert (path.reachable, path.keeps_copy) == (True, False)
    assert found.raws[-1].startswith(b"<t:Rule ")
    assert found.gaps == []


def test_raw_bytes_do_not_change_from_answer_to_answer(told: Tell) -> None:
    """What is kept of a rule is the same whatever prefixes, change keys and headers an answer has."""
    move = '<t:MoveToFolder><t:FolderId Id="AAMk" ChangeKey="%s"/></t:MoveToFolder>'
    first = told(decode_inbox_rules, rules(rule(move % "AQ==")))
    second = told(
        decode_inbox_rules, rules(rule(move % "Ag==")).replace(b'MinorVersion="2"', b'MinorVersion="9"')
    )
    assert first.raws == second.raws != []


def test_every_condition_of_the_schema(told: Tell) -> None:
    """Each condition is told; those that the normal form has no word for keep their meaning as text."""
    condition = condition_of(told, samples.EVERY_CONDITION)
    assert isinstance(condition, All)
    assert condition.parts == (
        other("category is Red"),
        Test(field="body", operator="contains", values=("payment",)),
        Test(field="header:*", operator="contains", values=("X-Mark: 1",)),
        AnyOf(
            parts=(
                Test(field="to", operator="contains", values=("sales",)),
                Test(field="cc", operator="contains", values=("sales",)),
            )
        ),
        Test(field="from", operator="contains", values=("@partner.example",)),
        AnyOf(
            parts=(
                Test(field="subject", operator="contains", values=("bank",)),
                Test(field="body", operator="contains", values=("bank",)),
            )
        ),
        Test(field="subject", operator="contains", values=("invoice", "facture")),
        other("flagged for Reply"),
        Test(field="from", operator="is", values=("bob@partner.example",)),
        other("received by the connected account Other"),
        other("has attachments"),
        other("importance is High"),
        other("is approval request"),
        other("is automatic forward"),
        other("is automatic reply"),
        other("is encrypted"),
        other("is meeting request"),
        other("is meeting response"),
        other("is NDR"),
        other("is permission controlled"),
        other("is read receipt"),
        other("is signed"),
        other("is voicemail"),
        other("message class is IPM.Note"),
        other("classified as Secret"),
        other("not sent to me"),
        other("sent cc me"),
        other("sent only to me"),
        AnyOf(
            parts=(
                Test(field="to", operator="is", values=("team@example.org",)),
                Test(field="cc", operator="is", values=("team@example.org",)),
            )
        ),
        other("sent to me"),
        other("sent to or cc me"),
        other("sensitivity is Private"),
        other("received after 2026-01-01T00:00:00Z"),
        other("received before 2026-02-01T00:00:00Z"),
        Test(field="size", operator="over", values=("10239",)),
        Test(field="size", operator="under", values=("20481",)),
    )


def test_every_action_of_the_schema(told: Tell) -> None:
    """Each action is an effect, in the rule's order."""
    assert effects_of(told, samples.EVERY_ACTION) == (
        Effect(what="label", target="category Red"),
        Effect(what="label", target="category Blue"),
        Effect(what="copy_to_folder", target="AAMkCopy", resolved=False, folder_id="AAMkCopy"),
        Effect(what="delete"),
        Effect(what="forward_as_attachment", target="a@elsewhere.example"),
        Effect(what="forward", target="b@elsewhere.example"),
        Effect(what="forward", target="c@elsewhere.example"),
        Effect(what="label", target="importance Low"),
        Effect(what="mark_read"),
        Effect(what="move", target="\\Trash", distinguished="deleteditems"),
        Effect(what="delete", permanent=True),
        Effect(what="redirect", target="/o=Example/cn=contact", resolved=False),
        Effect(what="notify", target="tel:+15550100"),
        Effect(what="reply", target="template AAMkTemplate"),
        Effect(what="stop"),
    )


def test_exceptions_are_what_must_not_hold(told: Tell) -> None:
    """A message is let through by the exceptions when any of them holds."""
    condition = condition_of(
        told,
        strings("ContainsSubjectStrings", "invoice"),
        strings("ContainsBodyStrings", "party") + "<t:IsSigned>true</t:IsSigned>",
    )
    assert condition == All(
        parts=(
            Test(field="subject", operator="contains", values=("invoice",)),
            Not(
                part=AnyOf(
                    parts=(Test(field="body", operator="contains", values=("party",)), other("is signed"))
                )
            ),
        )
    )


@pytest.mark.parametrize(
    "conditions",
    [
        "",
        "<t:HasAttachments>false</t:HasAttachments>",
        "<t:ContainsSubjectStrings/>",
        "<t:FromAddresses/>",
        "<t:WithinSizeRange><t:MinimumSize>0</t:MinimumSize></t:WithinSizeRange>",
        "<t:WithinSizeRange/>",
        "<t:WithinDateRange/>",
    ],
)
def test_what_asks_nothing_is_every_message(told: Tell, conditions: str) -> None:
    """A rule without conditions, or with ones that every message meets, is for every message."""
    assert condition_of(told, conditions) == EVERYTHING


def test_an_exception_that_always_holds(told: Tell) -> None:
    """A rule whose exception holds for every message never fires."""
    always = "<t:WithinSizeRange><t:MinimumSize>0</t:MinimumSize></t:WithinSizeRange>"
    (path,) = flow_of(told, rules(rule(exceptions=always))).paths
    assert (path.condition, path.reachable) == (NOTHING, False)


def test_a_false_action_is_none(told: Tell) -> None:
    """Actions that are switched off within a rule are left out."""
    assert effects_of(told, "<t:Delete>false</t:Delete><t:MarkAsRead>1</t:MarkAsRead>") == (
        Effect(what="mark_read"),
    )


@pytest.mark.parametrize(
    ("actions", "kept"),
    [
        (addresses("RedirectToRecipients", "x@y.example"), True),
        ("<t:Delete>true</t:Delete>", False),
        ("<t:PermanentDelete>true</t:PermanentDelete>", False),
        ('<t:MoveToFolder><t:FolderId Id="A"/></t:MoveToFolder>', True),
        ('<t:CopyToFolder><t:FolderId Id="A"/></t:CopyToFolder><t:Delete>true</t:Delete>', True),
    ],
)
def test_whether_a_copy_stays(told: Tell, actions: str, kept: bool) -> None:
    """Exchange keeps what it forwards; only what is deleted, and not filed, is gone."""
    assert flow_of(told, rules(rule(actions))).paths[0].keeps_copy is kept


@pytest.mark.parametrize(
    ("folder", "effect"),
    [
        (
            NamedFolder(name="Gelöschte Elemente", distinguished="deleteditems", use="trash"),
            Effect(what="move", target="\\Trash", folder_id="AAMk", distinguished="deleteditems"),
        ),
        (
            NamedFolder(name="Posteingang", distinguished="inbox", use="inbox"),
            Effect(what="move", target="INBOX", folder_id="AAMk", distinguished="inbox"),
        ),
        (NamedFolder(name="RSS Feeds"), Effect(what="move", target="RSS Feeds", folder_id="AAMk")),
    ],
)
def test_folders_by_their_names(told: Tell, folder: NamedFolder, effect: Effect) -> None:
    """A folder's id becomes its special use, or its display name, where another answer told it."""
    move = '<t:MoveToFolder><t:FolderId Id="AAMk"/></t:MoveToFolder>'
    assert effects_of(told, move, folders={"AAMk": folder}) == (effect,)


def test_a_distinguished_folder_without_a_word_in_mail(told: Tell) -> None:
    """A folder that only the server has a word for keeps that word, and is not resolved."""
    move = '<t:MoveToFolder><t:DistinguishedFolderId Id="msgfolderroot"/></t:MoveToFolder>'
    word = "msgfolderroot"
    assert effects_of(told, move) == (Effect(what="move", target=word, resolved=False, distinguished=word),)


def test_a_recipient_without_an_address(told: Tell) -> None:
    """A recipient that is only a name, as of a private list, is not resolved."""
    listed = "<t:ForwardToRecipients><t:Address><t:Name>My List</t:Name></t:Address></t:ForwardToRecipients>"
    assert effects_of(told, listed) == (Effect(what="forward", target="My List", resolved=False),)


def test_rules_in_error_and_rules_that_are_not_shown(told: Tell) -> None:
    """A rule in error, or that the interface does not show in full, is a flow with flaws, and a gap beside it."""
    found = told(decode_inbox_rules, samples.TROUBLED_RULES)
    (flow,) = found.of(MailFlow)
    assert (flow.key, flow.enabled, flow.paths) == ("3:Broken", True, ())
    assert flow.flaws == (
        "the rule has no id",
        "the server has the rule in error",
        "the rule has parts that this interface does not show",
    )
    (gap,) = found.gaps
    assert (gap.reason, gap.part) == ("unsupported", 'rule "Broken"')


def test_conditions_and_actions_that_are_new(told: Tell) -> None:
    """What a later server may add is a gap that names it, and never makes a rule look wider than it is."""
    found = told(
        decode_inbox_rules,
        rules(
            rule(
                "<t:Teleport>true</t:Teleport><t:Delete>true</t:Delete>",
                conditions="<t:Moon>Full</t:Moon>",
                exceptions="<t:Tide>Low</t:Tide>",
            )
        ),
    )
    (flow,) = found.of(MailFlow)
    assert flow.paths[0].condition == All(
        parts=(other("Moon, which is not known"), Not(part=other("Tide, which is not known")))
    )
    assert flow.paths[0].effects == (Effect(what="delete"),)
    assert [gap.message for gap in found.gaps] == [
        "<Moon> is not known",
        "<Tide> is not known",
        "<Teleport> is not known",
    ]


@pytest.mark.parametrize(("blob", "value"), [("true", "present"), ("false", "absent")])
def test_rules_that_only_outlook_knows(told: Tell, blob: str, value: str) -> None:
    """Whether Outlook keeps rules of its own is a setting."""
    raw = rules(blob=f"<m:OutlookRuleBlobExists>{blob}</m:OutlookRuleBlobExists>")
    (setting,) = told(decode_inbox_rules, raw).of(Setting)
    assert (setting.name, setting.value) == ("outlook_rule_blob", value)


def test_no_rules_is_an_answer(told: Tell) -> None:
    """A successful answer without rules says that there are none, without a gap."""
    found = told(decode_inbox_rules, samples.NO_RULES)
    assert (found.of(MailFlow), found.gaps) == ([], [])


def test_a_refusal_is_never_no_rules(told: Tell) -> None:
    """An answer that is an error is a gap with Exchange's own word, and no evidence."""
    found = told(decode_inbox_rules, samples.RULES_REFUSED)
    assert found.evidence == []
    (gap,) = found.gaps
    assert (gap.reason, gap.message) == ("forbidden", "Exchange answered ErrorAccessDenied: It says no.")
    assert gap.hint


def test_folders_with_a_use_are_that_use(told: Tell) -> None:
    """A move into a folder that has a use says so, in any language; one that is only called alike keeps its name."""
    folders = {
        "AAMkFeeds": NamedFolder(name="RSS-Abonnements", use="rss"),
        "AAMkMine": NamedFolder(name="RSS Feeds"),
        "AAMkTalk": NamedFolder(
            name="Verlauf", distinguished="conversationhistory", use="conversation_history"
        ),
    }
    found = []
    for identifier in folders:
        move = f'<t:MoveToFolder><t:FolderId Id="{identifier}"/></t:MoveToFolder>'
        raw = rules(rule(move))
        (flow,) = told(decode_inbox_rules, raw, folders=folders).of(MailFlow)
        found += [(effect.target, effect.resolved) for effect in flow.paths[0].effects]
    assert found == [("\\Rss", True), ("RSS Feeds", True), ("\\Conversation-History", True)]
