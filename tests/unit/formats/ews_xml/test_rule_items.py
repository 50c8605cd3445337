"""Rules stored in associated items into mail flows."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from postwarden.formats.ews_xml import decode_inbox_rules, decode_rule_items
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import EVERYTHING, All, Effect, Test
from tests.unit.formats.ews_xml import samples
from tests.unit.formats.ews_xml.conftest import Told
from tests.unit.formats.ews_xml.samples import (
    FORWARDING,
    addresses,
    extended,
    item,
    items,
    labelled,
    rule,
    rules,
    stored_actions,
)

Tell = Callable[..., Told]
INVOICE = Test(field="subject", operator="contains", values=("invoice",))


def test_a_stored_rule(told: Tell) -> None:
    """An item that is a rule becomes a flow with what its properties say, and its times."""
    flow = told(decode_rule_items, samples.FOUND_ITEMS).of(MailFlow)[0]
    assert (flow.origin, flow.key, flow.name, flow.provider) == (
        "rule_item",
        "AAMkRule",
        "Tidy",
        "RuleOrganizer",
    )
    assert (flow.enabled, flow.hidden, flow.order, flow.flaws) == (True, False, 10, ())
    (path,) = flow.paths
    assert (path.condition, path.keeps_copy) == (INVOICE, True)
    assert path.effects == (Effect(what="forward", target="x@elsewhere.example"),)
    assert flow.created == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert flow.modified == datetime(2026, 10, 2, 6, tzinfo=UTC)
    assert flow.author == "Mallory"


def test_rules_without_a_name_or_provider_are_hidden(told: Tell) -> None:
    """A rule whose name and provider were emptied is hidden and says why; other items are passed over."""
    found = told(decode_rule_items, samples.RULE_ITEMS)
    shown, hidden = found.of(MailFlow)
    assert (shown.hidden, hidden.hidden, hidden.key) == (False, True, "AAMkHidden")
    assert hidden.flaws == ("the rule has no name", "the rule has no provider")
    assert hidden.paths[0].effects[0].target == "x@elsewhere.example"
    assert found.gaps == []


@pytest.mark.parametrize(("name", "provider"), [("", "RuleOrganizer"), ("Tidy", "")])
def test_one_of_the_two_is_enough(told: Tell, name: str, provider: str) -> None:
    """An emptied provider hides a rule from clients as an emptied name does."""
    (flow,) = told(decode_rule_items, items(item(labelled(name=name, provider=provider) + FORWARDING))).of(
        MailFlow
    )
    assert (flow.hidden, len(flow.flaws)) == (True, 1)


def test_a_name_that_nobody_can_see(told: Tell) -> None:
    """A name of spaces and characters without width is no name."""
    raw = items(item(labelled(name="\u200b \u2060") + FORWARDING))
    assert [flow.hidden for flow in told(decode_rule_items, raw).of(MailFlow)] == [True]


def listed(told: Tell, *targets: str) -> list[MailFlow]:
    """Listed rules called Tidy, one that forwards to each of the targets."""
    raw = rules(*(rule(addresses("ForwardToRecipients", target)) for target in targets))
    return told(decode_inbox_rules, raw).of(MailFlow)


def test_rules_that_were_not_listed_are_hidden(told: Tell) -> None:
    """Where it is known which rules Exchange lists, any other is hidden, whatever its name."""
    raw = items(item(labelled(name="Tidy") + FORWARDING), item(labelled(name="Other") + FORWARDING))
    found = told(decode_rule_items, raw, listed=listed(told, "x@elsewhere.example")).of(MailFlow)
    assert [(flow.name, flow.hidden) for flow in found] == [("Tidy", False), ("Other", True)]
    found = told(decode_rule_items, raw, listed=()).of(MailFlow)
    assert [flow.hidden for flow in found] == [True, True]


def test_a_hidden_rule_that_borrows_a_listed_ones_name(told: Tell) -> None:
    """A listed rule accounts for one item that does the same: another of its name, or one that does more, is hidden."""
    raw = items(item(labelled() + FORWARDING), item(labelled() + FORWARDING, identifier="AAMkTwin"))
    found = told(decode_rule_items, raw, listed=listed(told, "x@elsewhere.example")).of(MailFlow)
    assert sorted(flow.hidden for flow in found) == [False, True]
    found = told(decode_rule_items, raw, listed=listed(told, "bob@example.org")).of(MailFlow)
    assert [flow.hidden for flow in found] == [True, True]


def test_rules_that_exchange_keeps_to_itself_are_hidden(told: Tell) -> None:
    """A rule of the junk filter is never listed, so that one is hidden also where nothing is known about a list."""
    raw = items(item(labelled(name="Junk E-mail Rule", provider="JunkEmailRule") + FORWARDING))
    assert [flow.hidden for flow in told(decode_rule_items, raw).of(MailFlow)] == [True]


def test_gaps_stay_beside_hidden_rules(told: Tell) -> None:
    """What could not be read is told with a list as without one."""
    raw = items(item(labelled() + extended("0x0E99", b"\1\2\3", "Binary")))
    found = told(decode_rule_items, raw, listed=())
    assert ([flow.hidden for flow in found.of(MailFlow)], len(found.gaps)) == ([True], 1)


@pytest.mark.parametrize("tag", ["0xe99", "0x0E99", "0X0e99", "3737", "0x0E990102"])
def test_tags_are_numbers(told: Tell, tag: str) -> None:
    """A tag is the same however it is written."""
    raw = items(item(labelled() + extended(tag, stored_actions(), "Binary")))
    assert told(decode_rule_items, raw).of(MailFlow)[0].paths[0].effects == (
        Effect(what="delete", permanent=True),
    )


@pytest.mark.parametrize(
    ("state", "enabled", "flaws"),
    [
        (0, False, ()),
        (1, True, ()),
        (2, False, ("the server has the rule in error",)),
        (0x41, True, ("the server has the rule in error",)),
        (4, True, ()),
        (0x108, True, ()),
    ],
)
def test_states(told: Tell, state: int, enabled: bool, flaws: tuple[str, ...]) -> None:
    """The state says whether a rule is on, and whether the server gave it up."""
    flow = told(decode_rule_items, items(item(labelled(state=state) + FORWARDING))).of(MailFlow)[0]
    assert (flow.enabled, flow.flaws) == (enabled, flaws)


@pytest.mark.parametrize("state", [4, 12, 0x108])
def test_a_rule_for_the_time_away(told: Tell, state: int) -> None:
    """A rule that runs only while the automatic reply is on has that as a condition."""
    flow = told(decode_rule_items, items(item(labelled(state=state) + FORWARDING))).of(MailFlow)[0]
    away = Test(field="other", operator="other", values=("the automatic reply is on",))
    assert flow.paths[0].condition == All(parts=(INVOICE, away))


def test_a_rule_that_stops_the_others(told: Tell) -> None:
    """The flag to process no more rules is an effect."""
    flow = told(decode_rule_items, items(item(labelled(state=0x11) + FORWARDING))).of(MailFlow)[0]
    assert [effect.what for effect in flow.paths[0].effects] == ["forward", "stop"]


def test_a_rule_without_a_condition_is_for_every_message(told: Tell) -> None:
    """No condition is no restriction."""
    raw = items(item(labelled() + extended("0x0E99", stored_actions(), "Binary")))
    assert told(decode_rule_items, raw).of(MailFlow)[0].paths[0].condition == EVERYTHING


def test_the_standard_form(told: Tell) -> None:
    """Actions in the older property are read in their older form."""
    standard = b"\1\0\x09\0\x0b" + bytes(8)
    raw = items(item(labelled() + extended("0x65EF", standard, "Binary"), kind="IPM.Rule.Message"))
    assert told(decode_rule_items, raw).of(MailFlow)[0].paths[0].effects == (Effect(what="mark_read"),)


def test_both_forms_are_told(told: Tell) -> None:
    """A rule that has its actions twice shows the newer form, and that there is another."""
    both = extended("0x65EF", b"\1\0\x09\0\x0b" + bytes(8), "Binary") + extended(
        "0xe99", stored_actions(), "Binary"
    )
    flow = told(decode_rule_items, items(item(labelled() + both))).of(MailFlow)[0]
    assert [effect.what for effect in flow.paths[0].effects] == ["delete"]
    assert flow.flaws == ("the rule has its actions in two forms; the extended one is shown",)


@pytest.mark.parametrize("value", [b"\1\2\3", b"", "no base64!"])
def test_damaged_actions_are_a_flaw_and_a_gap(told: Tell, value: bytes | str) -> None:
    """A rule whose actions cannot be read, or are not there, is a flow that says so, with a gap."""
    found = told(decode_rule_items, items(item(labelled() + extended("0x0E99", value, "Binary"))))
    (flow,) = found.of(MailFlow)
    assert (flow.paths, len(flow.flaws)) == ((), 1)
    (gap,) = found.gaps
    assert gap.part == 'rule item "Tidy"'
    assert gap.reason == ("malformed" if value else "unsupported")


def test_a_damaged_condition_does_not_hide_the_actions(told: Tell) -> None:
    """Where only the condition cannot be read, the effects are told, for messages that nobody knows."""
    damaged = extended("0x0E9A", b"\0\0\x63", "Binary") + extended("0xe99", stored_actions(), "Binary")
    found = told(decode_rule_items, items(item(labelled() + damaged)))
    (flow,) = found.of(MailFlow)
    assert [effect.what for effect in flow.paths[0].effects] == ["delete"]
    assert flow.paths[0].condition != EVERYTHING
    (gap,) = found.gaps
    assert gap.message == "its condition cannot be read: byte 2: a restriction of type 0x63 is not known"


def test_padding_is_a_flaw(told: Tell) -> None:
    """Bytes behind a stored rule's end are told, and its effects all the same."""
    raw = items(item(labelled() + extended("0xe99", stored_actions() + bytes(9), "Binary")))
    (flow,) = told(decode_rule_items, raw).of(MailFlow)
    assert flow.flaws == ("9 bytes after the last action",)
    assert [effect.what for effect in flow.paths[0].effects] == ["delete"]


