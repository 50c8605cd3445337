"""The lab's identity platform: an OAuth 2.0 token endpoint for client credentials (RFC 6749 section 4.4).

An application proves itself with its secret or with its certificate: a signed assertion (RFC 7523), as Microsoft's
platform asks for it: PS256 or RS256, the certificate's thumbprint in the header. Access tokens are opaque.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from postwarden.lab.exchange.http import Reply

Clock = Callable[[], datetime]
#: What a bearer token is worth.
Validity = Literal["valid", "expired", "unknown"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_VALID = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC))
#: Assertions live for minutes; the platform refuses those that would live for days.
_LONGEST = timedelta(days=1)
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True)
class Application:
    """The registered application: its secret, and its certificate with the key to it (PEM files)."""

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    certificate_file: Path
    key_file: Path


class TokenRefused(Exception):
    """A token request was refused: an error of RFC 6749 section 5.2, and the platform's own words."""

    def __init__(self, error: str, words: str, status: int = 401) -> None:
        super().__init__(words)
        self.error = error
        self.words = words
        self.status = status


class TokenEndpoint:
    """Issues access tokens, and says what a token is worth."""

    def __init__(self, application: Application, *, url: str, clock: Clock, seconds: int) -> None:
        """Tokens are valid for `seconds`, and say so. `url` is the audience that assertions must name."""
        self.seconds = seconds
        self._application = application
        self._certificate = x509.load_pem_x509_certificate(application.certificate_file.read_bytes())
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._issued: dict[str, datetime] = {}
        self._seen: set[str] = set()
        #: How often a token was given out, and refused.
        self.given = 0
        self.refused = 0

    def reply(self, form: bytes) -> Reply:
        """The answer to a token request."""
        try:
            self._authenticate(_fields(form))
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

    def _authenticate(self, fields: Mapping[str, str]) -> None:
        if fields.get("grant_type") != "client_credentials":
            raise TokenRefused(
                "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.", 400
            )
        if not fields.get("scope", "").endswith("/.default"):
            raise TokenRefused("invalid_scope", "AADSTS1002012: The scope must end in /.default.", 400)
        if fields.get("client_id") != self._application.client_id:
            raise TokenRefused(
                "unauthorized_client", "AADSTS700016: Application not found in the directory.", 400
            )
        if fields.get("client_assertion_type") == _ASSERTION_TYPE:
            self._check_assertion(fields.get("client_assertion", ""))
        elif not secrets.compare_digest(
            fields.get("client_secret", "").encode(), self._application.client_secret.encode()
        ):
            raise TokenRefused("invalid_client", "AADSTS7000215: Invalid client secret provided.")

    def _check_assertion(self, assertion: str) -> None:
        """RFC 7523 section 3, and what Microsoft's platform adds: which key, and how long."""
        header, claims = self._verified(assertion)
        thumbprints = {"x5t#S256": hashes.SHA256(), "x5t": hashes.SHA1()}  # noqa: S303 (x5t is defined so)
        named = [name for name in thumbprints if name in header]
        if not named or any(
            header[name] != _base64url(self._certificate.fingerprint(thumbprints[name])) for name in named
        ):
            raise _bad_assertion("the header does not name the registered certificate")
        wanted = {"iss": self._application.client_id, "sub": self._application.client_id, "aud": self._url}
        for name, value in wanted.items():
            if claims.get(name) != value:
                raise _bad_assertion(f"{name} is not {value}")
        now, expires = self._clock(), _time(claims, "exp")
        if expires <= now:
            raise TokenRefused(
                "invalid_client", "AADSTS700024: Client assertion is not within its time range."
            )
        if expires > now + _LONGEST:
            raise _bad_assertion("it would live too long")
        if "nbf" in claims and _time(claims, "nbf") > now + _SKEW:
            raise TokenRefused(
                "invalid_client", "AADSTS700024: Client assertion is not within its time range."
            )
        identity = claims.get("jti")
        if not isinstance(identity, str) or not identity:
            raise _bad_assertion("it has no jti")
        with self._lock:
            if identity in self._seen:
                raise _bad_assertion("its jti was used before")
            self._seen.add(identity)

    def _verified(self, assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Header and claims of an assertion that the registered key signed."""
        parts = assertion.split(".")
        if len(parts) != 3:
            raise _bad_assertion("it is no JSON Web Token")
        header, claims = _object(parts[0]), _object(parts[1])
        key = self._certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        paddings = {
            "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size),
            "RS256": padding.PKCS1v15(),
        }
        kind = paddings.get(str(header.get("alg")))
        if kind is None:
            raise _bad_assertion("its algorithm is neither PS256 nor RS256")
        try:
            key.verify(_bytes(parts[2]), f"{parts[0]}.{parts[1]}".encode(), kind, hashes.SHA256())
        except InvalidSignature as exc:
            raise _bad_assertion("its signature is invalid") from exc
        return header, claims


def make_application(
    folder: Path, *, tenant_id: str, client_id: str, client_secret: str, name: str
) -> Application:
    """Register an application; its certificate, which signs itself, and its key are written to `folder`."""
    key = _key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID[0])
        .not_valid_after(_VALID[1])
        .sign(key, hashes.SHA256())
    )
    made = Application(
        tenant_id, client_id, client_secret, folder / "application.pem", folder / "application.key"
    )
    made.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key_file.touch(mode=0o600)
    made.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


@cache
def _key() -> rsa.RSAPrivateKey:
    """One key a process: to make it takes a good part of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _fields(form: bytes) -> Mapping[str, str]:
    try:
        found = parse_qs(form.decode("ascii"), max_num_fields=20)
    except ValueError as exc:
        raise TokenRefused("invalid_request", "AADSTS900144: The request body is no form.", 400) from exc
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _time(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if not isinstance(value, int) or not 0 < value < 2**36:
        raise _bad_assertion(f"{name} is no time")
    return datetime.fromtimestamp(value, UTC)


def _object(part: str) -> Mapping[str, Any]:
    try:
        value = json.loads(_bytes(part))
    except ValueError as exc:
        raise _bad_assertion("it is no JSON Web Token") from exc
    if not isinstance(value, dict):
        raise _bad_assertion("it is no JSON Web Token")
    return value


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _bad_assertion("it is no JSON Web Token") from exc


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bad_assertion(why: str) -> TokenRefused:
    return TokenRefused("invalid_client", f"AADSTS700027: Client assertion failed validation: {why}.")


def _json(status: int, value: Mapping[str, object]) -> Reply:
    headers = (("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store, no-cache"))
    return Reply(status, headers, json.dumps(value).encode())
