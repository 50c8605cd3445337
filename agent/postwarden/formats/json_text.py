"""JSON from others, bounded: size, depth, and no key twice."""

import json
from typing import Any, TypeVar

import msgspec

from postwarden.errors import ConnectorError

Kind = TypeVar("Kind")

#: A page of a thousand entries has far less.
MAX_BYTES = 32 * 1024 * 1024
#: Levels of objects and lists in each other.
MAX_DEPTH = 64
#: Brackets that open and commas, in strings too: each may cost a hundred bytes of memory where the text has one.
MAX_MARKS = 2_000_000


class JsonError(ConnectorError):
    """Not the JSON that was expected."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "look at the server, or at the proxy before it", reason="malformed")


def parse(raw: bytes, kind: type[Kind]) -> Kind:
    """The text as a value of `kind`; raises JsonError.

    Two keys of one name, which readers understand differently, are refused, wherever they stand.
    """
    look(raw)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as exc:
        raise JsonError(f"the answer has another form: {exc}") from exc
    except RecursionError as exc:
        raise JsonError("the answer has too many levels") from exc


def item(raw: bytes | msgspec.Raw, kind: type[Kind]) -> Kind:
    """One item of an answer that was looked at as a whole, as a value of `kind`; raises JsonError."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as exc:
        raise JsonError(f"an entry of the answer has another form: {exc}") from exc
    except RecursionError as exc:
        raise JsonError("the answer has too many levels") from exc


def look(raw: bytes) -> None:
    """Raises JsonError where the text is too large, too deep, of too many entries, no JSON, or has a key twice."""
    if len(raw) > MAX_BYTES:
        raise JsonError(f"the answer has more than {MAX_BYTES} bytes")
    if sum(map(raw.count, (b"[", b"{", b","))) > MAX_MARKS:
        raise JsonError(f"the answer has more than {MAX_MARKS} entries")
    try:
        json.loads(raw, object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError as exc:
        raise JsonError("the answer has too many levels") from exc
    except ValueError as exc:
        # The text itself, which may be anybody's, stays out of the message.
        said = exc.msg if isinstance(exc, json.JSONDecodeError) else type(exc).__name__
        raise JsonError(
            exc.args[0] if isinstance(exc, _Refused) else f"the answer is no JSON: {said}"
        ) from exc


class _Refused(ValueError):
    """What JSON allows and we do not."""


class _Level(int):
    """How deep an object goes; what it says is not kept."""


def _unique(pairs: list[tuple[str, Any]]) -> _Level:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _Refused("the answer has a key twice")
    depth = 1 + max((_depth(value) for _, value in pairs), default=0)
    if depth > MAX_DEPTH:
        raise _Refused("the answer has too many levels")
    return _Level(depth)


def _depth(value: Any) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return value if isinstance(value, _Level) else 0


def _no_number(name: str) -> None:
    raise _Refused(f"the answer has {name} for a number")
