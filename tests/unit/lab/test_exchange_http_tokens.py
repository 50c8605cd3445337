"""The lab's identity platform: what an application must show for a token, and how long it holds."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from postwarden.lab.entra import Application, make_application
from postwarden.lab.exchange.tokens import TokenEndpoint
from tests.clock import Clock

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
URL = "https://localhost:1/tenant/oauth2/v2.0/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "https://outlook.office365.com/.default"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return make_application(tmp_path, tenant_id="tenant", client_id="app", client_secret="s3cret", name="lab")


@pytest.fixture
def endpoint(application: Application, clock: Clock) -> TokenEndpoint:
    return TokenEndpoint(application, url=URL, clock=clock, seconds=600)


def ask(endpoint: TokenEndpoint, **fields: str) -> tuple[int, Mapping[str, Any]]:
    form = {"grant_type": "client_credentials", "client_id": "app", "scope": SCOPE, **fields}
    reply = endpoint.reply(urlencode(form).encode())
    assert isinstance(reply.body, bytes)
    return reply.status, json.loads(reply.body)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def assertion(application: Application) -> Callable[..., str]:
    """Signs an assertion as the platform's documentation asks for it; what is given replaces what belongs there."""
    certificate = x509.load_pem_x509_certificate(application.certificate_file.read_bytes())
    key = serialization.load_pem_private_key(application.key_file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)

    def sign(*, header: Mapping[str, object] | None = None, **claims: object) -> str:
        head: dict[str, object] = {
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": base64url(certificate.fingerprint(hashes.SHA256())),
        }
        head |= dict(header or {})
        body = {
            "iss": "app",
            "sub": "app",
            "aud": URL,
            "jti": "1",
            "exp": int(NOW.timestamp()) + 300,
        } | claims
        parts = [
            base64url(json.dumps({name: v for name, v in part.items() if v is not None}).encode())
            for part in (head, body)
        ]
        signed = ".".join(parts).encode()
        kind = (
            padding.PKCS1v15()
            if head["alg"] == "RS256"
            else padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
        )
        return f"{signed.decode()}.{base64url(key.sign(signed, kind, hashes.SHA256()))}"

    return sign


def test_the_secret_gives_a_token_for_its_time(endpoint: TokenEndpoint, clock: Clock) -> None:
    """A token is valid from its making until it ends, and unknown ones never are."""
    status, answer = ask(endpoint, client_secret="s3cret")
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 600)
    assert endpoint.validity(answer["access_token"]) == "valid"
    assert endpoint.validity("other") == "unknown"
    clock.now += timedelta(seconds=600)
    assert endpoint.validity(answer["access_token"]) == "expired"
    assert (endpoint.given, endpoint.refused) == (1, 0)


def test_tokens_can_end_before_their_time(endpoint: TokenEndpoint) -> None:
    """A test can let all tokens end, as the platform does when an application loses its rights."""
    _, answer = ask(endpoint, client_secret="s3cret")
    endpoint.expire_all()
    assert endpoint.validity(answer["access_token"]) == "expired"
    _, second = ask(endpoint, client_secret="s3cret")
    assert endpoint.validity(second["access_token"]) == "valid"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({}, "invalid_client"),
        ({"client_secret": "s3cret", "client_id": "other"}, "unauthorized_client"),
        ({"client_secret": "s3cret", "grant_type": "password"}, "unsupported_grant_type"),
        ({"client_secret": "s3cret", "scope": "mail.read"}, "invalid_scope"),
    ],
)
def test_other_requests_get_no_token(endpoint: TokenEndpoint, fields: dict[str, str], error: str) -> None:
    """A wrong secret, application, grant or scope is refused with the error of RFC 6749."""
    status, answer = ask(endpoint, **fields)
    assert status in {400, 401}
    assert answer["error"] == error
    assert "access_token" not in answer
    assert endpoint.refused == 1


def test_a_request_that_is_no_form_is_refused(endpoint: TokenEndpoint) -> None:
    """Bytes that are no form give an error and no token."""
    reply = endpoint.reply(b"\xff\xfe")
    assert reply.status == 400


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
@pytest.mark.parametrize("thumbprint", ["x5t#S256", "x5t"])
def test_the_certificate_gives_a_token(
    endpoint: TokenEndpoint,
    application: Application,
    assertion: Callable[..., str],
    algorithm: str,
    thumbprint: str,
) -> None:
    """An assertion that the certificate's key signed gives a token, with either algorithm and thumbprint."""
    certificate = x509.load_pem_x509_certificate(application.certificate_file.read_bytes())
    digest = hashes.SHA256() if thumbprint == "x5t#S256" else hashes.SHA1()
    header = {"alg": algorithm, "x5t#S256": None, thumbprint: base64url(certificate.fingerprint(digest))}
    signed = assertion(header=header)
    status, answer = ask(endpoint, client_assertion_type=ASSERTION, client_assertion=signed)
    assert status == 200
    assert endpoint.validity(answer["access_token"]) == "valid"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"iss": "other"}, "iss is not"),
        ({"sub": "other"}, "sub is not"),
        ({"aud": "https://other/"}, "aud is not"),
        ({"exp": int(NOW.timestamp())}, "AADSTS700024"),
        ({"exp": int(NOW.timestamp()) + 200_000}, "live too long"),
        ({"exp": None}, "exp is no time"),
        ({"nbf": int(NOW.timestamp()) + 3000}, "AADSTS700024"),
        ({"jti": None}, "no jti"),
        ({"header": {"alg": "none"}}, "not PS256 or RS256"),
        ({"header": {"x5t#S256": None}}, "registered certificate"),
        ({"header": {"x5t#S256": "AAAA"}}, "registered certificate"),
    ],
)
def test_an_assertion_that_is_wrong_gives_no_token(
    endpoint: TokenEndpoint, assertion: Callable[..., str], wrong: dict[str, Any], words: str
) -> None:
    """Every claim and header that the platform checks is checked."""
    status, answer = ask(endpoint, client_assertion_type=ASSERTION, client_assertion=assertion(**wrong))
    assert (status, answer["error"]) == (401, "invalid_client")
    assert words in answer["error_description"]


def test_an_assertion_gives_one_token_only(endpoint: TokenEndpoint, assertion: Callable[..., str]) -> None:
    """The same assertion a second time is a replay."""
    signed = assertion()
    assert ask(endpoint, client_assertion_type=ASSERTION, client_assertion=signed)[0] == 200
    status, answer = ask(endpoint, client_assertion_type=ASSERTION, client_assertion=signed)
    assert status == 401
    assert "used before" in answer["error_description"]


@pytest.mark.parametrize("broken", ["", "a.b", "!.!.!", "e30.e30.e30", "W10.e30.AAAA"])
def test_what_is_no_assertion_is_refused(endpoint: TokenEndpoint, broken: str) -> None:
    """Text that is no JSON Web Token is refused, not misread."""
    status, _ = ask(endpoint, client_assertion_type=ASSERTION, client_assertion=broken)
    assert status == 401


def test_a_changed_assertion_is_refused(endpoint: TokenEndpoint, assertion: Callable[..., str]) -> None:
    """Claims that the key did not sign are worth nothing."""
    header, _, signature = assertion().split(".")
    claims = {"iss": "app", "sub": "app", "aud": URL, "jti": "2", "exp": int(NOW.timestamp()) + 300}
    forged = f"{header}.{base64url(json.dumps(claims).encode())}.{signature}"
    status, answer = ask(endpoint, client_assertion_type=ASSERTION, client_assertion=forged)
    assert status == 401
    assert "signature is invalid" in answer["error_description"]
