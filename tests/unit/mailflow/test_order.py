"""Rules behind one that takes every message."""

from collections.abc import Callable
from typing import Any

import pytest

from postwarden.mailflow.order import blocked, name_of
from postwarden.model.evidence import MailFlow
from postwarden.model.mailflow import Effect, Path, Test

MakeRule = Callable[..., MailFlow]
STOP = Path(effects=(Effect(what="mark_read"), Effect(what="stop")))
CHOICE = Test(field="subject", operator="contains", values=("offer",))


@pytest.mark.parametrize(
    ("first", "is_blocked"),
    [
        ({"paths": (STOP,)}, True),
        ({"paths": (STOP,), "enabled": False}, False),
        ({"paths": (STOP,), "order": 2}, False),
        ({"paths": (STOP,), "order": 3}, False),
        ({"paths": (STOP,), "flaws": ("the server has the rule in error",)}, False),
        ({"paths": (STOP,), "origin": "rule_item"}, False),
        ({"paths": (STOP,), "origin": "sieve_script"}, False),
        ({"paths": (Path(condition=CHOICE, effects=STOP.effects),)}, False),
        ({"paths": (Path(effects=(Effect(what="mark_read"),)),)}, False),
    ],
)
def test_who_keeps_others_from_running(rule: MakeRule, first: dict[str, Any], *, is_blocked: bool) -> None:
    """Only a rule that runs earlier in the same list, for every message, and then stops keeps others from running."""
    earlier = rule(**{"key": "1", "name": "Last", "order": 1, **first})
    later = rule(key="2", order=2)
    found = blocked([later, earlier])
    assert found.get(name_of(later)) == ("Last" if is_blocked else None)
    assert name_of(earlier) not in found


def test_the_first_of_several(rule: MakeRule) -> None:
    """The rule that is named is the first that ends the processing."""
    rules = [
        rule(key=str(number), name=str(number), order=number, paths=(STOP,) if number < 3 else ())
        for number in (3, 2, 1)
    ]
    assert set(blocked(rules).values()) == {"1"}
