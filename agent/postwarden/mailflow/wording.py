"""Conditions in plain English, for people who have to decide about a finding."""

import unicodedata
from collections.abc import Iterator
from itertools import groupby

from postwarden.model.mailflow import EVERYTHING, NOTHING, All, AnyOf, Condition, Not, Test

#: Characters of a condition's text.
MAX_TEXT = 300

_FIELDS = {"envelope_from": "envelope sender", "envelope_to": "envelope recipient"}
_OPERATORS = {
    "contains": "contains",
    "is": "is",
    "matches": "matches",
    "regex": "matches the pattern",
    "over": "over",
    "under": "under",
}
# Control and format characters (bidi overrides among them), separators of lines, surrogates, private use.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def condition_text(condition: Condition) -> str:
    """The condition as a fragment of a sentence (`subject contains "invoice"`), at most `MAX_TEXT` characters.

    Values stand in quotes; what a terminal would act on, or not show, is escaped.
    """
    text = ""
    for piece in _pieces(condition, inner=False):
        text += piece
        if len(text) > MAX_TEXT:
            return text[: MAX_TEXT - 1] + "…"
    return text


def quoted(value: str) -> str:
    """A foreign value in quotes, with everything escaped that could change how the rest is shown."""
    return '"' + _shown(value, '"\\') + '"'


def _shown(value: str, marks: str) -> str:
    return "".join(
        "\\" + char if char in marks else _escape(char) if unicodedata.category(char) in _HIDDEN else char
        for char in value[: MAX_TEXT + 1]
    )


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _pieces(condition: Condition, *, inner: bool) -> Iterator[str]:
    if condition == EVERYTHING:
        yield "every message"
        return
    if condition == NOTHING:
        yield "no message"
        return
    match condition:
        case Test():
            yield from _test(condition)
        case Not(part=part):
            yield "not "
            yield from _pieces(part, inner=True)
        case All(parts=parts):
            # What must hold tells more than what must not, and a long chain of the latter would hide it.
            ordered = sorted(parts, key=lambda part: isinstance(part, Not))
            yield from _joined(ordered, " and ", inner=inner)
        case AnyOf(parts=parts):
            told = [tuple(alike) for _, alike in groupby(parts, _comparison)]
            yield "(" if inner else ""
            for index, alike in enumerate(told):
                yield " or " if index else ""
                yield from _alternatives(alike)
            yield ")" if inner else ""


def _comparison(part: Condition) -> object:
    """What alternatives have in common that compare several fields with the same values; None for others."""
    return (part.operator, part.values) if isinstance(part, Test) and part.field != "other" else None


def _alternatives(parts: tuple[Condition, ...]) -> Iterator[str]:
    tests = [part for part in parts if isinstance(part, Test)]
    if _comparison(parts[0]) is not None and len(tests) == len(parts):
        yield from _test(tests[0], " or ".join(dict.fromkeys(_field(test.field) for test in tests)))
        return
    for index, part in enumerate(parts):
        yield " or " if index else ""
        yield from _pieces(part, inner=True)


def _joined(parts: list[Condition] | tuple[Condition, ...], word: str, *, inner: bool) -> Iterator[str]:
    if inner:
        yield "("
    for index, part in enumerate(parts):
        if index:
            yield word
        yield from _pieces(part, inner=True)
    if inner:
        yield ")"


def _field(name: str) -> str:
    if name.startswith("header:"):
        return "header " + quoted(name.removeprefix("header:"))
    return _FIELDS.get(name, name)


def _test(test: Test, fields: str | None = None) -> Iterator[str]:
    """The comparison, of `fields` where it is told of several at once."""
    if test.field == "other":
        yield "the test `" + _shown(" ".join(test.values), "`\\") + "`"
        return
    yield fields or _field(test.field)
    if test.operator == "exists":
        yield " exists"
    elif test.field == "size":
        yield f" {_OPERATORS.get(test.operator, test.operator)} {' or '.join(test.values)} bytes"
    else:
        yield f" {_OPERATORS.get(test.operator, test.operator)} "
        yield from _values(test.values)


def _values(values: tuple[str, ...]) -> Iterator[str]:
    if len(values) > 1:
        yield "one of "
    for index, value in enumerate(values):
        yield (", " if index else "") + quoted(value)
