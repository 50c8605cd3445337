"""Bearer tokens of the lab: JSON Web Tokens (RFC 7519) signed with a shared key (HS256, RFC 7518)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

ISSUER = "https://login.kitano-works.example/"
#: Seconds since 1970, far away on either side, so that the lab needs no clock.
_EXPIRES, _EXPIRED = 4102444800, 1262304000


def token(key: bytes, login: str, *, expired: bool = False) -> str:
    """A token that says that its bearer is `login`."""
    claims: dict[str, str | int] = {"iss": ISSUER, "sub": login, "exp": _EXPIRED if expired else _EXPIRES}
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_base64url(hmac.digest(key, signed.encode(), hashlib.sha256))}"


def _part(value: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(value).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
