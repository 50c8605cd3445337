"""What a token endpoint answers (RFC 6749 section 5), looked at before any library sees it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from postwarden.connectors.https import place
from postwarden.connectors.rest.patience import Busy, retry_after
from postwarden.connectors.rest.session import MAX_ERROR, Answer, Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.errors import ConnectorError
from postwarden.formats import json_text
from postwarden.formats.json_text import JsonError
from postwarden.secrets import Secret

#: Statuses that pass by themselves, and the words for it that come with other statuses.
_LATER = frozenset({408, 429, 500, 502, 503, 504})
_LATER_WORDS = frozenset({"temporarily_unavailable", "server_error", "internal_failure"})
#: Seconds of a year: no token is good for longer.
_LONGEST_LIFE = 366 * 86_400


class _Given(Struct, frozen=True, kw_only=True):
    access_token: str
    expires_in: Annotated[float, Meta(ge=0, le=_LONGEST_LIFE)] = 300.0


class Refusal(Struct, frozen=True):
    """Why there is no token: the endpoint's word, and its sentence, which may quote what was sent."""

    error: str = ""
    error_description: str = ""

    @property
    def word(self) -> str:
        """The word where it may be shown, else nothing."""
        return (
            self.error if self.error.isascii() and self.error.isprintable() and len(self.error) < 60 else ""
        )


def ask(http: Bare, method: str, url: str, now: Callable[[], datetime], **options: Any) -> Answer:
    """An answer with status 200, or a refusal; raises Busy where it may come later, else ConnectorError."""
    with http.request(method, url, **options) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(response.status_code, headers, response.content)
    if answer.status in _LATER or (answer.status >= 400 and refusal(answer).error in _LATER_WORDS):
        wait = retry_after(headers.get("retry-after"), now())
        raise Busy(f"the log-in at {place(url)} is busy (status {answer.status})", wait)
    if answer.status != 200 and not 400 <= answer.status < 500:
        raise ConnectorError(
            f"the log-in at {place(url)} answered with status {answer.status}",
            "check the urls of this source, and the proxy before it",
            reason="unreachable" if answer.status >= 500 else "malformed",
        )
    return answer


def token(answer: Answer, url: str) -> Token:
    """The token that the endpoint gave; raises ConnectorError where it gave none that can be used."""
    try:
        given = json_text.parse(answer.body, _Given)
    except JsonError as error:
        # The decoder's words name types and places only; what was there stays out.
        raise ConnectorError(
            f"{place(url)} gave no token that can be read: {error.message}",
            "look at the server, or at the proxy before it",
            reason="malformed",
        ) from None
    return Token(Secret(given.access_token), given.expires_in)


def refusal(answer: Answer) -> Refusal:
    """What the endpoint says about it, as far as it says it as the RFC wants it."""
    if len(answer.body) > MAX_ERROR:
        return Refusal()
    try:
        found = json_text.parse(answer.body, dict[str, msgspec.Raw])
    except JsonError:
        return Refusal()
    return Refusal(_text(found.get("error")), _text(found.get("error_description"))[:2_000])


def _text(raw: msgspec.Raw | None) -> str:
    try:
        return json_text.item(raw, str) if raw is not None else ""
    except JsonError:
        return ""
