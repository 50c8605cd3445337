"""The lab's throw-away certificates."""

import ssl
import stat
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509

from postwarden.lab import certificates


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Let the two contexts shake hands in memory, with the client asking for `name`."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = server.wrap_bio(to_server, to_client, server_side=True)
    other = client.wrap_bio(to_client, to_server, server_hostname=name)
    waiting = [other, one]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.0.0.2"])
def test_clients_of_the_authority_trust_the_server(tmp_path: Path, name: str) -> None:
    """A client that knows the authority verifies the server under each of its names."""
    made = certificates.make(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.certificate_file, made.key_file)
    handshake(server, ssl.create_default_context(cafile=str(made.ca_file)), name)


def test_other_names_and_authorities_are_refused(tmp_path: Path) -> None:
    """Neither another name nor another lab's authority verifies the server."""
    (tmp_path / "other").mkdir()
    made, other = certificates.make(tmp_path), certificates.make(tmp_path / "other")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.certificate_file, made.key_file)
    for authority, name in ((made.ca_file, "mail.example"), (other.ca_file, "localhost")):
        with pytest.raises(ssl.SSLCertVerificationError):
            handshake(server, ssl.create_default_context(cafile=str(authority)), name)


def test_the_server_is_no_authority(tmp_path: Path) -> None:
    """The server's certificate cannot sign another one, and its key is its owner's to read."""
    made = certificates.make(tmp_path)
    certificate = x509.load_pem_x509_certificate(made.certificate_file.read_bytes())
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert IPv4Address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
