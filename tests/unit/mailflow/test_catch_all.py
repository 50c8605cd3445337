"""Conditions that only seem to choose."""

import pytest

from postwarden.mailflow.catch_all import is_catch_all
from postwarden.model.mailflow import EVERYTHING, All, AnyOf, Condition, Not, Operator, Test


def look(field: str, *values: str, operator: Operator = "contains") -> Test:
    return Test(field=field, operator=operator, values=values)


CHOICE = look("subject", "invoice")
AT = look("from", "@")


@pytest.mark.parametrize(
    "condition",
    [
        AT,
        look("sender", "."),
        look("from", "ann@shop.example", "@"),
        look("header:*", ":"),
        look("header:*", "Received:"),
        look("body", "\0"),
        look("body", " "),
        look("body", "e"),
        look("subject", ""),
        look("size", "1023", operator="over"),
        look("size", "5000", "0", operator="over"),
        look("size", str(200 * 1024 * 1024), operator="under"),
        All(parts=(AT, look("body", ""))),
        AnyOf(parts=(CHOICE, AT)),
    ],
    ids=str,
)
def test_every_message_meets_it(condition: Condition) -> None:
    """What is in every message is no choice."""
    assert is_catch_all(condition)


@pytest.mark.parametrize(
    "condition",
    [
        EVERYTHING,
        CHOICE,
        look("from", "@shop.example"),
        look("from", "@", operator="is"),
        look("to", "@"),
        look("header:*", "X-Mark:"),
        look("header:list-id", "."),
        look("body", "請"),
        look("subject", "e"),
        look("size", "5000", operator="over"),
        look("size", "5000", operator="under"),
        look("size", "many", operator="over"),
        look("size", "\u0665", operator="over"),
        All(parts=(AT, CHOICE)),
        AnyOf(parts=(CHOICE, CHOICE)),
        Not(part=AT),
    ],
    ids=str,
)
def test_it_chooses(condition: Condition) -> None:
    """A real choice, alone or beside what always holds, is one; so is an open "every message"."""
    assert not is_catch_all(condition)


@pytest.mark.parametrize(
    ("condition", "always"),
    [
        (look("from", "*"), True),
        (look("from", "*@*.*"), True),
        (AnyOf(parts=(look("subject", "*"), look("body", "*"))), True),
        (All(parts=(look("from", "@"), look("size", "1", operator="over"))), True),
        (look("from", "*@shop.example"), False),
        (look("subject", "a"), False),
        (Not(part=look("subject", "*")), False),
        (All(parts=(look("from", "*"), CHOICE)), False),
    ],
    ids=str,
)
def test_a_search_of_gmails_for_signs_only_finds_everything(condition: Condition, always: bool) -> None:
    """In Gmail signs are no words, and a star is any; on other servers a star is a letter like others."""
    assert is_catch_all(condition, searched=True) is always


def test_a_star_is_a_choice_elsewhere() -> None:
    """A rule of Exchange's that looks for a star looks for a star."""
    assert not is_catch_all(look("from", "*"))
