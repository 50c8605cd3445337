"""Any value of the model, made from its types alone, so that a new kind is covered without a word here."""

import types
from datetime import UTC, datetime
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from hypothesis import strategies as st

_T = TypeVar("_T", bound=msgspec.Struct)

#: All that Unicode has, without the surrogates, which no text of ours has.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2999, 12, 31)).map(  # noqa: DTZ001 - the zone is added
    lambda time: time.replace(tzinfo=UTC)
)
_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    types.NoneType: st.none(),
    datetime: moments,
}


def values(kind: type[_T]) -> st.SearchStrategy[_T]:
    """Any value of a struct of the model."""
    return cast("st.SearchStrategy[_T]", _of(kind, 0))


def fields(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The types of a struct's fields."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hints[name] for name in kind.__struct_fields__}


def _of(kind: Any, depth: int) -> st.SearchStrategy[Any]:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return st.deferred(
            lambda: st.builds(kind, **{name: _of(one, depth + 1) for name, one in fields(kind).items()})
        )
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _of(parts[0], depth)
    if origin is Literal:
        return st.sampled_from(parts)
    if origin in {Union, types.UnionType}:
        return st.one_of([_of(one, depth) for one in parts])
    if origin is dict:
        return st.dictionaries(_of(parts[0], depth), _of(parts[1], depth), max_size=3)
    assert origin is tuple, kind
    if parts[1] is not Ellipsis:
        return st.tuples(*(_of(part, depth) for part in parts))
    # Conditions hold conditions: deep ones are left to depth, not to chance.
    return st.lists(_of(parts[0], depth), max_size=0 if depth > 5 else 2).map(tuple)


def types_within(kind: Any, seen: set[object]) -> set[object]:
    """Every plain type that a value of `kind` can hold."""
    if kind in seen:
        return set()
    seen.add(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return set().union(*(types_within(one, seen) for one in fields(kind).values()))
    parts = [one for one in get_args(kind) if one is not Ellipsis]
    if get_origin(kind) is Literal:
        return {type(one) for one in parts}
    if get_origin(kind) is Annotated:
        parts = parts[:1]
    assert not isinstance(kind, ForwardRef)
    return set().union(*(types_within(one, seen) for one in parts)) if parts else {kind}
