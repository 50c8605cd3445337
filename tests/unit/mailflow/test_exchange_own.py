"""Exchange's own hidden rules, and those that borrow their labels."""

from collections.abc import Callable
from typing import Any

import pytest

from postwarden.mailflow.exchange_own import is_exchange_own, is_kept_back, is_known_provider
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import EVERYTHING, All, AnyOf, Condition, Effect, EffectKind, Not, Path, Test

MakeRule = Callable[..., MailFlow]

JUNK = {"provider": "JunkEmailRule", "name": "Junk E-mail Rule"}
AWAY = {
    "provider": "Microsoft Exchange OOF Assistant",
    "name": "Microsoft.Exchange.OOF.AllExternalSenders.Global",
}
OLD_AWAY = {"provider": "MSFT:TDX OOF Rules74DD310AFA51594E", "name": "whatever"}
DELEGATES = {"provider": "Schedule+ EMS Interface", "name": ""}
SPAM = AnyOf(
    parts=(
        Test(field="sender", operator="is", values=("spam@shop.example",)),
        Test(field="other", operator="other", values=("property 0x4076 is at least 4",)),
    )
)
#: An address has it, whoever it is of.
EVERYBODY = Test(field="from", operator="contains", values=("@",))
WORDS = Test(field="subject", operator="contains", values=("invoice",))
MEETING = All(
    parts=(
        Test(field="other", operator="other", values=("message class matches IPM.Schedule.Meeting*",)),
        Test(field="other", operator="other", values=("sensitivity is other than 2",)),
    )
)
BEFORE_MEETINGS = Test(
    field="other", operator="other", values=("message class is less than IPM.Schedule.Meeting",)
)


def does(*kinds: EffectKind, when: Condition = EVERYTHING) -> dict[str, Any]:
    return {"paths": (Path(condition=when, effects=tuple(Effect(what=kind) for kind in kinds)),)}


@pytest.mark.parametrize(
    ("fields", "classes", "own"),
    [
        ({**JUNK, **does("move", "label", "stop", when=SPAM)}, (), True),
        ({**JUNK, "name": "JUNK E-MAIL RULE", **does("move", when=SPAM)}, (), True),
        ({**JUNK, **does("move", "redirect", when=SPAM)}, ("external",), False),
        ({**JUNK, **does("move", "label")}, (), False),
        ({**JUNK, **does("move", when=WORDS)}, (), False),
        ({**JUNK, **does("move", when=Test(field="from", operator="contains", values=("@",)))}, (), False),
        ({**JUNK, **does("delete", when=SPAM)}, (), False),
        ({**JUNK, "name": "Tidy", **does("move", when=SPAM)}, (), False),
        ({**JUNK, "paths": ()}, (), None),
        ({**AWAY, **does("reply")}, (), True),
        ({**AWAY, "name": "Tidy", **does("reply")}, (), False),
        ({**AWAY, **does("reply", "forward")}, ("internal",), False),
        ({**OLD_AWAY, **does("reply", "stop")}, (), True),
        ({**OLD_AWAY, **does("forward")}, ("external",), False),
        ({**DELEGATES, **does("redirect", when=MEETING)}, ("internal", "partner"), True),
        ({**DELEGATES, **does("redirect", "delete", when=MEETING)}, ("own",), True),
        ({**DELEGATES, "name": "Delegate Meetingrequest service", **does("redirect", when=MEETING)}, ("internal",), True),
        ({**DELEGATES, **does("redirect", when=MEETING)}, ("internal", "unresolved"), None),
        ({**DELEGATES, **does("redirect", when=MEETING)}, ("internal", "external"), False),
        ({**DELEGATES, **does("redirect")}, ("internal",), False),
        ({**DELEGATES, **does("redirect", when=AnyOf(parts=(MEETING, WORDS)))}, ("internal",), False),
        ({**DELEGATES, **does("redirect", when=BEFORE_MEETINGS)}, ("internal",), False),
        ({**DELEGATES, **does("redirect", when=Not(part=MEETING))}, ("internal",), False),
        ({**DELEGATES, "name": "Tidy", **does("redirect", when=MEETING)}, ("internal",), False),
        ({"provider": "RuleOrganizer", **does("mark_read")}, (), False),
        ({"provider": None, **does("mark_read")}, (), False),
        ({**AWAY, "origin": "inbox_rule", **does("reply")}, (), False),
    ],
)  # fmt: skip
def test_label_and_content(
    rule: MakeRule, fields: dict[str, Any], classes: tuple[str, ...], *, own: bool | None
) -> None:
    """A rule is Exchange's own by maker, name and what it does together; where the last is not known, maybe."""
    assert is_exchange_own(rule(**{"origin": "rule_item", **fields}), classes) is own