def test_a_rule_without_a_state(told: Tell) -> None:
    """A rule whose state is not told counts as on, and says so."""
    raw = items(item(extended("0x65EB", "x", "String") + extended("0x65EC", "x", "String") + FORWARDING))
    flow = told(decode_rule_items, raw).of(MailFlow)[0]
    assert (flow.enabled, flow.flaws) == (
        True,
        ("the rule has no state: whether it is switched on is not told",),
    )


def test_an_item_without_a_class(told: Tell) -> None:
    """An item that only its properties show to be a rule is one."""
    raw = items(item(labelled() + FORWARDING, kind=""))
    assert len(told(decode_rule_items, raw).of(MailFlow)) == 1


def test_pages(told: Tell) -> None:
    """A page that is not the last is a gap."""
    raw = samples.FOUND_ITEMS.replace(b'IncludesLastItemInRange="true"', b'IncludesLastItemInRange="false"')
    assert [gap.message for gap in told(decode_rule_items, raw).gaps] == [
        "this page of items is not the last"
    ]


def test_items_in_groups(told: Tell) -> None:
    """Items that came grouped are read too."""
    raw = samples.FOUND_ITEMS.replace(
        b"<t:Items>", b"<t:Groups><t:GroupedItems><t:GroupIndex>x</t:GroupIndex><t:Items>"
    ).replace(b"</t:Items>", b"</t:Items></t:GroupedItems></t:Groups>")
    assert len(told(decode_rule_items, raw).of(MailFlow)) == 1


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "yesterday", "2026-10-01T08:00:00"])
def test_times_that_are_none(told: Tell, written: str) -> None:
    """A time that is none, or has no zone, is left out."""
    raw = items(item(labelled() + FORWARDING)).replace(b"2026-10-01T08:00:00Z", written.encode())
    assert told(decode_rule_items, raw).of(MailFlow)[0].created is None


def test_a_refusal_is_a_gap(told: Tell) -> None:
    """An answer that is an error says nothing about rules."""
    found = told(decode_rule_items, samples.failed("FindItem", "ErrorAccessDenied"))
    assert (found.evidence, [gap.reason for gap in found.gaps]) == ([], ["forbidden"])
