"""Message rules of Graph into mail flows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from postwarden.formats.asked import Asked
from postwarden.formats.graph_json.rules import decode_rules
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Effect, Not, Test
from postwarden.model.reading import Gap, Item, Observed
from postwarden.model.scope import account_scope

ASKED = Asked(
    scope=account_scope("login:a"),
    source="m365",
    check="inbox_rules",
    observed=datetime(2026, 11, 23, tzinfo=UTC),
)
DELETE = {"delete": True}


def somebody(address: str, name: str = "") -> dict[str, Any]:
    return {"emailAddress": {"name": name or address, "address": address}}


def decode(*rules: dict[str, Any]) -> list[Item]:
    whole = [{"id": str(number), "displayName": f"r{number}", **rule} for number, rule in enumerate(rules)]
    return list(decode_rules(json.dumps({"value": whole}).encode(), ASKED))


def flow(**rule: Any) -> MailFlow:
    (item,) = decode(rule)
    assert isinstance(item, Observed)
    assert isinstance(item.evidence, MailFlow)
    return item.evidence


def other(text: str) -> Test:
    return Test(field="other", operator="other", values=(text,))


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, EVERYTHING),
        (None, EVERYTHING),
        ({"subjectContains": None}, EVERYTHING),
        ({"subjectContains": []}, EVERYTHING),
        ({"@odata.type": "#x"}, EVERYTHING),
        ({"subjectContains": ["a", "b"]}, Test(field="subject", operator="contains", values=("a", "b"))),
        ({"bodyContains": ["a"]}, Test(field="body", operator="contains", values=("a",))),
        ({"headerContains": ["a"]}, Test(field="header:*", operator="contains", values=("a",))),
        ({"senderContains": ["a"]}, Test(field="from", operator="contains", values=("a",))),
        (
            {"recipientContains": ["a"]},
            AnyOf(parts=tuple(Test(field=one, operator="contains", values=("a",)) for one in ("to", "cc"))),
        ),
        (
            {"bodyOrSubjectContains": ["a"]},
            AnyOf(
                parts=tuple(
                    Test(field=one, operator="contains", values=("a",)) for one in ("subject", "body")
                )
            ),
        ),
        (
            {"fromAddresses": [somebody("x@y.example")]},
            Test(field="from", operator="is", values=("x@y.example",)),
        ),
        (
            {"sentToAddresses": [somebody("x@y.example")]},
            AnyOf(
                parts=tuple(Test(field=one, operator="is", values=("x@y.example",)) for one in ("to", "cc"))
            ),
        ),
        ({"categories": ["red"]}, other("category is red")),
        ({"importance": "high"}, other("importance is high")),
        ({"sensitivity": "private"}, other("sensitivity is private")),
        ({"messageActionFlag": "call"}, other("flagged for call")),
        ({"hasAttachments": True}, other("has attachments")),
        ({"hasAttachments": False}, EVERYTHING),
        ({"isAutomaticForward": True}, other("automatic forward")),
        ({"sentToMe": True}, other("sent to me")),
        ({"notSentToMe": True}, other("not sent to me")),
        ({"isNonDeliveryReport": True}, other("non delivery report")),
        (
            {"withinSizeRange": {"minimumSize": 10, "maximumSize": 20}},
            All(
                parts=(
                    Test(field="size", operator="over", values=("10239",)),
                    Test(field="size", operator="under", values=("20481",)),
                )
            ),
        ),
        ({"withinSizeRange": {"minimumSize": 0, "maximumSize": None}}, EVERYTHING),
        ({"withinSizeRange": {}}, EVERYTHING),
    ],
)
def test_each_predicate_is_a_condition(conditions: Any, expected: object) -> None:
    """All that a rule can ask is told in the normal form; what is not set asks nothing."""
    assert flow(conditions=conditions, actions=DELETE).paths[0].condition == expected


def test_every_predicate_of_the_description_is_known() -> None:
    """None of the published predicates and actions is unknown to us."""
    texts = (
        "bodyContains", "bodyOrSubjectContains", "categories", "headerContains", "recipientContains", "senderContains",
        "subjectContains",
    )  # fmt: skip
    flags = (
        "hasAttachments", "isApprovalRequest", "isAutomaticForward", "isAutomaticReply", "isEncrypted",
        "isMeetingRequest", "isMeetingResponse", "isNonDeliveryReport", "isPermissionControlled", "isReadReceipt",
        "isSigned", "isVoicemail", "notSentToMe", "sentCcMe", "sentOnlyToMe", "sentToMe", "sentToOrCcMe",
    )  # fmt: skip
    words = {
        **{word: ["x"] for word in texts},
        **{word: [somebody("x@y.example")] for word in ("fromAddresses", "sentToAddresses")},
        **dict.fromkeys(("importance", "messageActionFlag", "sensitivity"), "x"),
        **dict.fromkeys(flags, True),
        "withinSizeRange": {"minimumSize": 1, "maximumSize": 2},
    }
    actions = {
        "assignCategories": ["x"], "copyToFolder": "x", "delete": True, "forwardAsAttachmentTo": [somebody("a@b.example")],
        "forwardTo": [somebody("a@b.example")], "markAsRead": True, "markImportance": "low", "moveToFolder": "x",
        "permanentDelete": True, "redirectTo": [somebody("a@b.example")], "stopProcessingRules": True,
    }  # fmt: skip
    found = decode({"conditions": words, "exceptions": words, "actions": actions})
    assert [item for item in found if isinstance(item, Gap)] == []


@pytest.mark.parametrize(
    ("actions", "effects"),
    [
        ({"forwardTo": [somebody("a@b.example")]}, [Effect(what="forward", target="a@b.example")]),
        (
            {"forwardAsAttachmentTo": [somebody("a@b.example")]},
            [Effect(what="forward_as_attachment", target="a@b.example")],
        ),
        ({"redirectTo": [somebody("a@b.example")]}, [Effect(what="redirect", target="a@b.example")]),
        (
            {"redirectTo": [{"emailAddress": {"name": "Kim"}}]},
            [Effect(what="redirect", target="Kim", resolved=False)],
        ),
        ({"redirectTo": [{}]}, [Effect(what="redirect", target=None, resolved=False)]),
        ({"moveToFolder": "AAMk="}, [Effect(what="move", target="AAMk=", resolved=False, folder_id="AAMk=")]),
        ({"delete": True}, [Effect(what="delete")]),
        ({"delete": False}, []),
        ({"permanentDelete": True}, [Effect(what="delete", permanent=True)]),
        ({"markAsRead": True}, [Effect(what="mark_read")]),
        ({"stopProcessingRules": True}, [Effect(what="stop")]),
        ({"assignCategories": ["red"]}, [Effect(what="label", target="category red")]),
        ({"markImportance": "high"}, [Effect(what="label", target="importance high")]),
        (None, []),
    ],
)
def test_each_action_is_an_effect(actions: Any, effects: list[Effect]) -> None:
    """All that a rule can do is told; what is switched off is not."""
    paths = flow(actions=actions).paths
    assert [effect for path in paths for effect in path.effects] == effects


def test_exceptions_and_contradictions() -> None:
    """None of the exceptions may hold; what can never hold is not reachable."""
    made = flow(exceptions={"subjectContains": ["a"]}, actions=DELETE).paths[0]
    assert made.condition == Not(part=Test(field="subject", operator="contains", values=("a",)))
    never = flow(exceptions={"withinSizeRange": {"minimumSize": 0}}, actions=DELETE).paths[0]
    assert (never.condition, never.reachable) == (NOTHING, False)


def test_a_rule_is_told_with_its_state() -> None:
    """Order, whether it is on, and what is odd about it; one that does not say is taken for one that runs."""
    made = flow(sequence=3, isEnabled=False, hasError=True, displayName="", actions=DELETE)
    assert (made.order, made.enabled) == (3, False)
    assert made.flaws == ("the rule has no name", "the server has the rule in error")
    assert flow(actions=DELETE).enabled
    assert flow(actions=DELETE, sequence=-5).order == 0


@pytest.mark.parametrize(
    ("rule", "known"),
    [
        ({"conditions": {"isSummoned": True}, "actions": DELETE}, 1),
        ({"exceptions": {"isSummoned": True}, "actions": DELETE}, 1),
        ({"actions": {"teleport": True}}, 1),
        ({"conditions": {"subjectContains": "text"}, "actions": DELETE}, 0),
        ({"actions": {"forwardTo": "x@y.example"}}, 0),
        ({"actions": []}, 0),
        ({"id": 5}, 0),
        ({"isEnabled": "yes"}, 0),
    ],
)
def test_what_is_not_understood_is_a_gap(rule: dict[str, Any], known: int) -> None:
    """A new word leaves a gap beside the rule, another form a gap in its place; the other rules are read."""
    found = decode(rule, {"actions": DELETE})
    flows = [item for item in found if isinstance(item, Observed)]
    gaps = [item for item in found if isinstance(item, Gap)]
    assert len(flows) == 1 + known
    assert len(gaps) == 1
    assert gaps[0].part


def test_a_list_that_goes_on_is_not_taken_for_all() -> None:
    """A page that leads on leaves a gap."""
    raw = json.dumps({"value": [], "@odata.nextLink": "https://x"}).encode()
    assert [type(item) for item in decode_rules(raw, ASKED)] == [Gap]


def test_a_rule_that_is_listed_twice_is_told_once() -> None:
    """What a page repeats word for word is one rule; another that differs in anything is another."""
    once = {"id": "1", "displayName": "r", "actions": DELETE}
    assert len(decode(once, once, {**once, "id": "2"})) == 2