@pytest.mark.parametrize(
    ("provider", "known", "kept_back"),
    [
        ("RuleOrganizer", True, False),
        ("ruleorganizer2", True, False),
        ("ExchangeMailboxRules14", True, False),
        ("JunkEmailRule", True, True),
        ("Schedule+ EMS Interface", True, True),
        ("RuleTool", False, False),
        ("", False, False),
    ],
)
def test_makers(provider: str, *, known: bool, kept_back: bool) -> None:
    """Exchange's and Outlook's makers are known; the rules of some of them are never listed."""
    assert (is_known_provider(provider), is_kept_back(provider)) == (known, kept_back)


@pytest.mark.parametrize(
    ("label", "kind", "good", "bad"),
    [(JUNK, "move", SPAM, WORDS), (DELEGATES, "redirect", MEETING, WORDS)],
    ids=["junk", "delegates"],
)
def test_every_way_must_fit(
    rule: MakeRule, label: dict[str, Any], kind: EffectKind, good: Condition, bad: Condition
) -> None:
    """A rule that does on one way what its label says, and on another something else, is none of Exchange's."""
    ways = (*does(kind, when=good)["paths"], *does(kind, when=bad)["paths"])
    fields = {"origin": "rule_item", **label}
    assert is_exchange_own(rule(**fields, paths=ways[:1]), ("internal",)) is True
    assert is_exchange_own(rule(**fields, paths=ways), ("internal",)) is False


def test_every_class_must_be_one_of_meetings(rule: MakeRule) -> None:
    """A condition that ordinary messages meet as well is not about meetings."""
    classes = ("message class is IPM.Schedule.Meeting.Request", "message class is IPM.Note")
    either = Test(field="other", operator="other", values=classes)
    item = rule(**{"origin": "rule_item", **DELEGATES, **does("redirect", when=either)})
    assert is_exchange_own(item, ("internal",)) is False


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({"name": "Junk E-mail Rule", **does("move")}, None),
        ({"name": "Junk E-Mail Rule", **does("move", "label", "stop", when=SPAM)}, True),
        ({"name": "Junk E-mail Rule", **does("move", when=EVERYBODY)}, False),
        ({"name": "Junk E-mail Rule", **does("move", when=WORDS)}, False),
        ({"name": "Junk E-mail Rule", **does("move", "mark_read")}, False),
        ({"name": "Junk E-mail Rule", **does("redirect", when=SPAM)}, False),
        ({"name": "Junk E-mail Rule", "paths": ()}, None),
        ({"name": "Microsoft.Exchange.OOF.InternalSenders.Global", "paths": ()}, None),
        ({"name": "Microsoft.Exchange.OOF.InternalSenders.Global", **does("reply")}, True),
        ({"name": "Microsoft.Exchange.OOF.InternalSenders.Global", **does("move")}, False),
        ({"name": "Tidy", **does("move")}, False),
        ({"name": "Junk E-mail Rule", "hidden": False, **does("move")}, False),
    ],
)
def test_a_hidden_rule_as_a_cmdlet_tells_it(
    rule: MakeRule, fields: dict[str, Any], *, own: bool | None
) -> None:
    """A cmdlet does not tell who made a hidden rule: its name and what it does must fit."""
    assert is_exchange_own(rule(**{"hidden": True, **fields}), ()) is own
