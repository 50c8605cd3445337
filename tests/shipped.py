"""The files that the shipped agent.toml names, so that its examples can be opened."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def write_secrets(folder: Path, secret: str) -> None:
    """Every secret and key that it names, as private files."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = {"client_id": "1", "client_email": "postwarden@example.org", "private_key": pem.decode()}
    contents = dict.fromkeys(
        ("imap.secret", "exchange.secret", "graph.secret", "keycloak.secret"), secret + "\n"
    )
    for name, content in {**contents, "google-key.json": json.dumps(key)}.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content)
