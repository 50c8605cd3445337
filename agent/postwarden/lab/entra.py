"""How Microsoft's identity platform knows a client that asks for a token of its own (RFC 6749 section 4.4).

An application proves itself with its secret or with its certificate: a signed assertion (RFC 7523), as the platform
asks for it: PS256 or RS256, the certificate's thumbprint in the header.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from postwarden.lab import assertions
from postwarden.lab.assertions import BadAssertion, Clock

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_VALID = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC))
#: Assertions live for minutes; the platform refuses those that would live for days.
_LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class Application:
    """The registered application: its secret, and its certificate with the key to it (PEM files)."""

    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    certificate_file: Path
    key_file: Path


class TokenRefused(Exception):
    """A token request was refused: an error of RFC 6749 section 5.2, and the platform's own words."""

    def __init__(self, error: str, words: str, status: int = 401) -> None:
        super().__init__(words)
        self.error = error
        self.words = words
        self.status = status


class ClientCheck:
    """Knows one application by its secret or its certificate."""

    def __init__(self, application: Application, *, url: str, clock: Clock, once: bool = True) -> None:
        """`url` is the token endpoint's own, which is the audience that assertions must name.

        With `once`, an assertion is good for one token. Microsoft's platform does not insist on that: its own library
        for Python uses one until it ends.
        """
        self._once = once
        self._application = application
        self._certificate = x509.load_pem_x509_certificate(application.certificate_file.read_bytes())
        self._url = url
        self._clock = clock
        self._replays = assertions.Replays()

    def authenticate(self, fields: Mapping[str, str]) -> None:
        """Raise TokenRefused unless the form of a token request is this application's."""
        if fields.get("grant_type") != "client_credentials":
            raise TokenRefused(
                "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.", 400
            )
        if not fields.get("scope", "").endswith("/.default"):
            raise TokenRefused("invalid_scope", "AADSTS1002012: The scope must end in /.default.", 400)
        if fields.get("client_id") != self._application.client_id:
            raise TokenRefused(
                "unauthorized_client", "AADSTS700016: Application not found in the directory.", 400
            )
        if fields.get("client_assertion_type") == _ASSERTION_TYPE:
            self._check_assertion(fields.get("client_assertion", ""))
        elif not assertions.same(fields.get("client_secret", ""), self._application.client_secret):
            raise TokenRefused("invalid_client", "AADSTS7000215: Invalid client secret provided.")

    def _check_assertion(self, assertion: str) -> None:
        """RFC 7523 section 3, and what Microsoft's platform adds: which key, and how long."""
        key = self._certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        client = self._application.client_id
        try:
            header, claims = assertions.verified(assertion, key, ("PS256", "RS256"))
            _check_thumbprint(header, self._certificate)
            assertions.check_names(claims, {"iss": client, "sub": client, "aud": self._url})
            assertions.check_times(claims, self._clock(), _LONGEST)
            if self._once:
                self._replays.check(claims)
        except BadAssertion as bad:
            words = (
                "AADSTS700024: Client assertion is not within its time range."
                if bad.expired
                else f"AADSTS700027: Client assertion failed validation: {bad}."
            )
            raise TokenRefused("invalid_client", words) from bad


def _check_thumbprint(header: Mapping[str, Any], certificate: x509.Certificate) -> None:
    """Raise BadAssertion unless the header names this certificate by a thumbprint, SHA-256 or SHA-1 (RFC 7515)."""
    thumbprints = {"x5t#S256": hashes.SHA256(), "x5t": hashes.SHA1()}  # noqa: S303 (x5t is defined so)
    named = [name for name in thumbprints if name in header]
    # Microsoft's own library pads them, which its platform takes.
    if not named or any(
        str(header[name]).rstrip("=") != assertions.base64url(certificate.fingerprint(thumbprints[name]))
        for name in named
    ):
        raise BadAssertion("the header does not name the registered certificate")


def make_application(
    folder: Path, *, tenant_id: str, client_id: str, client_secret: str, name: str
) -> Application:
    """Register an application; its certificate, which signs itself, and its key are written to `folder`."""
    key = rsa_key("application")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID[0])
        .not_valid_after(_VALID[1])
        .sign(key, hashes.SHA256())
    )
    made = Application(
        tenant_id, client_id, client_secret, folder / "application.pem", folder / "application.key"
    )
    made.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    made.key_file.touch(mode=0o600)
    made.key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


@cache
def rsa_key(whose: str) -> rsa.RSAPrivateKey:
    """A key of this process for `whose` use: to make one takes a good part of a second."""
    del whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def form_fields(form: bytes) -> Mapping[str, str]:
    """The fields of a form that are there once; TokenRefused where it is no form."""
    try:
        found = parse_qs(form.decode("ascii"), max_num_fields=20)
    except ValueError as exc:
        raise TokenRefused("invalid_request", "AADSTS900144: The request body is no form.", 400) from exc
    return {name: values[0] for name, values in found.items() if len(values) == 1}
