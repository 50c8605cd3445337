"""The lab's bearer tokens."""

import base64
import hashlib
import hmac
import json

from postwarden.lab import tokens


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_token_is_signed_for_its_bearer() -> None:
    """A token is a JSON Web Token whose HS256 signature verifies and whose subject is the login."""
    header, claims, signature = tokens.token(b"k" * 32, "scanner").split(".")
    assert json.loads(decoded(header)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(decoded(claims))["sub"] == "scanner"
    expected = hmac.digest(b"k" * 32, f"{header}.{claims}".encode(), hashlib.sha256)
    assert decoded(signature) == expected


def test_an_expired_token_expired_long_ago() -> None:
    """An expired token says so, and differs from a good one in nothing else."""
    good, expired = (
        json.loads(decoded(tokens.token(b"k", "scanner", expired=choice).split(".")[1]))
        for choice in (False, True)
    )
    assert expired.pop("exp") < 1_500_000_000 < good.pop("exp")
    assert good == expired
