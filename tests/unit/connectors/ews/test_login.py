"""How a log-in to Exchange may be written, and what is looked at before anything is connected to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import open_source
from postwarden.connectors.ews import login as ews_login
from postwarden.connectors.ews.login import Login, look
from postwarden.connectors.ews.source import Options
from postwarden.errors import ConfigError, SecretError
from postwarden.lab.entra import make_application
from postwarden.secrets import PrivateFile, SecretSource, read_whole

SECRET = SecretSource(env="POSTWARDEN_TEST")
NTLM = Login(mechanism="ntlm", user="EXAMPLE\\postwarden", secret=SECRET)
TOKEN = {"mechanism": "oauth", "client_id": "c", "tenant": "t", "secret": {"env": "X"}}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"mechanism": "ntlm"}, "are for oauth"),
        ({"client_id": None}, "needs client_id"),
        ({"tenant": None}, "either tenant or token_url"),
        ({"token_url": "https://x/token"}, "either tenant or token_url"),
        ({"tenant": None, "token_url": "http://x/token"}, "https://"),
        ({"secret": None}, "either secret or certificate"),
        ({"certificate": {"file": "x"}}, "either secret or certificate"),
        ({"secret": {"table": "x"}}, "one for all mailboxes"),
        ({"secret": {"command": ["x", "{login}"]}}, "one for all mailboxes"),
        ({"certificate": {"file": "x", "credential": "y"}}, "exactly one of credential, file"),
        ({"mechanism": "kerberos", "client_id": None, "tenant": None}, "from the environment"),
        ({"mechanism": "basic", "client_id": None, "tenant": None}, "needs user and secret"),
        ({"mechanism": "digest"}, "Invalid enum value"),
    ],
)
def test_a_login_that_cannot_work_is_refused(changed: dict[str, Any], words: str) -> None:
    """What is missing, too much, or of another mechanism is an error before anything is sent."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({**TOKEN, **changed}, Login)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": None}, "exactly one of url, autodiscover"),
        ({"autodiscover": "a@example.org"}, "exactly one of url, autodiscover"),
        ({"url": "http://mail.example.org/EWS/Exchange.asmx"}, "https://"),
        ({"url": "https://user:pw@mail.example.org/EWS/Exchange.asmx"}, "https://"),
        ({"url": "https://[::1"}, "https://"),
        ({"url": None, "autodiscover": "example.org"}, "mail address"),
        ({"connections": 0}, ">= 1"),
        ({"connections": 28}, "<= 27"),
        ({"access": "owner"}, "Invalid enum value"),
        ({"access": "delegate", "login": TOKEN}, "no mailbox of its own"),
        ({"hots": 1}, "unknown field"),
    ],
)
def test_options_that_cannot_work_are_refused(changed: dict[str, Any], words: str) -> None:
    """Only https, one place, a bounded number of connections, and access that is named."""
    options = {
        "url": "https://mail.example.org/EWS/Exchange.asmx",
        "access": "impersonation",
        "login": {"mechanism": "basic", "user": "u", "secret": {"env": "X"}},
    }
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({**options, **changed}, Options)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the library for tickets, the message says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "requests_gssapi", None)
    with pytest.raises(ConfigError, match=r"postwarden\[kerberos\]") as caught:
        look(Login(mechanism="kerberos"), tmp_path)
    assert "pip install" in str(caught.value.hint)


def test_a_missing_secret_is_an_error_before_anything_is_connected_to(tmp_path: Path) -> None:
    """`prepare` looks for it, and names the place."""
    entry = SourceEntry(
        name="exchange",
        kind="ews",
        options={
            "url": "https://mail.example.org/EWS/Exchange.asmx",
            "access": "impersonation",
            "login": {"mechanism": "basic", "user": "u", "secret": {"file": "nowhere"}},
        },
    )
    made = open_source(
        entry, 0, decode(b"", tmp_path / "agent.toml"), lambda: datetime(2026, 11, 23, tzinfo=UTC)
    )
    with pytest.raises(SecretError, match="nowhere"):
        made.prepare([])


def test_an_assertion_names_its_certificate_and_ends_soon(tmp_path: Path) -> None:
    """The application signs with its own key, for this endpoint, for minutes."""
    application = make_application(tmp_path, tenant_id="t", client_id="app", client_secret="s", name="app")
    pem = application.key_file.read_text() + application.certificate_file.read_text()
    (tmp_path / "app.pem").touch(mode=0o600)
    (tmp_path / "app.pem").write_text(pem)
    login = Login(mechanism="oauth", client_id="app", tenant="t", certificate=PrivateFile(file="app.pem"))
    look(login, tmp_path)
    assert login.certificate is not None
    signed = ews_login._assertion(
        login, read_whole(login.certificate, tmp_path), "https://token.example", 1e9
    )
    certificate = x509.load_pem_x509_certificate(application.certificate_file.read_bytes())
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    told = jwt.decode(
        signed,
        key,
        algorithms=["PS256"],
        audience="https://token.example",
        options={"verify_exp": False, "verify_nbf": False},
    )
    assert (told["iss"], told["sub"], told["exp"] - told["nbf"]) == ("app", "app", 300)
    again = ews_login._assertion(login, read_whole(login.certificate, tmp_path), "https://token.example", 1e9)
    assert jwt.decode(again, options={"verify_signature": False})["jti"] != told["jti"]


@pytest.mark.parametrize(
    "content", ["", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_certificate_that_is_none_is_named_and_not_shown(content: str, tmp_path: Path) -> None:
    """The error names the file and nothing of what is in it."""
    (tmp_path / "app.pem").touch(mode=0o600)
    (tmp_path / "app.pem").write_text(content)
    login = Login(mechanism="oauth", client_id="app", tenant="t", certificate=PrivateFile(file="app.pem"))
    with pytest.raises(SecretError, match=r"app\.pem") as caught:
        look(login, tmp_path)
    assert "AAAA" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_a_key_of_another_kind_is_refused_in_words(tmp_path: Path) -> None:
    """Only RSA keys sign such assertions; another key is an error of the configuration, no crash."""
    application = make_application(tmp_path, tenant_id="t", client_id="app", client_secret="s", name="app")
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "app.pem").touch(mode=0o600)
    (tmp_path / "app.pem").write_bytes(other + application.certificate_file.read_bytes())
    login = Login(mechanism="oauth", client_id="app", tenant="t", certificate=PrivateFile(file="app.pem"))
    with pytest.raises(SecretError, match="is not usable") as caught:
        look(login, tmp_path)
    assert "RSA" in str(caught.value.hint)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A private key is a secret like a password."""
    (tmp_path / "app.pem").write_text("x")
    (tmp_path / "app.pem").chmod(0o644)
    with pytest.raises(SecretError, match="can be read or written by others"):
        read_whole(PrivateFile(file="app.pem"), tmp_path)


def test_a_credential_may_hold_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under systemd the whole file comes as a credential, with its lines."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "exchange").write_text("one\ntwo\n")
    assert read_whole(PrivateFile(credential="exchange"), Path("/")).reveal() == "one\ntwo\n"
    with pytest.raises(SecretError, match="is not a credential's name"):
        read_whole(PrivateFile(credential="../exchange"), Path("/"))


@pytest.mark.parametrize(
    ("login", "name"),
    [(NTLM, "EXAMPLE\\postwarden"), (Login(mechanism="kerberos"), "the Kerberos ticket's owner")],
)
def test_messages_name_the_identity(login: Login, name: str) -> None:
    """Whoever was refused is named, whatever the mechanism."""
    assert login.name == name
    assert login.token_endpoint is None
