"""One comparison of one field, as a predicate on the field's value."""

import ipaddress
import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from postwarden.detect.sigma.expression import UnsupportedError, compile_expression
from postwarden.detect.sigma.rule import Value, Values

#: A test of a field's value; the row is there for comparisons with other fields.
Test = Callable[[Value, Values], bool]

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
#: Texts that the placeholders of one value may stand for.
MAX_TEXTS = 100_000

_Part = str | SpecialChars
_WILDCARDS = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
_SIGNS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}
_COMPARISONS: Mapping[CompareOperators, Callable[[int, float], bool]] = {
    CompareOperators.LT: lambda left, right: left < right,
    CompareOperators.LTE: lambda left, right: left <= right,
    CompareOperators.GT: lambda left, right: left > right,
    CompareOperators.GTE: lambda left, right: left >= right,
}


def compile_test(value: Any, placeholders: Mapping[str, tuple[str, ...]]) -> tuple[Test, str]:
    """The predicate for pySigma's `value`, and its wording; raises UnsupportedError."""
    if isinstance(value, SigmaExpansion):
        parts = [compile_test(one, placeholders) for one in value.values]
        return _any([test for test, _ in parts]), " or ".join(text for _, text in parts)
    if isinstance(value, SigmaString):
        return _string(value, placeholders)
    if isinstance(value, SigmaRegularExpression):
        return _expression(value)
    if isinstance(value, SigmaFieldReference):
        return _reference(value)
    if isinstance(value, SigmaCIDRExpression):
        network = value.network
        return _each(lambda text: _in_network(text, network)), f"in {value.cidr}"
    if isinstance(value, SigmaNull):
        return (lambda found, _: found is None), "is null"
    if isinstance(value, SigmaExists):
        wanted = bool(value)
        return (lambda found, _: (found is not None) is wanted), "exists" if wanted else "does not exist"
    if isinstance(value, SigmaBool):
        flag = bool(value)
        return (lambda found, _: found is flag), f"is {str(flag).lower()}"
    if isinstance(value, SigmaCompareExpression):
        compare, limit = _COMPARISONS.get(value.op), value.number.number
        if compare is None:
            raise UnsupportedError(f"the comparison {value.op.value} is not supported")
        return (lambda found, _: _is_number(found) and compare(found, limit)), f"{_SIGNS[value.op]} {limit}"
    if isinstance(value, SigmaNumber):
        number = value.number
        return (lambda found, _: _is_number(found) and found == number), f"is {number}"
    raise UnsupportedError(f"values of the kind {type(value).__name__} are not supported")


def _is_number(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _any(tests: list[Test]) -> Test:
    return lambda found, row: any(test(found, row) for test in tests)


def _each(test: Callable[[str], bool]) -> Test:
    """A test of one text, for texts and for lists of them."""

    def on_value(found: Value, _: Values) -> bool:
        if isinstance(found, str):
            return test(found)
        return isinstance(found, tuple) and any(test(one) for one in found)

    return on_value


def _string(value: SigmaString, placeholders: Mapping[str, tuple[str, ...]]) -> tuple[Test, str]:
    """A text with wildcards; each placeholder in it stands for each of its values in turn."""
    cased = isinstance(value, SigmaCasedString)
    choices: list[tuple[_Part, ...]] = []
    for part in value.iter_parts():
        if not isinstance(part, Placeholder):
            choices.append((part,))
        elif part.name in placeholders:
            choices.append(placeholders[part.name])
        else:
            raise UnsupportedError(f"the placeholder %{part.name}% has no value")
    if math.prod(map(len, choices)) > MAX_TEXTS:
        raise UnsupportedError(f"its placeholders stand for more than {MAX_TEXTS} texts")
    texts = list(itertools.product(*choices))
    matchers = [_matcher(parts, cased=cased) for parts in texts]
    wording = ", ".join(_wording(parts) for parts in texts[:5]) or "nothing (its placeholder is empty)"
    if len(texts) > 5:
        wording += f" or {len(texts) - 5} others"
    return _each(lambda text: any(matcher(text) for matcher in matchers)), f"matches {wording}"


def _matcher(parts: Sequence[_Part], *, cased: bool) -> Callable[[str], bool]:
    fold: Callable[[str], str] = (lambda text: text) if cased else str.casefold
    folded = [fold(part) if isinstance(part, str) else part for part in parts]
    many = SpecialChars.WILDCARD_MULTI
    if not any(isinstance(part, SpecialChars) for part in folded):
        whole = "".join(str(part) for part in folded)
        return lambda text: fold(text) == whole
    if len(folded) == 3 and isinstance(folded[1], str) and folded[0] == folded[2] == many:
        middle = folded[1]
        return lambda text: middle in fold(text)
    pattern = "".join(
        _WILDCARDS[part] if isinstance(part, SpecialChars) else re.escape(part) for part in folded
    )
    compiled = compile_expression(f"(?s)^(?:{pattern})$")
    return lambda text: compiled.search(fold(text)) is not None


def _wording(parts: Sequence[_Part]) -> str:
    shown = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}
    return '"' + "".join(shown[part] if isinstance(part, SpecialChars) else part for part in parts) + '"'


def _expression(value: SigmaRegularExpression) -> tuple[Test, str]:
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    text = value.regexp.to_plain(regex=True)
    compiled = compile_expression(f"(?{flags})({text})" if flags else text)
    return _each(lambda found: compiled.search(found) is not None), f"matches the expression {text}"


def _reference(value: SigmaFieldReference) -> tuple[Test, str]:
    other, starts, ends = value.field, value.starts_with, value.ends_with

    def compare(found: Value, row: Values) -> bool:
        wanted = row.get(other)
        if found is None or wanted is None:
            return False
        if isinstance(found, str) and isinstance(wanted, str):
            left, right = found.casefold(), wanted.casefold()
            if starts and ends:
                return right in left
            if starts:
                return left.startswith(right)
            return left.endswith(right) if ends else left == right
        if isinstance(found, tuple) and isinstance(wanted, tuple):
            return bool({one.casefold() for one in found} & {one.casefold() for one in wanted})
        return type(found) is type(wanted) and found == wanted

    return compare, f"compares to the field {other}"


def _in_network(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    try:
        return ipaddress.ip_address(text) in network
    except ValueError:
        return False
