"""One comparison of one field, as a predicate on the field's value."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

import re2
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

from postwarden.detect.sigma.rule import Value, Values

#: A test of a field's value; the row is there for comparisons with other fields.
Test = Callable[[Value, Values], bool]

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_COMPARISONS: Mapping[CompareOperators, Callable[[int, float], bool]] = {
    CompareOperators.LT: lambda left, right: left < right,
    CompareOperators.LTE: lambda left, right: left <= right,
    CompareOperators.GT: lambda left, right: left > right,
    CompareOperators.GTE: lambda left, right: left >= right,
}


class UnsupportedError(Exception):
    """The value cannot be compiled; the message says why, the caller knows the line."""


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
        return (lambda found, _: _is_number(found) and compare(found, limit)), f"{value.op.value} {limit}"
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
    cased = isinstance(value, SigmaCasedString)
    if not value.contains_placeholder():
        return _each(_matcher(value, cased=cased)), f"matches {_wording(value)}"
    for part in value.iter_parts():
        if isinstance(part, Placeholder) and part.name not in placeholders:
            raise UnsupportedError(f"the placeholder %{part.name}% has no value")
    filled = list(value.replace_placeholders(lambda one: iter(placeholders[one.name])))
    matchers = [_matcher(one, cased=cased) for one in filled]
    wording = ", ".join(_wording(one) for one in filled) or "nothing (its placeholder is empty)"
    return _each(lambda text: any(matcher(text) for matcher in matchers)), f"matches {wording}"


def _matcher(value: SigmaString, *, cased: bool) -> Callable[[str], bool]:
    fold: Callable[[str], str] = (lambda text: text) if cased else str.casefold
    parts = [fold(part) if isinstance(part, str) else part for part in value.iter_parts()]
    many = SpecialChars.WILDCARD_MULTI
    if not any(isinstance(part, SpecialChars) for part in parts):
        whole = "".join(str(part) for part in parts)
        return lambda text: fold(text) == whole
    if [isinstance(part, str) for part in parts] == [False, True, False] and parts[0] == parts[2] == many:
        middle = str(parts[1])
        return lambda text: middle in fold(text)
    # Anchored wildcards backtrack only linearly per star; re2 keeps even that bounded.
    pattern = "".join(
        ".*" if part == many else "." if part == SpecialChars.WILDCARD_SINGLE else re.escape(str(part))
        for part in parts
    )
    compiled = _compile(f"(?s)^(?:{pattern})$")
    return lambda text: compiled.search(fold(text)) is not None


def _wording(value: SigmaString) -> str:
    return '"' + "".join(
        "*" if part == SpecialChars.WILDCARD_MULTI else "?" if part == SpecialChars.WILDCARD_SINGLE else str(part)
        for part in value.iter_parts()
    ) + '"'  # fmt: skip


def _expression(value: SigmaRegularExpression) -> tuple[Test, str]:
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    text = value.regexp.to_plain(regex=True)
    compiled = _compile(f"(?{flags})({text})" if flags else text)
    return _each(lambda found: compiled.search(found) is not None), f"matches the expression {text}"


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        raise UnsupportedError(f"the regular expression is not RE2: {exc}") from exc


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
