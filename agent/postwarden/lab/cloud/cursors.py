"""Cursors that a client can only hand back: signed, bound to what they are for, different each time."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import datetime

_SIGNATURE_BYTES = 12
_NONCE_BYTES = 6


class BadCursor(Exception):
    """A cursor was made by nobody here, for something else, or too long ago (`expired`)."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("the cursor has expired" if expired else "the cursor is not one of ours")
        self.expired = expired


class Cursors:
    """Makes and reads cursors; `issued` lets tests end all that are older."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._valid_from: float = 0

    def make(self, purpose: str, values: Sequence[int | str], now: datetime) -> str:
        """A cursor for `purpose` that holds `values`."""
        said = json.dumps([now.timestamp(), *values]).encode()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        # Hidden too, so that no client comes to depend on what is inside.
        hidden = bytes(a ^ b for a, b in zip(said, self._stream(nonce, len(said)), strict=True))
        return base64.urlsafe_b64encode(self._sign(purpose, nonce + hidden) + nonce + hidden).decode()

    def read(self, purpose: str, cursor: str) -> list[int | str]:
        """The values of a cursor that `make` gave for the same purpose; BadCursor otherwise."""
        try:
            raw = base64.b64decode(cursor, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as exc:
            raise BadCursor from exc
        signature, rest = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(purpose, rest)):
            raise BadCursor
        nonce, hidden = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        said = bytes(a ^ b for a, b in zip(hidden, self._stream(nonce, len(hidden)), strict=True))
        made, *values = json.loads(said)
        assert isinstance(made, float)
        if made < self._valid_from:
            raise BadCursor(expired=True)
        return [value if isinstance(value, int) else str(value) for value in values]

    def expire_all(self, now: datetime) -> None:
        """End every cursor that was made before now."""
        self._valid_from = now.timestamp()

    def _sign(self, purpose: str, rest: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + rest, "sha256")[:_SIGNATURE_BYTES]

    def _stream(self, nonce: bytes, length: int) -> bytes:
        return hashlib.shake_128(self._key + nonce).digest(length)
