"""STIX 2.1: indicators with patterns, and addresses as objects (OASIS, "STIX Version 2.1", sections 4.7, 6.10, 6.11, 9).

Of a pattern each comparison is an indicator by itself, where they are joined by OR; one that needs several things
together cannot be looked for in log-ins one by one, and is told as unread.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, Tree
from lark.exceptions import LarkError

from postwarden.formats.indicators.values import parse_indicator
from postwarden.model.indicator import Indicator, IndicatorKind

#: Characters of a pattern, and objects of a bundle.
_LONGEST, _MOST = 50_000, 200_000

#: Section 9.2's grammar, as far as observations are joined by OR and comparisons are equalities.
_GRAMMAR = r"""
start: observation ("OR" observation)*
?observation: "[" either "]" | "(" start ")"
?either: comparison ("OR" comparison)*
?comparison: test | "(" either ")"
test: PATH OPERATOR value
value: STRING | "(" STRING ("," STRING)* ")"
OPERATOR: "=" | "IN" | "ISSUBSET" | "LIKE"
PATH: /[a-z0-9-]+:(?:[A-Za-z0-9_.\-]|'[^']*'|\[[0-9*]+\])+/
STRING: /'(?:[^'\\]|\\.)*'/
%ignore /[ \t\r\n]+/
"""

_PATHS: dict[str, IndicatorKind] = {
    "ipv4-addr:value": "ip",
    "ipv6-addr:value": "ip",
    "network-traffic:src_ref.value": "ip",
    "network-traffic:dst_ref.value": "ip",
    "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'": "client",
}


def read_stix(text: str, now: datetime) -> Iterator[Indicator | str]:
    """The indicators of a bundle, a list of objects, or an object a line; a sentence with its id for each other one."""
    for entry in _objects(text):
        if isinstance(entry, str):
            yield entry
            continue
        kind, name = entry.get("type"), str(entry.get("id", "an object without an id"))[:100]
        if kind in {"ipv4-addr", "ipv6-addr"}:
            yield from _values(name, "ip", [entry.get("value")], "")
        elif kind == "indicator":
            yield from _indicator(entry, name, now)


def _objects(text: str) -> Iterator[dict[str, Any] | str]:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines(text)
        return
    objects = tree.get("objects", [tree]) if isinstance(tree, dict) else tree
    if not isinstance(objects, list):
        yield "it is no bundle: objects is no list"
        return
    if len(objects) > _MOST:
        yield f"it has {len(objects)} objects; only {_MOST} are read"
    for one in objects[:_MOST]:
        yield one if isinstance(one, dict) else "an element is no object"


def _lines(text: str) -> Iterator[dict[str, Any] | str]:
    for number, line in enumerate(text.splitlines()[:_MOST], 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
        except (ValueError, RecursionError):
            yield f"line {number} is no JSON"
            continue
        yield one if isinstance(one, dict) else f"line {number} is no object"


def _indicator(entry: dict[str, Any], name: str, now: datetime) -> Iterator[Indicator | str]:
    pattern, until = entry.get("pattern"), entry.get("valid_until")
    if entry.get("revoked") is True:
        yield f"{name} is revoked"
    elif _is_over(until, now):
        yield f"{name} was valid until {str(until)[:40]}"
    elif entry.get("pattern_type", "stix") != "stix" or not isinstance(pattern, str):
        yield f"{name} has no pattern of STIX's own"
    elif len(pattern) > _LONGEST:
        yield f"{name} has a pattern of {len(pattern)} characters"
    else:
        yield from _pattern(name, pattern, str(entry.get("name", ""))[:200])


def _is_over(until: object, now: datetime) -> bool:
    if not isinstance(until, str):
        return False
    try:
        time = datetime.fromisoformat(until)
    except ValueError:
        return False
    return time.replace(tzinfo=time.tzinfo or UTC) <= now


def _pattern(name: str, pattern: str, note: str) -> Iterator[Indicator | str]:
    try:
        tests = _Tests().transform(_parser().parse(pattern))
    except (LarkError, RecursionError):
        yield f"{name} needs more than one thing at a time, or something that log-ins do not have"
        return
    for path, operator, values in tests:
        kind = _PATHS.get(path)
        if kind is None:
            yield f"{name}: {path[:60]} is nothing that log-ins have"
        elif operator == "LIKE" and kind != "client":
            yield f"{name}: addresses are not compared with LIKE"
        else:
            yield from _values(
                name, kind, [value.strip("%") if operator == "LIKE" else value for value in values], note
            )


def _values(name: str, kind: IndicatorKind, values: list[Any], note: str) -> Iterator[Indicator | str]:
    for value in values:
        try:
            text = str(value)
            yield parse_indicator("network" if kind == "ip" and "/" in text else kind, text, note)
        except ValueError as exc:
            yield f"{name}: {str(value)[:60]!r}: {exc}"


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


_Test = tuple[str, str, list[str]]


class _Tests(Transformer[Token, list[_Test]]):
    """Gathers the comparisons of a pattern: path, operator, values."""

    def test(self, children: list[Any]) -> list[_Test]:
        path, operator, values = children
        return [(str(path), str(operator), values)]

    def value(self, children: list[Token]) -> list[str]:
        return [_unquoted(child) for child in children]

    def __default__(self, data: str, children: list[Any], meta: Any) -> list[_Test]:
        return [test for child in children if not isinstance(child, Tree) for test in child]


def _unquoted(token: Token) -> str:
    """A string of section 9.3: a backslash stands before a quote or a backslash."""
    return token[1:-1].replace("\\'", "'").replace("\\\\", "\\")
