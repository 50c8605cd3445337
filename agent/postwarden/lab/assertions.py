"""Signed assertions that clients prove themselves with (RFC 7521, RFC 7523), as identity platforms check them.

An assertion is a JSON Web Token (RFC 7519) that names its issuer, its audience and its end. What each platform asks
for beyond that (which key the header names, whether it may be used twice) is its own business.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

Clock = Callable[[], datetime]

#: How far the clocks of client and platform may be apart.
SKEW = timedelta(minutes=5)
_PADDINGS: Mapping[str, AsymmetricPadding] = {
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
    "RS256": padding.PKCS1v15(),
}


class BadAssertion(Exception):
    """An assertion does not hold, and why; `expired` where only its time is wrong."""

    def __init__(self, why: str, *, expired: bool = False) -> None:
        super().__init__(why)
        self.expired = expired


def verified(
    assertion: str, key: rsa.RSAPublicKey, algorithms: tuple[str, ...]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of an assertion that `key` signed; BadAssertion where it did not."""
    parts = assertion.split(".")
    if len(parts) != 3:
        raise BadAssertion("it is no JSON Web Token")
    header, claims = _object(parts[0]), _object(parts[1])
    algorithm = str(header.get("alg"))
    if algorithm not in algorithms:
        raise BadAssertion(f"its algorithm is not {' or '.join(algorithms)}")
    try:
        key.verify(_bytes(parts[2]), f"{parts[0]}.{parts[1]}".encode(), _PADDINGS[algorithm], hashes.SHA256())
    except InvalidSignature as exc:
        raise BadAssertion("its signature is invalid") from exc
    return header, claims


def check_names(claims: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
    """Raise BadAssertion where a claim is not what the platform expects of it."""
    for name, value in wanted.items():
        if claims.get(name) != value:
            raise BadAssertion(f"{name} is not {value}")


def check_times(claims: Mapping[str, Any], now: datetime, longest: timedelta) -> None:
    """Raise BadAssertion where it has ended, has not begun, or would live too long."""
    expires = _time(claims, "exp")
    if expires <= now:
        raise BadAssertion("it has expired", expired=True)
    if expires > now + longest + SKEW:
        raise BadAssertion("it would live too long")
    for name in ("nbf", "iat"):
        if name in claims and _time(claims, name) > now + SKEW:
            raise BadAssertion(f"{name} lies ahead", expired=True)


class Replays:
    """Remembers the ids of assertions, each of which is good for one use."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seen: set[str] = set()

    def check(self, claims: Mapping[str, Any]) -> None:
        """Raise BadAssertion where it has no id (`jti`), or one that was seen before."""
        identity = claims.get("jti")
        if not isinstance(identity, str) or not identity:
            raise BadAssertion("it has no jti")
        with self._lock:
            if identity in self._seen:
                raise BadAssertion("its jti was used before")
            self._seen.add(identity)


def signed(
    header: Mapping[str, Any], claims: Mapping[str, Any], key: rsa.RSAPrivateKey, algorithm: str = "RS256"
) -> str:
    """A JSON Web Token of these claims."""
    whole = {"typ": "JWT", "alg": algorithm, **header}
    text = f"{base64url(json.dumps(whole).encode())}.{base64url(json.dumps(claims).encode())}"
    return f"{text}.{base64url(key.sign(text.encode(), _PADDINGS[algorithm], hashes.SHA256()))}"


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how far they are."""
    return secrets.compare_digest(given.encode(), expected.encode())


def base64url(data: bytes) -> str:
    """RFC 4648 section 5, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**36:
        raise BadAssertion(f"{name} is no time")
    return datetime.fromtimestamp(value, UTC)


def _object(part: str) -> Mapping[str, Any]:
    try:
        value = json.loads(_bytes(part))
    except ValueError as exc:
        raise BadAssertion("it is no JSON Web Token") from exc
    if not isinstance(value, dict):
        raise BadAssertion("it is no JSON Web Token")
    return value


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise BadAssertion("it is no JSON Web Token") from exc
