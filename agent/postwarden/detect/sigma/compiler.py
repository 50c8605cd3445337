"""From a rule file's bytes to a Rule."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from postwarden.detect.sigma import attack
from postwarden.detect.sigma.document import Document, load
from postwarden.detect.sigma.expression import UnsupportedError
from postwarden.detect.sigma.leaf import compile_test
from postwarden.detect.sigma.rule import Condition, Explanation, FieldTypes, Rule, Value, Values
from postwarden.detect.sigma.vocabulary import check
from postwarden.errors import RuleError
from postwarden.model.finding import LEVELS

PRODUCT = "postwarden"
#: Our own key in a rule, for what Sigma has no word for.
OWN = "postwarden"
_TEXTS = ("title", "description")


def compile_rule(
    raw: bytes, *, path: str, fields: FieldTypes, placeholders: Mapping[str, tuple[str, ...]]
) -> Rule:
    """The rule in `raw`, the content of `path`; raises RuleError with file and line."""
    document = load(raw, path)
    content = document.content
    category = _category(document, fields, path)
    identity = _id(document, path)
    check(document, fields[category], category, path)
    rule = _parse(document, path)
    conditions = [
        _condition(rule, index, document, path, placeholders)
        for index in range(len(rule.detection.parsed_condition))
    ]
    level = content.get("level")
    if level not in LEVELS:
        raise RuleError(
            "has no level", f"levels: {', '.join(LEVELS)}", path=path, line=document.line("level")
        )
    for key in _TEXTS:
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise RuleError(f"has no {key}", path=path, line=document.line(key))
    return Rule(
        id=identity,
        name=PurePath(path).name.rpartition(".")[0],
        path=path,
        title=content["title"].strip(),
        level=level,
        category=category,
        description=content["description"].strip(),
        attack=attack.techniques(_list(document, "tags", path)),
        false_positives=_list(document, "falsepositives", path),
        references=_list(document, "references", path),
        advice=_advice(document, path),
        digest=hashlib.sha256(raw).hexdigest(),
        condition=conditions[0] if len(conditions) == 1 else _either(conditions),
    )


def _category(document: Document, fields: FieldTypes, path: str) -> str:
    source = document.content.get("logsource")
    line = document.line("logsource")
    if not isinstance(source, dict) or source.get("product") != PRODUCT:
        raise RuleError(f"is not for the product {PRODUCT}", "set logsource.product", path=path, line=line)
    unknown = set(source) - {"product", "category", "definition"}
    if unknown:
        raise RuleError(
            f"names {min(unknown)!r} in its logsource, which is not supported",
            "product and category are enough",
            path=path,
            line=document.line("logsource", min(unknown)),
        )
    category = source.get("category")
    if not isinstance(category, str) or category not in fields:
        raise RuleError(
            f"is for the category {category!r}, which is unknown",
            f"categories: {', '.join(fields)}",
            path=path,
            line=document.line("logsource", "category"),
        )
    return category


def _id(document: Document, path: str) -> str:
    found = document.content.get("id")
    try:
        return str(UUID(found if isinstance(found, str) else ""))
    except ValueError as exc:
        raise RuleError(
            "has no UUID as its id", "make one with uuidgen", path=path, line=document.line("id")
        ) from exc


def _list(document: Document, key: str, path: str) -> tuple[str, ...]:
    found = document.content.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RuleError(f"{key} is not a list of texts", path=path, line=document.line(key))
    return tuple(found)


def _advice(document: Document, path: str) -> tuple[str, ...]:
    own = document.content.get(OWN, {})
    if not isinstance(own, dict) or set(own) - {"advice"}:
        raise RuleError(f"{OWN} knows advice only", path=path, line=document.line(OWN))
    found = own.get("advice", [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise RuleError("advice is not a list of texts", path=path, line=document.line(OWN, "advice"))
    return tuple(found)


def _parse(document: Document, path: str) -> SigmaRule:
    content = {key: value for key, value in document.content.items() if key != OWN}
    try:
        return SigmaRule.from_dict(content)
    except (SigmaError, TypeError, ValueError, AttributeError, KeyError, RecursionError) as exc:
        # pySigma checks what it parses, but not every shape of it.
        raise RuleError(
            f"is not a Sigma rule: {_words(exc)}",
            "see docs/rules.md",
            path=path,
            line=document.line("detection"),
        ) from exc


def _condition(
    rule: SigmaRule, index: int, document: Document, path: str, placeholders: Mapping[str, tuple[str, ...]]
) -> Condition:
    line = document.line("detection", "condition")
    try:
        tree = rule.detection.parsed_condition[index].parsed
        return _compile(tree, placeholders)
    except UnsupportedError as exc:
        raise RuleError(str(exc), path=path, line=document.line("detection")) from exc
    except (SigmaError, TypeError, ValueError, AttributeError, KeyError, RecursionError) as exc:
        raise RuleError(f"has a condition that does not parse: {_words(exc)}", path=path, line=line) from exc


def _words(exc: Exception) -> str:
    if isinstance(exc, SigmaError):
        return " ".join(str(exc).split())[:300]
    return "it is nested too deep" if isinstance(exc, RecursionError) else "it does not have the shape of one"


def _compile(tree: Any, placeholders: Mapping[str, tuple[str, ...]]) -> Condition:
    if isinstance(tree, ConditionFieldEqualsValueExpression):
        return _leaf(tree.field, tree.value, placeholders)
    if isinstance(tree, ConditionNOT):
        (part,) = tree.args
        return _negation(_compile(part, placeholders))
    if isinstance(tree, ConditionAND | ConditionOR):
        parts = [_compile(part, placeholders) for part in tree.args]
        return _both(parts) if isinstance(tree, ConditionAND) else _either(parts)
    raise UnsupportedError("looks for something without a field, which is not supported")


def _leaf(field: str, value: Any, placeholders: Mapping[str, tuple[str, ...]]) -> Condition:
    test, wording = compile_test(value, placeholders)

    def explain(row: Values) -> Explanation:
        found = row.get(field)
        return Explanation(f"{field} {wording} (here: {_shown(found)})", test(found, row))

    return Condition(lambda row: test(row.get(field), row), explain)


def _shown(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _negation(part: Condition) -> Condition:
    def explain(row: Values) -> Explanation:
        inner = part.explain(row)
        return Explanation("not", not inner.matched, (inner,))

    return Condition(lambda row: not part.matches(row), explain)


def _both(parts: list[Condition]) -> Condition:
    return Condition(
        lambda row: all(part.matches(row) for part in parts),
        lambda row: _explained("all of", all, parts, row),
    )


def _either(parts: list[Condition]) -> Condition:
    return Condition(
        lambda row: any(part.matches(row) for part in parts),
        lambda row: _explained("any of", any, parts, row),
    )


def _explained(text: str, how: Any, parts: list[Condition], row: Values) -> Explanation:
    told = tuple(_told(parts, row))
    return Explanation(text, how(part.matched for part in told), told)


def _told(parts: list[Condition], row: Values) -> Iterator[Explanation]:
    for part in parts:
        yield part.explain(row)
