"""How the cloud's sources may be written, and what is looked at before anything is connected to."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from postwarden.config.settings import SourceEntry, decode
from postwarden.connectors import Source, open_source
from postwarden.connectors.google.source import Options as GoogleOptions
from postwarden.connectors.graph.clouds import CLOUDS
from postwarden.connectors.graph.rights import NEEDS, Claims, beyond, claims, missing
from postwarden.connectors.graph.source import Options as GraphOptions
from postwarden.connectors.keycloak.source import Options as KeycloakOptions
from postwarden.errors import SecretError
from postwarden.lab.entra import make_application
from postwarden.secrets import Secret

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRAPH = {"tenant": "example.org", "login": {"client_id": "c", "secret": {"env": "X"}}}
GOOGLE = {"login": {"key": {"file": "key.json"}, "admin": "admin@example.org"}}
KEYCLOAK = {
    "url": "https://sso.example.org", "realm": "r", "login": {"client_id": "c", "secret": {"env": "X"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tenant": ""}, "tenant must be"),
        ({"tenant": "a/../b"}, "tenant must be"),
        ({"tenant": "a?x"}, "tenant must be"),
        ({"login": {"client_id": "c"}}, "either secret or certificate"),
        (
            {"login": {"client_id": "c", "secret": {"env": "X"}, "certificate": {"file": "x"}}},
            "either secret",
        ),
        ({"login": {"client_id": "c", "secret": {"table": "x"}}}, "one for the tenant"),
        ({"cloud": "germany"}, "Invalid enum value"),
        ({"version": "v2.0"}, "Invalid enum value"),
        ({"connections": 5}, "<= 4"),
        ({"connections": 0}, ">= 1"),
        ({"identity": "incident"}, "needs until"),
        ({"until": date(2026, 12, 1)}, "needs until"),
        ({"urls": {"login": "http://x", "graph": "https://y", "exchange": "https://z"}}, "must be https"),
        ({"urls": {"login": "https://x/y", "graph": "https://y", "exchange": "https://z"}}, "without a path"),
        ({"hots": 1}, "unknown field"),
    ],
)
def test_a_tenant_that_cannot_be_read_is_refused(changed: dict[str, Any], words: str) -> None:
    """Other places than https, more at once than Outlook takes, or a case without an end are errors at once."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({**GRAPH, **changed}, GraphOptions)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"login": {"key": {"file": "x"}, "admin": "admin"}}, "administrator's address"),
        ({"login": {"key": {}, "admin": "a@b.example"}}, "exactly one"),
        ({"identity": "incident"}, "needs until"),
        ({"urls": {"token": "http://x"}}, "https://"),
        ({"connections": 17}, "<= 16"),
    ],
)
def test_a_domain_that_cannot_be_read_is_refused(changed: dict[str, Any], words: str) -> None:
    """An administrator, a key, and https."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({**GOOGLE, **changed}, GoogleOptions)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "http://sso.example.org"}, "https://"),
        ({"url": "https://u:p@sso.example.org"}, "https://"),
        ({"url": "https://sso.example.org?x"}, "https://"),
        ({"realm": ""}, "realm must be"),
        ({"realm": "a/b"}, "realm must be"),
        ({"realm": ".."}, "realm must be"),
        ({"login": {"client_id": "c", "secret": {"table": "x"}}}, "one for the realm"),
    ],
)
def test_a_realm_that_cannot_be_read_is_refused(changed: dict[str, Any], words: str) -> None:
    """https, and a realm that stays in its place."""
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.convert({**KEYCLOAK, **changed}, KeycloakOptions)


def test_every_national_cloud_has_its_own_places() -> None:
    """No cloud's tokens go to another cloud's Graph."""
    graphs = [urls.graph for urls in CLOUDS.values()]
    assert len(set(graphs)) == len(graphs) == 4
    assert msgspec.convert({**GRAPH, "cloud": "china"}, GraphOptions).places.graph.endswith(
        "chinacloudapi.cn"
    )


def opened(kind: str, options: dict[str, Any], folder: Path) -> Source:
    entry = SourceEntry(name="here", kind=kind, options=options)
    return open_source(entry, 0, decode(b"", folder / "agent.toml"), lambda: NOW)


def private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("graph", {**GRAPH, "login": {"client_id": "c", "secret": {"file": "nowhere"}}}),
        ("graph", {**GRAPH, "login": {"client_id": "c", "certificate": {"file": "nowhere"}}}),
        ("google", {"login": {"key": {"file": "nowhere"}, "admin": "a@b.example"}}),
        ("keycloak", {**KEYCLOAK, "login": {"client_id": "c", "secret": {"file": "nowhere"}}}),
    ],
)
def test_a_missing_secret_is_an_error_before_anything_is_connected_to(
    kind: str, options: dict[str, Any], tmp_path: Path
) -> None:
    """`prepare` looks for it, and names the place."""
    with pytest.raises(SecretError, match="nowhere"):
        opened(kind, options, tmp_path).prepare([])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"client_id":"1"}',
        "swordfish",
        '{"client_id":"1","client_email":"a@b.example","private_key":"swordfish"}',
    ],
)
def test_a_key_file_that_is_none_is_named_and_not_shown(text: str, tmp_path: Path) -> None:
    """The error names the file and nothing of what is in it."""
    private(tmp_path / "key.json", text)
    with pytest.raises(SecretError, match=r"key\.json") as caught:
        opened("google", GOOGLE, tmp_path).prepare([])
    assert "swordfish" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_keys_of_another_kind_are_refused(tmp_path: Path) -> None:
    """Only RSA keys sign such assertions."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = {"client_id": "1", "client_email": "a@b.example", "private_key": pem.decode()}
    private(tmp_path / "key.json", json.dumps(key))
    with pytest.raises(SecretError, match="not usable"):
        opened("google", GOOGLE, tmp_path).prepare([])
    application = make_application(tmp_path, tenant_id="t", client_id="app", client_secret="s", name="app")
    private(tmp_path / "app.pem", pem.decode() + application.certificate_file.read_text())
    certificate = {"client_id": "c", "certificate": {"file": "app.pem"}}
    with pytest.raises(SecretError, match="not usable"):
        opened("graph", {**GRAPH, "login": certificate}, tmp_path).prepare([])


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A key file is a secret like a password."""
    (tmp_path / "key.json").write_text("{}")
    (tmp_path / "key.json").chmod(0o644)
    with pytest.raises(SecretError, match="can be read or written by others"):
        opened("google", GOOGLE, tmp_path).prepare([])


def test_larger_rights_do_what_smaller_ones_do() -> None:
    """What is there under another name is not missing, and is beyond need."""
    held = frozenset({"Directory.Read.All", "MailboxSettings.ReadWrite", "AuditLog.Read.All"})
    assert missing(held, NEEDS) == ()
    assert [name for name, _ in beyond(held, NEEDS)] == ["MailboxSettings.ReadWrite"]
    assert {need.permission for need in missing(frozenset(), NEEDS)} == {need.permission for need in NEEDS}


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "a.!!!!.c", "a.bnVsbA.c", "a.b.c.d"])
def test_a_token_that_tells_nothing_has_no_claims(text: str) -> None:
    """Whatever the token is, reading it does not fail."""
    assert claims(Secret(text)) is None or claims(Secret(text)) == Claims()
