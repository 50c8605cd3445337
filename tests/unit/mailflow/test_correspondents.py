"""Senders that a condition picks messages by."""

import pytest

from postwarden.mailflow.correspondents import correspondents
from postwarden.model.mailflow import EVERYTHING, All, AnyOf, Condition, Not, Test

ANN = Test(field="from", operator="is", values=("ann@shop.example",))
SHOP = Test(field="sender", operator="contains", values=("@shop.example", "@shop.test"))
SUBJECT = Test(field="subject", operator="contains", values=("offer",))


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        (ANN, ("ann@shop.example",)),
        (SHOP, ("@shop.example", "@shop.test")),
        (All(parts=(ANN, SUBJECT)), ("ann@shop.example",)),
        (All(parts=(SHOP, ANN)), ("ann@shop.example",)),
        (AnyOf(parts=(ANN, SHOP)), ("@shop.example", "@shop.test", "ann@shop.example")),
        (AnyOf(parts=(ANN, SUBJECT)), ()),
        (Not(part=ANN), ()),
        (SUBJECT, ()),
        (EVERYTHING, ()),
        (AnyOf(), ()),
        (Test(field="from", operator="exists"), ()),
    ],
    ids=str,
)
def test_who_all_messages_are_from(condition: Condition, wanted: tuple[str, ...]) -> None:
    """The senders are told where every message that meets the condition is from one of them."""
    assert correspondents(condition) == wanted
