"""Searches in Gmail's words, as far as a filter's condition can be read from them.

From Google's help page on search operators. What is not read stays one test by its text.
"""

import re
from collections.abc import Iterator

from postwarden.mailflow.conditions import all_of, any_of, negate
from postwarden.model.encoding import encodable
from postwarden.model.mailflow import Condition, Test

MAX_CHARACTERS, MAX_DEPTH = 4_000, 12

_TOKEN = re.compile(r'\s*(?:(?P<quoted>"[^"]*")|(?P<mark>[(){}|])|(?P<word>[^\s(){}|"]+))')
_FIELDS: dict[str, tuple[str, ...]] = {
    "subject": ("subject",),
    "from": ("from",),
    "to": ("to", "cc"),
    "cc": ("cc",),
    "deliveredto": ("envelope_to",),
}
_ANYWHERE = ("subject", "body")


class _Unread(ValueError):
    """Words that are not read here."""


def condition_of(query: str, fields: tuple[str, ...] = _ANYWHERE) -> Condition:
    """The condition of a search; `fields` are those that plain words are looked for in."""
    try:
        if len(query) > MAX_CHARACTERS:
            raise _Unread
        tokens = list(_tokens(query))
        found, rest = _alternatives(tokens, fields, 0)
        if rest:
            raise _Unread
    except _Unread:
        return Test(
            field="other", operator="other", values=(f"the search {encodable(query[:MAX_CHARACTERS])}",)
        )
    return found


def _tokens(query: str) -> Iterator[str]:
    place = 0
    text = query.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _Unread
        yield found[0].strip()
        place = found.end()


def _alternatives(tokens: list[str], fields: tuple[str, ...], depth: int) -> tuple[Condition, list[str]]:
    """Terms that must all hold, in alternatives (`OR` or `|` between two terms binds them alone)."""
    if depth > MAX_DEPTH:
        raise _Unread
    parts: list[Condition] = []
    pending = False
    while tokens and tokens[0] not in {")", "}"}:
        if tokens[0] in {"OR", "|"}:
            if not parts or pending:
                raise _Unread
            pending, tokens = True, tokens[1:]
            continue
        term, tokens = _term(tokens, fields, depth)
        if pending:
            term, pending = any_of((parts.pop(), term)), False
        parts.append(term)
    if pending or not parts:
        raise _Unread
    return all_of(parts), tokens


def _term(tokens: list[str], fields: tuple[str, ...], depth: int) -> tuple[Condition, list[str]]:
    if depth > MAX_DEPTH:
        raise _Unread
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        return _group(rest, fields, depth, ")")
    if first == "{":
        return _group(rest, fields, depth, "}")
    if first.startswith('"'):
        return _words(first.strip('"'), fields), rest
    if first.startswith("-") and len(first) > 1:
        found, rest = _term([first[1:], *rest], fields, depth + 1)
        return negate(found), rest
    name, colon, value = first.partition(":")
    if not colon:
        return _words(first.removeprefix("+"), fields), rest
    if name.casefold() not in _FIELDS:
        return Test(field="other", operator="other", values=(f"the search {encodable(first)}",)), _value(
            value, rest
        )
    inside = _FIELDS[name.casefold()]
    if value:
        return _words(value, inside), rest
    if not rest:
        raise _Unread
    return _term(rest, inside, depth + 1)


def _value(value: str, rest: list[str]) -> list[str]:
    """What stands after an operator that is not read must at least be one word."""
    if not value:
        raise _Unread
    return rest


def _group(tokens: list[str], fields: tuple[str, ...], depth: int, end: str) -> tuple[Condition, list[str]]:
    if end == "}":
        # Braces: any of them.
        parts: list[Condition] = []
        while tokens and tokens[0] != end:
            term, tokens = _term(tokens, fields, depth + 1)
            parts.append(term)
        found: Condition = any_of(parts)
        if not parts:
            raise _Unread
    else:
        found, tokens = _alternatives(tokens, fields, depth + 1)
    if not tokens or tokens[0] != end:
        raise _Unread
    return found, tokens[1:]


def _words(text: str, fields: tuple[str, ...]) -> Condition:
    if not text:
        raise _Unread
    return any_of(Test(field=field, operator="contains", values=(encodable(text),)) for field in fields)
