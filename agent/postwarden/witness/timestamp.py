"""Time stamps (RFC 3161): an authority's signed statement that a checkpoint was there at a time.

What is stamped is SHA-256 over the checkpoint's text, its three lines, so that cosignatures which come later change
nothing. A stamp does not stop a roll-back, but bounds how far back a ledger could have been made up. Tokens are read
by rfc3161-client, which takes DER alone; an answer that it cannot read is kept all the same, and said to be unread
(`openssl ts -verify` is less strict).
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from postwarden.errors import NotifyError
from postwarden.witness.exchange import ask
from postwarden.witness.peers import Authority

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_MAX_ROOTS = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stamp:
    """An authority's whole answer; `time` is its own, or `None` where `unread` says why it could not be read."""

    token: bytes
    time: datetime | None
    unread: str | None = None


def stamp(authority: Authority, text: bytes) -> Stamp:
    """The authority's stamp over a checkpoint's text, verified; NotifyError where it gives none that verifies."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    roots = read_roots(authority.roots)
    request = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build()
    reply = ask(authority.url, request.as_bytes(), content_type=_QUERY)
    if reply.status != 200 or reply.content_type != _REPLY:
        raise NotifyError(
            f"{authority.url} answered {reply.status} ({reply.content_type or 'no content type'}), not a time stamp",
            "check the url of [[ledger.timestamp]]",
        )
    return _verified(reply.body, text, roots, nonce=request.nonce, who=authority.url)


def check_stamp(token: bytes, text: bytes, roots: Path) -> Stamp:
    """Verify a kept answer; NotifyError where it is not a stamp over `text` by an authority of `roots`."""
    return _verified(token, text, read_roots(roots), nonce=None, who="the kept time stamp")


def read_roots(path: Path) -> "list[Certificate]":
    """The certificates of a PEM file; NotifyError where it cannot be read or holds none."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        with path.open("rb") as file:
            content = file.read(_MAX_ROOTS)
        return load_pem_x509_certificates(content)
    except (OSError, ValueError) as exc:
        raise NotifyError(f"the certificates in {path} cannot be used: {exc}", "it is a PEM file") from exc


def _verified(token: bytes, text: bytes, roots: "list[Certificate]", *, nonce: int | None, who: str) -> Stamp:
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        response = decode_timestamp_response(token)
    except ValueError as exc:
        return Stamp(token, None, f"the answer of {who} cannot be read: {' '.join(str(exc).split())}")
    builder = VerifierBuilder(roots=roots, nonce=nonce)
    try:
        builder.build().verify_message(response, text)
        return Stamp(token, response.tst_info.gen_time)
    except (VerificationError, ValueError) as exc:
        raise NotifyError(
            f"the time stamp of {who} does not verify: {' '.join(str(exc).split())}",
            "check that roots names the certificate that the authority's own leads to",
        ) from exc
