"""A key file as Google gives it for download, of a service account that is nobody's."""

import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@cache
def google_key() -> str:
    """Its text, the same each time."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return json.dumps({"client_id": "1", "client_email": "a@example.org", "private_key": pem.decode()})
