"""A compiled rule, and the explanation of one verdict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from postwarden.detect.fields import FieldType
from postwarden.model.finding import Level

#: What a row has in a field; a tuple is a list of texts, any of which may match.
Value = str | int | bool | None | tuple[str, ...]
Values = Mapping[str, Value]

#: Category → field → type.
FieldTypes = Mapping[str, Mapping[str, FieldType]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether one part of a condition matched, in words, and the parts below it."""

    text: str
    matched: bool
    parts: tuple["Explanation", ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: a predicate, and the same told step by step."""

    matches: Callable[[Values], bool]
    explain: Callable[[Values], Explanation]


@dataclass(frozen=True, slots=True)
class Rule:
    """A Sigma rule in force.

    `name` is the file's stem, `id` the UUID, `digest` SHA-256 of the file in hex; `attack` has technique ids
    of ATT&CK v19; `advice` replaces the category's usual advice where the rule has its own.
    """

    id: str
    name: str
    path: str
    title: str
    level: Level
    category: str
    description: str
    attack: tuple[str, ...]
    false_positives: tuple[str, ...]
    references: tuple[str, ...]
    advice: tuple[str, ...]
    digest: str
    condition: Condition

    def matches(self, row: Values) -> bool:
        return self.condition.matches(row)

    def explain(self, row: Values) -> Explanation:
        return self.condition.explain(row)
