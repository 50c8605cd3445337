"""Conditions put together."""

import pytest

from postwarden.mailflow.conditions import all_of, any_of, negate, selecting_tests, weight
from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Condition, Not, Test

A = Test(field="subject", operator="contains", values=("a",))
B = Test(field="body", operator="is", values=("b",))
C = Test(field="from", operator="exists")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (all_of(()), EVERYTHING),
        (any_of(()), NOTHING),
        (all_of((A,)), A),
        (any_of((A,)), A),
        (all_of((A, EVERYTHING)), A),
        (any_of((A, NOTHING)), A),
        (all_of((A, NOTHING, B)), NOTHING),
        (any_of((A, EVERYTHING, B)), EVERYTHING),
        (all_of((A, all_of((B, C)))), All(parts=(A, B, C))),
        (any_of((any_of((A, B)), C)), AnyOf(parts=(A, B, C))),
        (all_of((A, any_of((B, C)))), All(parts=(A, AnyOf(parts=(B, C))))),
        (negate(A), Not(part=A)),
        (negate(negate(A)), A),
        (negate(EVERYTHING), NOTHING),
        (negate(NOTHING), EVERYTHING),
    ],
)
def test_constants_fold_and_groups_are_flat(made: Condition, expected: Condition) -> None:
    """Conditions are flat, and a constant one is always written as such."""
    assert made == expected


def test_selecting_tests_stand_under_an_even_number_of_not() -> None:
    """Only tests that must hold select messages; twice negated ones do."""
    condition = all_of((A, negate(any_of((B, negate(C))))))
    assert list(selecting_tests(condition)) == [A, C]


def test_weight_grows_with_what_is_written() -> None:
    """A condition weighs at least the characters of its values, wherever they stand."""
    heavy = Test(field="subject", operator="is", values=("x" * 1000, "y" * 1000))
    assert weight(negate(all_of((A, any_of((heavy, B)))))) > 2000 > weight(A)
