"""Several requests in one (`$batch` of Microsoft Graph): each is on the list, and each has its own answer.

Written from Microsoft's page "Combine multiple HTTP requests using JSON batching".
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw, Struct

from postwarden.connectors.https import held_back
from postwarden.connectors.rest.allowed import Allowed, Row, url
from postwarden.connectors.rest.patience import LONGEST, Busy, Patience, TokenEnded
from postwarden.connectors.rest.session import Answer, Session
from postwarden.errors import ConnectorError
from postwarden.formats import json_text

#: Requests in one.
MOST = 20


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request inside: nothing but a GET, without headers, body or order."""

    id: str
    method: str
    url: str


class _Batch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    requests: tuple[Part, ...]


class _Inner(Struct, frozen=True, kw_only=True):
    id: str
    status: int
    headers: dict[str, str] = {}
    body: Raw = Raw(b"")


class _Answers(Struct, frozen=True, kw_only=True):
    responses: tuple[_Inner, ...]


def row(prefix: str, rows: tuple[Row, ...], origin: str) -> Row:
    """The list's row for `$batch`, whose parts must be on the list themselves."""
    inner = Allowed(origin, tuple(one for one in rows if one.method == "GET"))

    def body(raw: bytes) -> None:
        try:
            found = msgspec.json.decode(raw, type=_Batch)
        except msgspec.DecodeError as exc:
            raise held_back(f"its parts are not readable: {exc}") from exc
        if not 1 <= len(found.requests) <= MOST:
            raise held_back(f"it has {len(found.requests)} parts")
        for part in found.requests:
            if part.method != "GET" or not part.url.startswith("/"):
                raise held_back(f"its part {part.method} {part.url[:200]} is not on the list")
            inner.row("GET", origin + prefix + part.url)

    return Row(method="POST", path=prefix + "/$batch", body=body)


class Question(Struct, frozen=True):
    """What one part asks: a path without the prefix, and its query."""

    path: str
    query: Mapping[str, str]


def ask(
    session: Session, questions: Sequence[Question], *, patience: Patience
) -> list[bytes | ConnectorError]:
    """The body of each answer, or what is wrong with it, in the questions' order.

    The answer to the whole says nothing about its parts: one that is throttled is asked again, alone. Raises
    ConnectorError where the whole is refused.
    """
    found: list[bytes | ConnectorError] = []
    for start in range(0, len(questions), MOST):
        found += _ask(session, questions[start : start + MOST], patience)
    return found


def _ask(session: Session, questions: Sequence[Question], patience: Patience) -> list[bytes | ConnectorError]:
    parts = [
        Part(id=str(number), method="GET", url=url("", one.path, one.query))
        for number, one in enumerate(questions)
    ]
    body = msgspec.json.encode(_Batch(requests=tuple(parts)))
    raw = session.send("POST", session.url("/$batch"), patience=patience, body=body)
    responses = json_text.parse(raw, _Answers).responses
    answers = {one.id: one for one in responses}
    if len(responses) != len(parts) or set(answers) != {part.id for part in parts}:
        raise ConnectorError(
            "the answer to several requests at once does not have exactly one for each",
            "look at the server, or at the proxy before it",
            reason="malformed",
        )
    found: list[bytes | ConnectorError] = []
    for question, part in zip(questions, parts, strict=True):
        inner = answers[part.id]
        told = {name.lower(): value for name, value in inner.headers.items()}
        answer = Answer(inner.status, told, bytes(inner.body))
        error = session.error(answer, session.allowed.row("GET", session.url(question.path, question.query)))
        if error is None:
            found.append(answer.body)
        elif isinstance(error, Busy | TokenEnded) or error.reason == "unreachable":
            if isinstance(error, Busy) and error.wait is not None:
                session.pause.extend(min(error.wait, LONGEST))
            # Throttled, broken, or the token ended: alone it is waited for as any request is.
            found.append(_alone(session, question, patience))
        else:
            found.append(error)
    return found


def _alone(session: Session, question: Question, patience: Patience) -> bytes | ConnectorError:
    try:
        return session.get(question.path, question.query, patience=patience)
    except ConnectorError as error:
        return error
