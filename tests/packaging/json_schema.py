"""Does a value fit a JSON Schema? As much of draft 2020-12 as our schemas use; another keyword is an error."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_SAID_ONLY = {"$schema", "$defs", "title", "description", "default", "discriminator"}


def misfits(schema: Mapping[str, Any], value: Any) -> list[str]:
    """What about the value does not fit, each with its place; empty where it fits."""
    return list(_misfits(schema, value, schema["$defs"], "$"))


def _misfits(schema: Mapping[str, Any], value: Any, parts: Mapping[str, Any], place: str) -> Iterator[str]:
    fields = value if isinstance(value, dict) else {}
    for keyword, wanted in schema.items():
        match keyword:
            case "$ref":
                yield from _misfits(parts[wanted.removeprefix("#/$defs/")], value, parts, place)
            case "anyOf":
                if all(list(_misfits(one, value, parts, place)) for one in wanted):
                    yield f"{place}: fits none of {len(wanted)} shapes"
            case "type":
                flag = isinstance(value, bool)
                if not isinstance(value, _TYPES[wanted]) or (flag and wanted == "integer"):
                    yield f"{place}: is not of the type {wanted}"
            case "enum":
                if value not in wanted:
                    yield f"{place}: is none of {wanted}"
            case "format":
                assert wanted == "date-time"
                if not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is None:
                    yield f"{place}: is no time with a zone"
            case "required":
                yield from (
                    f"{place}: lacks {name}" for name in wanted if fields is value and name not in value
                )
            case "properties":
                for name in wanted.keys() & fields.keys():
                    yield from _misfits(wanted[name], value[name], parts, f"{place}.{name}")
            case "additionalProperties":
                for name in fields.keys() - schema.get("properties", {}).keys():
                    if wanted is False:
                        yield f"{place}: has {name} too many"
                    elif wanted is not True:
                        yield from _misfits(wanted, value[name], parts, f"{place}.{name}")
            case "items":
                for index, one in enumerate(value if isinstance(value, list) else []):
                    yield from _misfits(wanted, one, parts, f"{place}[{index}]")
            case _:
                assert keyword in _SAID_ONLY, f"the keyword {keyword} is not known here"
