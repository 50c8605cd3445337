"""The part of OData's query options that Microsoft Graph's listings understand here: $select and $filter.

A filter is made of comparisons with `and`, `or` and brackets (OData 4.01, Part 2, section 5.1.1). Which properties
may be compared, and how, is each operation's own: Graph, too, knows few.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from postwarden.lab.cloud.routing import bad

#: Whether an object, by its properties, is wanted.
Predicate = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<comma>,)|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)|(?P<word>[A-Za-z][\w/]*))"
)
_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ge": lambda value, wanted: value >= wanted,
    "le": lambda value, wanted: value <= wanted,
    "gt": lambda value, wanted: value > wanted,
    "lt": lambda value, wanted: value < wanted,
}


@dataclass(frozen=True)
class Filter:
    """A filter that was read: whether it takes an object, and what it asks to be equal, where nothing else is asked."""

    takes: Predicate
    equal: tuple[tuple[str, str], ...] = ()


def selected(text: str, known: frozenset[str]) -> tuple[str, ...]:
    """The properties that $select names; Refused where one is not known or is named twice."""
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise bad(f"Could not find a property named {unknown[0]!r}")
    if len(set(names)) < len(names):
        raise bad(f"$select={text} names a property twice")
    return names


def read_filter(text: str, allowed: Mapping[str, frozenset[str]]) -> Filter:
    """What $filter asks for; Refused where it cannot be read, or compares what cannot be compared like that."""
    return _Reading(text, allowed).whole()


class _Reading:
    """A recursive descent through one filter."""

    def __init__(self, text: str, allowed: Mapping[str, frozenset[str]]) -> None:
        self._text = text
        self._allowed = allowed
        self._tokens = self._split(text)
        self._at = 0

    def whole(self) -> Filter:
        found = self._any()
        if self._at < len(self._tokens):
            raise self._wrong()
        return found

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._wrong()
            tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return tokens

    def _any(self) -> Filter:
        parts = [self._every()]
        while self._next_is("or"):
            parts.append(self._every())
        if len(parts) == 1:
            return parts[0]
        return Filter(lambda row: any(part.takes(row) for part in parts))

    def _every(self) -> Filter:
        parts = [self._one()]
        while self._next_is("and"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        equal = tuple(pair for part in parts for pair in part.equal)
        return Filter(lambda row: all(part.takes(row) for part in parts), equal)

    def _one(self) -> Filter:
        kind, value = self._take()
        if kind == "open":
            inner = self._any()
            self._expect("close")
            return inner
        if kind != "word":
            raise self._wrong()
        if value == "startswith":
            self._expect("open")
            name = self._property("startswith", self._expect("word"))
            self._expect("comma")
            wanted = self._quoted()
            self._expect("close")
            return Filter(lambda row: str(row[name] or "").startswith(wanted))
        operator = self._expect("word")
        name = self._property(operator, value)
        if operator == "in":
            return self._among(name)
        kind, literal = self._take()
        if kind not in {"text", "time"} or operator not in _COMPARE:
            raise self._wrong()
        # Times are compared as Graph writes them here, in whole seconds.
        literal = literal.replace("''", "'") if kind == "text" else re.sub(r"\.\d+Z$", "Z", literal)
        compare = _COMPARE[operator]
        return Filter(
            lambda row: compare(str(row[name] or ""), literal), ((name, literal),) if operator == "eq" else ()
        )

    def _among(self, name: str) -> Filter:
        self._expect("open")
        wanted = {self._quoted()}
        while self._peek() == "comma":
            self._take()
            wanted.add(self._quoted())
        self._expect("close")
        return Filter(lambda row: row[name] in wanted)

    def _quoted(self) -> str:
        return self._expect("text").replace("''", "'")

    def _property(self, operator: str, name: str) -> str:
        if operator not in self._allowed.get(name, frozenset()):
            raise bad(f"$filter cannot compare {name} with {operator}")
        return name

    def _next_is(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("word", word):
            self._at += 1
            return True
        return False

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, kind: str) -> str:
        found, value = self._take()
        if found != kind:
            raise self._wrong()
        return value

    def _wrong(self) -> Exception:
        return bad(f"Invalid filter clause: {self._text}")
