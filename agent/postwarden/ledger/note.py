"""Signed notes and verifier keys, as C2SP's signed-note describes them (https://c2sp.org/signed-note).

A note is a text, an empty line, and one line for each signature: an em dash, a space, the key's name, a space
and base64 over four bytes of key id and the signature. What is signed is the text with its last line feed.
Nothing outside the text is signed, so the reader takes exactly one spelling of everything: lines end with
0x0A only, base64 must be what re-encoding gives, and a key's name has no white space and no plus sign.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from postwarden.errors import LedgerError

#: Far above what a ledger and a dozen witnesses write, far below what would hurt to read.
MAX_NOTE = 256 * 1024
ED25519 = 0x01
#: Control characters, but for the line feed.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
#: What no name may hold: white space, control characters, plus signs, and what cannot be encoded.
_UNFIT = re.compile("[\\s\x00-\x1f\x7f+\ud800-\udfff]")
_PREFIX = "— "


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 public key under its name; `text` is the one-line form that people keep."""

    name: str
    identifier: bytes
    public: bytes

    @property
    def text(self) -> str:
        return f"{self.name}+{self.identifier.hex()}+{encode_base64(bytes([ED25519]) + self.public)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; `identifier` is the key's four bytes, `value` what follows them."""

    name: str
    identifier: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read, nothing verified; `text` ends with a line feed."""

    text: bytes
    signatures: tuple[Signature, ...]


def encode_base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode standard base64 in its only accepted spelling; LedgerError for any other."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as exc:
        raise LedgerError("a base64 value cannot be decoded") from exc
    if encode_base64(content) != text:
        raise LedgerError("a base64 value is not in its canonical form")
    return content


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a key (and so no origin): LedgerError."""
    if not name or _UNFIT.search(name):
        raise LedgerError(
            "a key's name must not be empty or hold white space, control characters or a plus sign",
            "use something like postwarden/host.example.org",
        )


def make_key(name: str, public: bytes) -> VerifierKey:
    """The verifier key of 32 bytes of Ed25519 public key; its id is made of the name and the key."""
    check_name(name)
    identifier = sha256(name.encode() + b"\n" + bytes([ED25519]) + public).digest()[:4]
    return VerifierKey(name, identifier, public)


def parse_key(text: str) -> VerifierKey:
    """Read a verifier key's one-line form; LedgerError where any part is not exactly as it is written."""
    hint = "a verifier key looks like name+0123abcd+base64, as init printed it"
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise LedgerError("the verifier key does not have three parts", hint)
    name, identifier, encoded = parts
    try:
        content = decode_base64(encoded)
    except LedgerError as exc:
        raise LedgerError(f"the verifier key is not whole: {exc}", hint) from exc
    if len(content) != 33 or content[0] != ED25519:
        raise LedgerError("the verifier key is not an ed25519 key", hint)
    key = make_key(name, content[1:])
    if identifier != key.identifier.hex():
        raise LedgerError("the verifier key's id does not belong to its name and key", hint)
    return key


def parse_note(content: bytes) -> Note:
    """Take a note apart; LedgerError where it is not a note or not in its only accepted spelling."""
    if len(content) > MAX_NOTE:
        raise LedgerError(f"a note is longer than {MAX_NOTE} bytes")
    try:
        decoded = content.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise LedgerError("a note is not utf-8") from exc
    if _CONTROL.search(decoded):
        raise LedgerError("a note holds a control character")
    text, separator, block = decoded.rpartition("\n\n")
    if not separator or not text:
        raise LedgerError("a note has no empty line before its signatures")
    if not block.endswith("\n"):
        raise LedgerError("a note does not end with a line feed")
    signatures = tuple(_parse_signature(line) for line in block[:-1].split("\n"))
    return Note((text + "\n").encode(), signatures)


def open_note(content: bytes, keys: Iterable[VerifierKey]) -> bytes:
    """The text of a note that at least one of `keys` has signed.

    Signatures of other keys are ignored; one that bears the name and id of a known key and does not verify
    makes the whole note worthless. LedgerError in both cases.
    """
    note = parse_note(content)
    known = {(key.name, key.identifier): key for key in keys}
    verified = False
    for signature in note.signatures:
        key = known.get((signature.name, signature.identifier))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature.value, note.text)
        except (InvalidSignature, ValueError) as exc:
            raise LedgerError(f"a signature of {key.name} does not belong to the note") from exc
        verified = True
    if not verified:
        raise LedgerError("a note has no signature of the expected key")
    return note.text


def sign_note(text: bytes, name: str, private: Ed25519PrivateKey) -> bytes:
    """The note over `text`, signed and read back; LedgerError where it would not open again."""
    key = make_key(name, private.public_key().public_bytes_raw())
    encoded = encode_base64(key.identifier + private.sign(text))
    content = text + f"\n{_PREFIX}{name} {encoded}\n".encode()
    if open_note(content, [key]) != text:
        raise LedgerError("a signed note does not open to what was signed")
    return content


def _parse_signature(line: str) -> Signature:
    if not line.startswith(_PREFIX):
        raise LedgerError("a signature line does not begin with an em dash and a space")
    name, space, encoded = line.removeprefix(_PREFIX).partition(" ")
    if not space:
        raise LedgerError("a signature line does not have a name and a signature")
    check_name(name)
    content = decode_base64(encoded)
    if len(content) < 5:
        raise LedgerError("a signature is too short to hold a key id")
    return Signature(name, content[:4], content[4:])
