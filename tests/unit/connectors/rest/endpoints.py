"""A token endpoint that answers what a test says, in the place of the session below a log-in."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import pytest
import requests

from postwarden.connectors.rest.tokens import Token
from postwarden.errors import PostwardenError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
Told = tuple[int, bytes, Mapping[str, str]]

#: Answers with status 200 that are no token, whatever a library would make of them.
NO_TOKENS = {
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "deep": b"[" * 100_000,
    "no text": b"\xff",
    "no token": b'{"expires_in":300}',
    "a number for a token": b'{"access_token":5}',
    "a token with a line break": b'{"access_token":"swordfish\\nX: y"}',
    "a token beyond ASCII": b'{"access_token":"swordfish\\u20ac"}',
    "a life without end": b'{"access_token":"swordfish","expires_in":1e999}',
    "a life of 400 digits": b'{"access_token":"swordfish","expires_in":1' + b"0" * 400 + b"}",
    "a life of a million years": b'{"access_token":"swordfish","expires_in":1e15}',
    "a life that is a list": b'{"access_token":"swordfish","expires_in":[]}',
    "a key twice": b'{"access_token":"swordfish","access_token":"x"}',
}
#: Statuses of a log-in that is only busy.
BUSY = (408, 429, 500, 502, 503, 504)


class Endpoint:
    """Answers by the end of the address; everything else is not found."""

    def __init__(self, answers: Mapping[str, Told | bytes]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    def request(self, _: str, url: str, **__: Any) -> requests.Response:
        self.asked.append(url)
        found = next((told for end, told in self.answers.items() if url.endswith(end)), (404, b"", {}))
        status, body, headers = found if isinstance(found, tuple) else (200, found, {})
        answer = requests.Response()
        answer.status_code, answer._content = status, body
        answer.headers.update(headers)
        return answer


def refused(fetch: Callable[[], Token]) -> PostwardenError:
    """The error that came instead of a token; what the endpoint sent is not in it."""
    with pytest.raises(PostwardenError) as caught:
        fetch()
    error = caught.value
    assert "swordfish" not in f"{error} {error.hint} {error.__cause__}"
    return error
