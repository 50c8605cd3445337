"""The log-in at Entra: whatever it answers is a token, an error of ours, or waited for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec
import pytest

from postwarden.connectors.graph.login import Login, fetcher
from postwarden.connectors.rest.patience import Busy, NotLetIn
from postwarden.connectors.rest.session import Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.errors import ConnectorError
from tests.unit.connectors.rest.endpoints import BUSY, NO_TOKENS, NOW, Endpoint, Told, refused

AUTHORITY = "https://login.example/tenant"
DOCUMENT = json.dumps(
    {
        "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
        "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
    }
).encode()
WELL_KNOWN, TOKEN = "/openid-configuration", "/token"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text("s3cret")
    return tmp_path


def fetch(folder: Path, answers: Mapping[str, Told | bytes]) -> Token:
    login = msgspec.convert({"client_id": "app", "secret": {"file": "secret"}}, Login)
    endpoint = Endpoint({WELL_KNOWN: DOCUMENT, **answers})
    make = fetcher(
        login, folder, AUTHORITY, "https://graph.example", lambda: cast("Bare", endpoint), lambda: NOW
    )
    return make()


def test_a_token_and_its_life_are_the_endpoints(folder: Path) -> None:
    """What it gave is used, for as long as it said; an identity token beside it, whatever it is, does not matter."""
    body = b'{"access_token":"abc","expires_in":3599,"token_type":"Bearer","id_token":"a","refresh_in":"x"}'
    token = fetch(folder, {TOKEN: body})
    assert (token.secret.reveal(), token.life) == ("abc", 3599.0)


@pytest.mark.parametrize("place", [WELL_KNOWN, TOKEN])
@pytest.mark.parametrize("status", BUSY)
def test_a_log_in_that_is_busy_is_asked_again(status: int, place: str, folder: Path) -> None:
    """A throttle or a broken server is no refusal: it is waited for as it asks."""
    error = refused(lambda: fetch(folder, {place: (status, b"busy", {"Retry-After": "7"})}))
    assert isinstance(error, Busy)
    assert error.wait == 7.0


@pytest.mark.parametrize("body", NO_TOKENS.values(), ids=list(NO_TOKENS))
def test_what_is_no_token_is_an_error_of_the_answer(body: bytes, folder: Path) -> None:
    """No form of answer crashes, and none is taken for a refusal that is not tried again."""
    error = refused(lambda: fetch(folder, {TOKEN: body}))
    assert isinstance(error, ConnectorError)
    assert error.reason == "malformed"


@pytest.mark.parametrize("body", [b"[]", b"null", b"[" * 100_000, b'{"token_endpoint":5}', b"\xff", b"{}"])
def test_what_is_no_well_known_document_is_an_error_of_the_answer(body: bytes, folder: Path) -> None:
    """The same for the document that names the token endpoint."""
    error = refused(lambda: fetch(folder, {WELL_KNOWN: body}))
    assert isinstance(error, ConnectorError)
    assert "login.example does not say" in error.message
    assert error.reason == "malformed"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"error":"invalid_client","error_description":"AADSTS7000215: swordfish"}', "invalid_client AADSTS7000215"),
        (400, b'{"error":{"code":1}}', "no token"),
        (400, b"[]", "no token"),
        (403, b"[" * 100_000, "no token"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_without_what_it_quotes(status: int, body: bytes, words: str, folder: Path) -> None:
    """The endpoint's word and number are shown, its sentence is not."""
    error = refused(lambda: fetch(folder, {TOKEN: (status, body, {})}))
    assert isinstance(error, NotLetIn)
    assert words in error.message


def test_a_tenant_that_is_not_there_is_a_refusal(folder: Path) -> None:
    """Where the well-known document is not found, tenant and urls are named as what to check."""
    error = refused(lambda: fetch(folder, {WELL_KNOWN: (404, b"<html>", {})}))
    assert isinstance(error, NotLetIn)
    assert "tenant" in (error.hint or "")


@pytest.mark.parametrize("place", [WELL_KNOWN, TOKEN])
def test_a_log_in_elsewhere_is_not_followed(place: str, folder: Path) -> None:
    """A redirect is an error."""
    error = refused(lambda: fetch(folder, {place: (302, b"", {"Location": "https://evil.example/"})}))
    assert isinstance(error, ConnectorError)
    assert error.reason == "malformed"
