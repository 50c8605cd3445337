"""NTLM at the lab's Exchange: the password, and the channel that the client believes to speak over."""

import os
import struct
from pathlib import Path

import pytest
import spnego
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from spnego.channel_bindings import GssChannelBindings

from postwarden.lab import certificates
from postwarden.lab.exchange.ntlm import (
    ChannelBinding,
    NtlmAcceptor,
    NtlmRefused,
    end_point_binding,
    is_negotiate,
)

LOGIN, PASSWORD = "CORP\\svc", "Wächter 1"


@pytest.fixture
def certificate(tmp_path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(certificates.make(tmp_path).certificate_file.read_bytes())


def bindings(certificate: x509.Certificate) -> GssChannelBindings:
    """What a client makes of the certificate it sees."""
    return GssChannelBindings(application_data=b"tls-server-end-point:" + certificate.fingerprint(SHA256()))


def shake_hands(
    folder: Path,
    certificate: x509.Certificate,
    policy: ChannelBinding,
    sent: GssChannelBindings | None,
    password: str = PASSWORD,
) -> str:
    users = folder / "users"
    users.write_text(f"CORP:svc:{PASSWORD}\n", encoding="utf-8")
    acceptor = NtlmAcceptor(users, binding=end_point_binding(certificate), policy=policy)
    client = spnego.client(
        LOGIN, password, protocol="ntlm", channel_bindings=sent, options=spnego.NegotiateOptions.use_ntlm
    )
    first = client.step()
    assert first is not None
    assert is_negotiate(first)
    last = client.step(acceptor.challenge(first))
    assert last is not None
    assert not is_negotiate(last)
    return acceptor.user(last)


@pytest.mark.parametrize("policy", ["required", "accepted", "off"])
def test_password_and_channel_prove_the_user(
    tmp_path: Path, certificate: x509.Certificate, policy: ChannelBinding
) -> None:
    """Who knows the password and sees our certificate is let in under every policy, by the name he gave."""
    before = os.environ.get("NTLM_USER_FILE")
    assert shake_hands(tmp_path, certificate, policy, bindings(certificate)) == LOGIN
    assert os.environ.get("NTLM_USER_FILE") == before


def test_a_client_that_sends_no_binding_is_refused_where_it_is_required(
    tmp_path: Path, certificate: x509.Certificate
) -> None:
    """Extended Protection refuses a client without a channel binding, unless that is accepted."""
    with pytest.raises(NtlmRefused, match="no channel binding") as caught:
        shake_hands(tmp_path, certificate, "required", None)
    assert caught.value.user == LOGIN
    assert shake_hands(tmp_path, certificate, "accepted", None) == LOGIN
    assert shake_hands(tmp_path, certificate, "off", None) == LOGIN


def test_a_relayed_client_is_refused(tmp_path: Path, certificate: x509.Certificate) -> None:
    """A client that saw another certificate, as behind a relay, is refused even where bindings are optional."""
    (tmp_path / "other").mkdir()
    other = x509.load_pem_x509_certificate(
        certificates.make(tmp_path / "other").certificate_file.read_bytes()
    )
    for policy in ("required", "accepted"):
        with pytest.raises(NtlmRefused, match="another channel's binding"):
            shake_hands(tmp_path, certificate, policy, bindings(other))
    assert shake_hands(tmp_path, certificate, "off", bindings(other)) == LOGIN


def test_a_wrong_password_is_refused(tmp_path: Path, certificate: x509.Certificate) -> None:
    """The right channel does not help who has not the password."""
    with pytest.raises(NtlmRefused, match="wrong password") as caught:
        shake_hands(tmp_path, certificate, "required", bindings(certificate), "guess")
    assert caught.value.user == LOGIN


@pytest.mark.parametrize(
    "message", [b"", b"NTLMSSP\0", b"NTLMSSP\0\x01\0\0\0", b"NTLMSSP\0\x03\0\0\0" + b"\xff" * 90]
)
def test_what_is_no_ntlm_is_refused(tmp_path: Path, certificate: x509.Certificate, message: bytes) -> None:
    """Bytes that are no message of NTLM are refused at either step."""
    users = tmp_path / "users"
    users.write_text("CORP:svc:x\n", encoding="utf-8")
    acceptor = NtlmAcceptor(users, binding=end_point_binding(certificate), policy="required")
    with pytest.raises(NtlmRefused):
        acceptor.challenge(message)
    with pytest.raises(NtlmRefused):
        acceptor.user(message)


def test_the_binding_is_that_of_the_certificate(certificate: x509.Certificate) -> None:
    """Our digest is that of the bindings which a client's library makes of the same certificate."""
    der = certificate.public_bytes(Encoding.DER)
    assert len(der) > 100
    packed = bindings(certificate).pack()
    assert packed == bytes(16) + struct.pack("<I", len(packed) - 20) + packed[20:]
