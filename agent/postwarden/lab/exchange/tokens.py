"""The lab's identity platform: a token endpoint for client credentials, whose access tokens are opaque."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Literal

from postwarden.lab.assertions import Clock
from postwarden.lab.entra import Application, ClientCheck, TokenRefused, form_fields
from postwarden.lab.https import Reply

#: What a bearer token is worth.
Validity = Literal["valid", "expired", "unknown"]


class TokenEndpoint:
    """Issues access tokens, and says what a token is worth."""

    def __init__(self, application: Application, *, url: str, clock: Clock, seconds: int) -> None:
        """Tokens are valid for `seconds`, and say so. `url` is the audience that assertions must name."""
        self.seconds = seconds
        self._check = ClientCheck(application, url=url, clock=clock)
        self._clock = clock
        self._lock = Lock()
        self._issued: dict[str, datetime] = {}
        #: How often a token was given out, and refused.
        self.given = 0
        self.refused = 0

    def reply(self, form: bytes) -> Reply:
        """The answer to a token request."""
        try:
            self._check.authenticate(form_fields(form))
        except TokenRefused as refused:
            with self._lock:
                self.refused += 1
            return _json(refused.status, {"error": refused.error, "error_description": refused.words})
        token = secrets.token_urlsafe(48)
        with self._lock:
            self.given += 1
            self._issued[token] = self._clock() + timedelta(seconds=self.seconds)
        said = {"token_type": "Bearer", "expires_in": self.seconds, "ext_expires_in": self.seconds}
        return _json(200, {**said, "access_token": token})

    def validity(self, token: str) -> Validity:
        with self._lock:
            expires = self._issued.get(token)
        if expires is None:
            return "unknown"
        return "valid" if self._clock() < expires else "expired"

    def expire_all(self) -> None:
        """From now on, every token given out is expired, whatever it said."""
        with self._lock:
            self._issued = dict.fromkeys(self._issued, self._clock())


def _json(status: int, value: Mapping[str, object]) -> Reply:
    headers = (("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store, no-cache"))
    return Reply(status, headers, json.dumps(value).encode())
