"""The log-in at Google: whatever it answers is a token, an error of ours, or waited for."""

import json
from pathlib import Path
from typing import cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from postwarden.connectors.google.login import Login, ScopeMissing, fetcher
from postwarden.connectors.rest.patience import Busy, NotLetIn
from postwarden.connectors.rest.session import Bare
from postwarden.connectors.rest.tokens import Token
from postwarden.errors import ConnectorError
from tests.unit.connectors.rest.endpoints import BUSY, NO_TOKENS, NOW, Endpoint, Told, refused

PEM = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key.json").touch(mode=0o600)
    key = {"client_id": "1", "client_email": "robot@lab.example", "private_key": PEM.decode()}
    (tmp_path / "key.json").write_text(json.dumps(key))
    return tmp_path


def fetch(folder: Path, answer: Told | bytes) -> Token:
    login = msgspec.convert({"key": {"file": "key.json"}, "admin": "admin@lab.example"}, Login)
    endpoint = Endpoint({"/token": answer})
    make = fetcher(
        login,
        folder,
        "https://oauth.example/token",
        "some.scope",
        "admin@lab.example",
        lambda: cast("Bare", endpoint),
        lambda: NOW,
    )
    return make()


def test_a_token_and_its_life_are_the_endpoints(folder: Path) -> None:
    """What it gave is used, for as long as it said."""
    token = fetch(folder, b'{"access_token":"abc","expires_in":3599}')
    assert (token.secret.reveal(), token.life) == ("abc", 3599.0)


@pytest.mark.parametrize("status", BUSY)
def test_a_log_in_that_is_busy_is_asked_again(status: int, folder: Path) -> None:
    """A throttle or a broken server is no refusal: it is waited for as it asks."""
    error = refused(lambda: fetch(folder, (status, b"busy", {"Retry-After": "7"})))
    assert isinstance(error, Busy)
    assert error.wait == 7.0


def test_a_word_for_busy_is_no_refusal(folder: Path) -> None:
    """Some say it with another status."""
    error = refused(lambda: fetch(folder, (400, b'{"error":"temporarily_unavailable"}', {})))
    assert isinstance(error, Busy)


@pytest.mark.parametrize("body", NO_TOKENS.values(), ids=list(NO_TOKENS))
def test_what_is_no_token_is_an_error_of_the_answer(body: bytes, folder: Path) -> None:
    """No form of answer crashes, and none is told as a key file that is not usable."""
    error = refused(lambda: fetch(folder, body))
    assert isinstance(error, ConnectorError)
    assert error.reason == "malformed"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"error":"invalid_grant","error_description":"swordfish"}', "invalid_grant"),
        (403, b'{"error":{"code":403,"status":"X"}}', "status 403"),
        (400, b"[]", "status 400"),
        (400, b"\xff", "status 400"),
        (400, b"[" * 100_000, "status 400"),
    ],
)
def test_a_refusal_is_told_without_what_it_quotes(status: int, body: bytes, words: str, folder: Path) -> None:
    """The endpoint's word is shown, or its status; its sentence is not."""
    error = refused(lambda: fetch(folder, (status, body, {})))
    assert isinstance(error, NotLetIn)
    assert words in error.message


def test_a_scope_that_is_not_given_is_named(folder: Path) -> None:
    """What the delegation lacks is a gap of its checks alone."""
    error = refused(lambda: fetch(folder, (401, b'{"error":"unauthorized_client"}', {})))
    assert isinstance(error, ScopeMissing)
    assert "some.scope" in error.message
