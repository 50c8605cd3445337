"""Conditions put together so that a constant one is always seen as one.

Results are flat: no All in an All, no AnyOf in an AnyOf, no double Not, and `EVERYTHING` and `NOTHING` only
as a whole condition.
"""

from collections.abc import Iterable, Iterator

from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Condition, Not, Test


def all_of(parts: Iterable[Condition]) -> Condition:
    """Every part holds."""
    kept: list[Condition] = []
    for part in parts:
        if part == NOTHING:
            return NOTHING
        kept.extend(part.parts if isinstance(part, All) else (part,))
    return kept[0] if len(kept) == 1 else All(parts=tuple(kept))


def any_of(parts: Iterable[Condition]) -> Condition:
    """At least one part holds."""
    kept: list[Condition] = []
    for part in parts:
        if part == EVERYTHING:
            return EVERYTHING
        kept.extend(part.parts if isinstance(part, AnyOf) else (part,))
    return kept[0] if len(kept) == 1 else AnyOf(parts=tuple(kept))


def negate(part: Condition) -> Condition:
    """The part does not hold."""
    if part == EVERYTHING:
        return NOTHING
    if part == NOTHING:
        return EVERYTHING
    return part.part if isinstance(part, Not) else Not(part=part)


def selecting_tests(condition: Condition, *, positive: bool = True) -> Iterator[Test]:
    """The tests that messages are picked by: those under an even number of Not."""
    match condition:
        case Test():
            if positive:
                yield condition
        case Not(part=part):
            yield from selecting_tests(part, positive=not positive)
        case All(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from selecting_tests(part, positive=positive)


def weight(condition: Condition) -> int:
    """Roughly how many characters the condition takes when written, to bound what hostile rules cost."""
    match condition:
        case Test(values=values):
            return 20 + sum(map(len, values))
        case Not(part=part):
            return 10 + weight(part)
        case All(parts=parts) | AnyOf(parts=parts):
            return 10 + sum(map(weight, parts))
