"""A service that answers from a list, without a network, and a clock that sleeping moves on."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from postwarden.connectors.rest.allowed import Allowed
from postwarden.connectors.rest.patience import Busy, Patience, Pause, TokenEnded, retry_after
from postwarden.connectors.rest.session import Answer, Session
from postwarden.connectors.rest.tokens import Token, Tokens
from postwarden.errors import ConnectorError
from postwarden.secrets import Secret

ORIGIN = "https://api.example"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Time:
    """Seconds that only sleeping moves on; the scatter is the longest that it may be."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.now - 1_000.0)

    def pause(self) -> Pause:
        return Pause(lambda: self.now, self.sleep, lambda _, most: most)


class Service:
    """Stands in the place of the session below: permits as it does, and answers in turn; an exception is raised."""

    def __init__(self, allowed: Allowed, answers: Iterator[Any]) -> None:
        self._allowed, self._answers = allowed, answers
        self.asked: list[tuple[str, str]] = []
        self.sent: list[requests.PreparedRequest] = []

    def request(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]
    ) -> requests.Response:
        request = requests.Request(method, url, data=data, headers=dict(headers)).prepare()
        self._allowed.permit(request)
        self.asked.append((method, url))
        self.sent.append(request)
        told = next(self._answers)
        if isinstance(told, BaseException):
            raise told
        status, body, extra = told if isinstance(told, tuple) else (200, told, {})
        answer = requests.Response()
        answer.status_code = status
        answer._content = body
        answer.headers.update(extra)
        return answer


class Rig:
    """A session with what stands around it."""

    def __init__(self, allowed: Allowed, answers: Iterator[Any], prefix: str = "") -> None:
        self.time = Time()
        self.tokens_given: list[str] = []
        self.service = Service(allowed, answers)
        pause = self.time.pause()
        self.session = Session(
            allowed,
            self.service,  # type: ignore[arg-type]  # a stand-in
            Tokens(self._token, lambda: self.time.now),
            judge,
            pause=pause,
            clock=self.time.clock,
            prefix=prefix,
        )
        self.patience = Patience(pause)

    def _token(self) -> Token:
        self.tokens_given.append(f"token-{len(self.tokens_given) + 1}")
        return Token(Secret(self.tokens_given[-1]), 3600.0)

    @property
    def used(self) -> list[str]:
        """The token of each request that went out."""
        return [str(one.headers["Authorization"]).removeprefix("Bearer ") for one in self.service.sent]


def judge(answer: Answer, _: object) -> ConnectorError | None:
    if answer.status == 200:
        return None
    if answer.status in {429, 503}:
        return Busy("busy", retry_after(answer.headers.get("retry-after"), NOW))
    if answer.status == 401:
        return TokenEnded("ended", "log in anew")
    return ConnectorError(f"status {answer.status}", "look", reason="forbidden")


@pytest.fixture
def rig() -> Callable[..., Rig]:
    return Rig
