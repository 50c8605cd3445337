"""Which stored rules the listed ones account for."""

from collections.abc import Callable
from typing import Any

import pytest

from postwarden.mailflow.listing import accounted, does_the_same, is_listable
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Condition, Effect, EffectKind, Path, Test

MakeRule = Callable[..., MailFlow]
CHOICE = Test(field="subject", operator="contains", values=("offer",))
BOB, EVE = "bob@example.org", "eve@elsewhere.example"


def does(
    what: EffectKind, target: str | None = None, *, when: Condition | None = None, **fields: Any
) -> dict[str, Any]:
    path = Path(effects=(Effect(what=what, target=target, **fields), Effect(what="stop")))
    return {"paths": (path if when is None else Path(condition=when, effects=path.effects),)}


READ = does("mark_read")


@pytest.mark.parametrize(
    ("items", "listed", "hidden"),
    [
        ([READ], [READ], []),
        ([READ, READ], [READ], [1]),
        ([READ, READ], [READ, READ], []),
        ([{**READ, "name": "Other"}], [READ], [0]),
        ([{**READ, "name": "tidy"}], [READ], [0]),
        ([READ], [], [0]),
        ([{**READ, "provider": ""}], [READ], [0]),
        ([{**READ, "provider": "JunkEmailRule"}], [READ], [0]),
        ([does("redirect", EVE)], [READ], [0]),
        ([does("redirect", EVE)], [does("redirect", BOB)], [0]),
        ([does("redirect", BOB.upper())], [does("redirect", BOB)], []),
        ([does("redirect", "/o=X/cn=Bob", resolved=False)], [does("redirect", BOB)], []),
        ([does("redirect", BOB)], [does("redirect", "/o=X/cn=Bob", resolved=False)], []),
        ([does("redirect", EVE), does("redirect", BOB)], [does("redirect", BOB)], [0]),
        ([does("move", "00ff", resolved=False)], [does("delete")], []),
        ([does("delete", permanent=True)], [does("delete")], [0]),
        ([{"paths": ()}], [does("delete")], []),
        ([{**READ, "name": " Tidy "}], [READ], []),
        ([does("redirect", EVE)], [{**READ, "flaws": ("the rule has parts that this interface does not show",)}], []),
        ([does("redirect", EVE)], [{"paths": ()}], []),
        ([READ, does("mark_read", when=CHOICE)], [does("mark_read", when=CHOICE)], [0]),
        ([does("mark_read", when=CHOICE), READ], [does("mark_read", when=CHOICE)], [1]),
    ],
)  # fmt: skip
def test_what_is_left(
    rule: MakeRule, items: list[dict[str, Any]], listed: list[dict[str, Any]], hidden: list[int]
) -> None:
    """A listed rule stands for one stored rule of its name that does the same, as far as both tell; no more."""
    stored = [rule(**{"origin": "rule_item", "provider": "RuleOrganizer", **one}) for one in items]
    found = accounted(stored, [rule(**one) for one in listed])
    assert [index for index in range(len(stored)) if index not in found] == hidden


@pytest.mark.parametrize(
    ("name", "provider", "listable"),
    [
        ("Tidy", "RuleOrganizer", True),
        ("Tidy", "Some Tool", True),
        ("", "RuleOrganizer", False),
        (" \u200b", "RuleOrganizer", False),
        ("Tidy", "", False),
        ("Tidy", "Schedule+ EMS Interface", False),
        ("Tidy", "MSFT:TDX OOF Rules", False),
    ],
)
def test_what_exchange_lists(name: str, provider: str, *, listable: bool) -> None:
    """Exchange lists rules with a name and a maker that can be seen, and none of its own."""
    assert is_listable(name, provider) is listable


def test_the_same_rule_told_twice(rule: MakeRule) -> None:
    """Two ways of telling a rule are the same where both tell what it does, for every message or for some."""
    some, every = rule(**does("delete", when=CHOICE)), rule(**does("delete"))
    assert does_the_same(every, every)
    assert not does_the_same(some, every)
    assert not does_the_same(rule(paths=()), every)
    assert not does_the_same(rule(paths=()), some)
    assert not does_the_same(some, rule(paths=()))


@pytest.mark.parametrize(
    ("first", "second"),
    [({"enabled": False}, {}), ({"order": 12}, {"order": 10}), ({"order": 9}, {"order": 10})],
)
def test_which_of_two_that_do_the_same(rule: MakeRule, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Of two stored rules that could be the listed one, it is the one that agrees in state and order."""
    stored = [
        rule(**{"origin": "rule_item", "provider": "RuleOrganizer", **READ, **one}) for one in (first, second)
    ]
    assert list(accounted(stored, [rule(order=1, **READ)])) == [1]


def to(*targets: str) -> dict[str, Any]:
    """A redirect to several; who begins with a slash is a name that is not resolved."""
    effects = (Effect(what="redirect", target=one, resolved=one[0] != "/") for one in targets)
    return {"paths": (Path(effects=tuple(effects)),)}


@pytest.mark.parametrize(
    ("item", "listed", "is_same"),
    [
        (to(BOB, EVE), to(EVE, BOB), True),
        (to(BOB), to(BOB, EVE), False),
        (to(BOB, EVE), to(BOB), False),
        (to(BOB, EVE), to(BOB, "/o=X/cn=Eve"), True),
        (to(BOB, "/o=X/cn=Eve"), to(BOB, EVE), True),
        (to(EVE, "/o=X/cn=Eve"), to(BOB), False),
    ],
)
def test_rules_to_several(
    rule: MakeRule, item: dict[str, Any], listed: dict[str, Any], *, is_same: bool
) -> None:
    """All addresses that are told must be on both sides, or may be behind a name that is not told."""
    stored = rule(**{"origin": "rule_item", "provider": "RuleOrganizer", **item})
    assert bool(accounted([stored], [rule(**listed)])) is is_same


def test_a_rule_for_all_messages_on_one_of_its_ways(rule: MakeRule) -> None:
    """A rule that does something for every message is not the one that does it for some."""
    ways = (*does("delete", when=CHOICE)["paths"], *does("delete")["paths"])
    assert does_the_same(rule(paths=ways), rule(**does("delete")))
    assert not does_the_same(rule(paths=ways), rule(**does("delete", when=CHOICE)))
