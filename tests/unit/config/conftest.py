"""A folder of our own with a configuration in it, and a home that holds nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from postwarden.config import locate
from postwarden.config.settings import Config, decode

Configure = Callable[[str], Config]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place without any configuration: working folder, user's folder and system's folder are new."""
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("here", "user", "system", "state"):
        (tmp_path / name).mkdir(mode=0o755)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(locate, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(locate, "SYSTEM_STATE", tmp_path / "state")
    return tmp_path


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Decodes a configuration that lies in a new folder."""
    return lambda text: decode(text.encode(), tmp_path / "agent.toml")


@pytest.fixture
def certificate() -> Callable[[Path], None]:
    """Writes a self-signed certificate, as a CA file has one."""

    def written(path: Path) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        start = datetime(2026, 1, 1, tzinfo=UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, None)
        )
        path.write_bytes(made.public_bytes(Encoding.PEM))

    return written
