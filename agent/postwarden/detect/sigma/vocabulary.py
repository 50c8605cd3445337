"""What a detection may say: known fields, supported modifiers, values of the field's type."""

from collections.abc import Iterator, Mapping
from typing import Any

from postwarden.detect.fields import FieldType
from postwarden.detect.sigma.document import Document
from postwarden.detect.sigma.expression import UnsupportedError, compile_expression
from postwarden.errors import RuleError

#: Modifiers by the type of field that takes them. `i`, `m` and `s` are flags of `re`.
MODIFIERS: Mapping[FieldType, frozenset[str]] = {
    "text": frozenset(
        {
            "contains",
            "startswith",
            "endswith",
            "all",
            "re",
            "i",
            "m",
            "s",
            "cidr",
            "exists",
            "cased",
            "fieldref",
            "expand",
        }
    ),
    "number": frozenset({"lt", "lte", "gt", "gte", "exists"}),
    "flag": frozenset({"exists"}),
}

#: `not`s and brackets of a condition: the parser goes one deeper for each.
MAX_NESTING = 50

#: Keys of a detection section that are not detections.
_NOT_DETECTIONS = frozenset({"condition"})


def check(document: Document, fields: Mapping[str, FieldType], category: str, path: str) -> None:
    """Raises RuleError for the first field, modifier or value in the detections that is not supported."""
    detection = document.content.get("detection")
    if not isinstance(detection, dict):
        raise RuleError("has no detection", path=path, line=document.line("detection"))
    if "timeframe" in detection or "timeframe" in document.content:
        line = document.line("detection", "timeframe")
        raise RuleError("uses timeframe, which is not supported", path=path, line=line)
    if "correlation" in document.content:
        raise RuleError(
            "is a correlation rule, which is not supported yet", path=path, line=document.line("correlation")
        )
    _check_condition(detection.get("condition"), document, path)
    for name, part in detection.items():
        if name not in _NOT_DETECTIONS:
            for place, key, value in _items(part, ("detection", name)):
                _check_item(key, value, fields, category, path, document.line(*place))


def _check_condition(condition: Any, document: Document, path: str) -> None:
    line = document.line("detection", "condition")
    for one in condition if isinstance(condition, list) and condition else [condition]:
        if not isinstance(one, str) or not one.strip():
            raise RuleError(
                "has a condition that does not parse: it is no text",
                "name the detections, joined by and, or, not",
                path=path,
                line=line,
            )
        if one.count("not") + one.count("(") > MAX_NESTING:
            raise RuleError("has a condition that is nested too deep", "take it apart", path=path, line=line)


def _items(
    part: Any, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str | None, Any]]:
    """Place, key and value of each item; a key of None stands for a keyword without a field."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield (*place, key), key, value
    elif isinstance(part, list):
        for index, one in enumerate(part):
            yield from _items(one, (*place, index))
    else:
        yield place, None, part


def _check_item(
    key: str | None,
    value: Any,
    fields: Mapping[str, FieldType],
    category: str,
    path: str,
    line: int | None,
) -> None:
    if key is None or not key.partition("|")[0]:
        raise RuleError(
            "looks for a keyword without a field, which is not supported",
            "name the field",
            path=path,
            line=line,
        )
    name, *modifiers = key.split("|")
    if name not in fields:
        raise RuleError(
            f"names the field {name!r}, which {category} does not have",
            f"fields: {', '.join(fields) or 'none yet'}",
            path=path,
            line=line,
        )
    kind: FieldType = "text" if fields[name] == "texts" else fields[name]
    for modifier in modifiers:
        if modifier not in MODIFIERS[kind]:
            raise RuleError(
                f"uses the modifier {modifier!r} on {name}, which is not supported there",
                f"modifiers for a {kind}: {', '.join(sorted(MODIFIERS[kind]))}",
                path=path,
                line=line,
            )
    if {"re", "expand"} <= set(modifiers):
        raise RuleError(
            "uses expand within re, which is not supported", "write the expression out", path=path, line=line
        )
    if {"i", "m", "s"} & set(modifiers) and "re" not in modifiers:
        raise RuleError("uses a flag of re without re", path=path, line=line)
    values = value if isinstance(value, list) else [value]
    if not values:
        raise RuleError(f"gives no value for {name}", "leave the line out, or use null", path=path, line=line)
    for one in values:
        _check_value(name, one, kind, modifiers, fields, path, line)


def _check_value(
    name: str,
    value: Any,
    kind: FieldType,
    modifiers: list[str],
    fields: Mapping[str, FieldType],
    path: str,
    line: int | None,
) -> None:
    if "exists" in modifiers:
        if not isinstance(value, bool) or len(modifiers) > 1:
            raise RuleError("uses exists with something else than true or false alone", path=path, line=line)
        return
    if "fieldref" in modifiers:
        if not isinstance(value, str) or value not in fields or fields[value] != fields[name]:
            raise RuleError(
                f"compares {name} with {value!r}, which is no field of the same type", path=path, line=line
            )
        return
    if value is None and not modifiers:
        return
    if "re" in modifiers and isinstance(value, str):
        # Before Sigma's library sees it, which would print the same on stderr.
        try:
            compile_expression(value)
        except UnsupportedError as exc:
            raise RuleError(
                str(exc), "see https://github.com/google/re2/wiki/Syntax", path=path, line=line
            ) from exc
    fits = {"text": isinstance(value, str), "flag": isinstance(value, bool),
            "number": isinstance(value, int) and not isinstance(value, bool)}  # fmt: skip
    if not fits.get(kind, False):
        raise RuleError(
            f"compares {name}, which is a {kind}, with {value!r}",
            "quote a text; write true or false for a flag, a whole number for a number",
            path=path,
            line=line,
        )
