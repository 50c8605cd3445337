"""NTLM over HTTP as IIS does it (MS-NTHT): it proves who opened a connection, and holds for that connection.

pyspnego verifies the user's response. Extended Protection is verified here, since pyspnego takes a client that sends
an empty channel binding for a good one.
"""

import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Literal

import spnego
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding
from spnego.exceptions import SpnegoError

#: What the server asks of a client's channel binding. `accepted` takes a client that sends none, as old ones do.
ChannelBinding = Literal["required", "accepted", "off"]

#: pyspnego reads the users' file from the environment, which all threads share.
_ENVIRONMENT = Lock()
_VARIABLE = "NTLM_USER_FILE"

_CHANNEL_BINDINGS, _END_OF_LIST = 10, 0
_NONE = bytes(16)


class NtlmRefused(Exception):
    """The client did not prove who it is; `user` as it called itself, and why."""

    def __init__(self, user: str, why: str) -> None:
        super().__init__(why)
        self.user = user
        self.why = why


class NtlmAcceptor:
    """One handshake: a negotiate message gives a challenge, an authenticate message the user."""

    def __init__(self, users: Path, *, binding: bytes, policy: ChannelBinding) -> None:
        """`users` has lines of DOMAIN:user:password or :user@domain:password, `binding` is our certificate's."""
        self._users = users
        self._binding = binding
        self._policy = policy
        with _user_file(users):
            self._context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)

    def challenge(self, negotiate: bytes) -> bytes:
        """The challenge for the client's first message; NtlmRefused where it is none."""
        try:
            with _user_file(self._users):
                answer = self._context.step(negotiate)
        except (SpnegoError, ValueError, struct.error) as exc:
            raise NtlmRefused("", "the first message is no NTLM") from exc
        if answer is None:
            raise NtlmRefused("", "the first message is no NTLM")
        return answer

    def user(self, authenticate: bytes) -> str:
        r"""`DOMAIN\user` or `user@domain` as the client called itself and proved; NtlmRefused where it did not."""
        named, response = _claims(authenticate)
        try:
            with _user_file(self._users):
                self._context.step(authenticate)
        except (SpnegoError, ValueError, struct.error) as exc:
            raise NtlmRefused(named, "wrong password or unknown user") from exc
        sent = _channel_binding(response)
        if self._policy == "required" and sent != self._binding:
            raise NtlmRefused(named, "no channel binding" if sent == _NONE else "another channel's binding")
        if self._policy == "accepted" and sent not in {self._binding, _NONE}:
            raise NtlmRefused(named, "another channel's binding")
        return named


def is_negotiate(message: bytes) -> bool:
    """Whether an NTLM message is the first of a handshake (MS-NLMP 2.2.1.1)."""
    return message[:12] == b"NTLMSSP\0" + struct.pack("<I", 1)


def end_point_binding(certificate: x509.Certificate) -> bytes:
    """What a client that sees this certificate sends: MD5 over the GSS channel bindings of RFC 2744 section 3.11.

    Their application data is `tls-server-end-point` (RFC 5929 section 4): the certificate's digest, in SHA-256
    where its signature uses MD5 or SHA-1.
    """
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name in {"md5", "sha1"}:
        algorithm = SHA256()
    digest = Hash(algorithm)
    digest.update(certificate.public_bytes(Encoding.DER))
    data = b"tls-server-end-point:" + digest.finalize()
    bindings = bytes(16) + struct.pack("<I", len(data)) + data
    return hashlib.md5(bindings, usedforsecurity=False).digest()


def _claims(authenticate: bytes) -> tuple[str, bytes]:
    """The user's name and the NT response of an authenticate message (MS-NLMP 2.2.1.3)."""
    try:
        if authenticate[:12] != b"NTLMSSP\0" + struct.pack("<I", 3):
            raise NtlmRefused("", "the last message is no NTLM")
        encoding = "utf-16-le" if struct.unpack_from("<I", authenticate, 60)[0] & 1 else "latin-1"
        domain = _payload(authenticate, 28).decode(encoding)
        user = _payload(authenticate, 36).decode(encoding)
        response = _payload(authenticate, 20)
    except (struct.error, UnicodeDecodeError) as exc:
        raise NtlmRefused("", "the last message is no NTLM") from exc
    return f"{domain}\\{user}" if domain else user, response


def _payload(message: bytes, field: int) -> bytes:
    """What a field of length and offset points to."""
    length, _, offset = struct.unpack_from("<HHI", message, field)
    return message[offset : offset + length]


def _channel_binding(response: bytes) -> bytes:
    """MsvAvChannelBindings of an NTLMv2 response (MS-NLMP 2.2.2.1, 2.2.2.8); zeros where there is none.

    The proof at the response's head covers the pairs, so that nobody on the way can have changed them.
    """
    position = 16 + 28
    while position + 4 <= len(response):
        kind, length = struct.unpack_from("<HH", response, position)
        if kind == _END_OF_LIST:
            break
        if kind == _CHANNEL_BINDINGS:
            return response[position + 4 : position + 4 + length]
        position += 4 + length
    return _NONE


@contextmanager
def _user_file(users: Path) -> Iterator[None]:
    with _ENVIRONMENT:
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = str(users)
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
