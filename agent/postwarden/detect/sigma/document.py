"""A rule file's YAML, with line numbers, without what makes small files large or ambiguous."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from postwarden.errors import RuleError

#: Nesting that no rule needs.
MAX_DEPTH = 24

_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
)


@dataclass(frozen=True, slots=True)
class Document:
    """The file's content, and the line (1-based) of each key by its path of keys and indices."""

    content: dict[str, Any]
    lines: dict[tuple[str | int, ...], int]

    def line(self, *path: str | int) -> int | None:
        """The line of a key, or of the nearest key above it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def load(raw: bytes, path: str) -> Document:
    """The one YAML document in `raw`; raises RuleError with the line for anything else.

    Aliases, duplicate keys (Sigma's own parser lets the last one win), keys that are not text, and deep
    nesting are refused.
    """
    try:
        loader = _Loader(raw)
        try:
            node = loader.get_single_node()
            if not isinstance(node, yaml.MappingNode):
                raise RuleError("is not a Sigma rule", "a rule is a YAML mapping", path=path, line=1)
            lines: dict[tuple[str | int, ...], int] = {}
            content = _value(loader, node, (), lines, path)
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as exc:
        what = (
            "it is not UTF-8" if exc.encoding != "unicode" else "it has a character that YAML does not allow"
        )
        raise RuleError(f"is not YAML: {what}", "save it as plain UTF-8 text", path=path) from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else None
        what = ", ".join(part for part in (exc.context, exc.problem) if part)
        raise RuleError(f"is not YAML: {what}", "see docs/rules.md", path=path, line=line) from exc
    except RecursionError as exc:
        raise RuleError("is not YAML: it is nested too deep", "see docs/rules.md", path=path) from exc
    except (yaml.YAMLError, UnicodeError, ValueError) as exc:
        what = " ".join(str(exc).split())
        raise RuleError(f"is not YAML: {what}", "see docs/rules.md", path=path) from exc
    assert isinstance(content, dict)
    return Document(content=content, lines=lines)


class _Loader(yaml.SafeLoader):
    """Builds nodes without aliases, to a bounded depth."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not used here", problem_mark=event.start_mark
            )
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="it is nested too deep", problem_mark=event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


def _value(
    loader: yaml.SafeLoader,
    node: yaml.Node,
    place: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    path: str,
) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if node.tag not in _TAGS:
        raise RuleError(
            f"is not YAML as rules have it: a value of the kind {node.tag}",
            "leave the tag out",
            path=path,
            line=node.start_mark.line + 1,
        )
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(loader, node, place, lines, path))
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, part, (*place, index), lines, path) for index, part in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as exc:
        # The library trusts that a value has the form of its tag.
        line = node.start_mark.line + 1
        raise RuleError(
            f"has a value that is no {node.tag.rpartition(':')[2]}", "quote it", path=path, line=line
        ) from exc


def _pairs(
    loader: yaml.SafeLoader,
    node: yaml.MappingNode,
    place: tuple[str | int, ...],
    lines: dict[tuple[str | int, ...], int],
    path: str,
) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key is None or key_node.tag == "tag:yaml.org,2002:merge":
            raise RuleError("has a key that is not text", path=path, line=line)
        if key in seen:
            raise RuleError(
                f"has the key {key!r} twice", "put the values into one list", path=path, line=line
            )
        seen.add(key)
        lines[*place, key] = line
        yield key, _value(loader, value_node, (*place, key), lines, path)
