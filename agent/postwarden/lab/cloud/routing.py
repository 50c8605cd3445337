"""Operations of an interface: which requests there are, what they may ask for, and who may make them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, unquote

from postwarden.lab.cloud.bearers import Bearer

_PREFERENCE = re.compile(r"odata\.maxpagesize=\d+|return=(minimal|representation)|odata\.continue-on-error")
FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """A request is refused: with this status, the interface's own word for why, and a sentence.

    `problem` says what was wrong where no client should have sent it; `headers` go out with the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        problem: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.problem = problem
        self.headers = headers


@dataclass(frozen=True)
class Answer:
    """What goes back: a JSON value, or None for no body."""

    status: int
    value: Any = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Call:
    """One request to one operation, or one part of a batch.

    `params` are the parts of the path that the operation names, `query` its options, `part` the id in a batch.
    """

    operation: "Operation"
    params: Mapping[str, str]
    query: Mapping[str, str]
    path: str
    headers: Message
    body: bytes
    now: datetime
    bearer: Bearer | None = None
    part: str | None = None


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked.

    `pattern` is its path, with names in braces. `options` are the query options that it knows; `permissions` are
    those of which one is enough, empty where none is asked for. `throttled` names the service behind it that serves a
    few at a time; `content` is the type that a body has.
    """

    kind: str
    method: str
    pattern: str
    handler: Callable[[Call], Answer]
    options: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    throttled: str = ""
    content: str = "application/json"
    path: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        parts = re.split(r"\{(\w+)\}", self.pattern)
        text = "".join(
            re.escape(part) if place % 2 == 0 else f"(?P<{part}>[^/]+)" for place, part in enumerate(parts)
        )
        object.__setattr__(self, "path", re.compile(text))


class Router:
    """Finds the operation of a request."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations

    def find(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]]:
        """The operation and the names in its path; Refused with 404 or 405 where there is none."""
        known = False
        for operation in self._operations:
            found = operation.path.fullmatch(path)
            if found is None:
                continue
            known = True
            if operation.method == method:
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
        if known:
            raise Refused(
                405, "Request_BadRequest", "Specified HTTP method is not allowed.", problem=f"{method} {path}"
            )
        raise Refused(
            404,
            "BadRequest",
            f"Resource not found for the segment {path!r}.",
            problem=f"no such path: {path}",
        )


def options_of(query: str, operation: Operation) -> Mapping[str, str]:
    """The options of a query string; Refused where one is not known, is there twice, or is no text."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError as exc:
        raise bad(f"the query {query!r} cannot be read") from exc
    options = dict(pairs)
    if len(options) < len(pairs):
        raise bad(f"an option of {query!r} is there twice")
    unknown = options.keys() - operation.options
    if unknown:
        raise bad(f"{operation.kind} knows no option {', '.join(sorted(unknown))}")
    return options


def check_headers(operation: Operation, headers: Message) -> None:
    """Refused where a header that matters here says what no client should: of the body, the answer, or its priority."""
    if operation.method == "POST" and headers.get_content_type() != operation.content:
        raise bad(f"Content-Type is {headers.get('Content-Type')}, not {operation.content}")
    accepted = headers.get("Accept", "*/*")
    if not re.search(r"\*/\*|application/(json|\*)", accepted):
        raise bad(f"Accept: {accepted} takes no JSON")
    priority = headers.get("x-ms-throttle-priority", "Normal")
    if priority.casefold() not in {"low", "normal", "high"}:
        raise bad(f"x-ms-throttle-priority: {priority}")
    for preference in headers.get("Prefer", "").split(","):
        if preference.strip() and not _PREFERENCE.fullmatch(preference.strip()):
            raise bad(f"Prefer: {preference.strip()}")


def size(text: str, largest: int, name: str) -> int:
    """The number that a page-size option asks for; Refused unless it is between 1 and `largest`."""
    if not text.isdecimal() or not 1 <= int(text) <= largest:
        raise bad(f"{name}={text} is not between 1 and {largest}")
    return int(text)


def bad(why: str) -> Refused:
    """A request that no client should send: 400 with what is wrong with it."""
    return Refused(400, "BadRequest", f"Invalid request: {why}.", problem=why)
