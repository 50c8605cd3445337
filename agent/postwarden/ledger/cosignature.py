"""Cosignatures: somebody's timed signature over a checkpoint (https://c2sp.org/tlog-cosignature).

A cosignature is a signature line of the checkpoint's note. After the key's id come eight bytes, the highest
first, with the seconds since 1970, and the signature itself. There are two kinds of key. An Ed25519 cosigner
signs `cosignature/v1`, a line with the time, and the note's text; it does not sign its own name. An ML-DSA-44
cosigner signs a structure of its name, the time, the origin, the leaves from 0 to the size, and the root.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position, parse_root, parse_size
from postwarden.ledger.note import Signature, check_name, decode_base64, encode_base64, parse_note

CosignerPrivate = Ed25519PrivateKey | MLDSA44PrivateKey

#: Seconds since 1970 that a cosignature can hold.
MAX_TIME = 2**63 - 1
_LABEL = b"subtree/v1\n\0"
_PREFIX = "— "
_HINT = "a cosigner's key looks like name+0123abcd+base64, as postwarden witness or key show printed it"


class Kind(IntEnum):
    """The kind of a cosigner's key, as its first byte says it."""

    ED25519 = 0x04
    ML_DSA_44 = 0x06


_LENGTHS = {Kind.ED25519: (32, 64), Kind.ML_DSA_44: (1312, 2420)}


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A cosigner's public key under its name; `text` is the one-line form that people keep."""

    name: str
    identifier: bytes
    kind: Kind
    public: bytes

    @property
    def text(self) -> str:
        return f"{self.name}+{self.identifier.hex()}+{encode_base64(bytes([self.kind]) + self.public)}"


def make_cosigner(name: str, kind: Kind, public: bytes) -> CosignerKey:
    """The cosigner's key of a public key's bytes; LedgerError where name, kind and length do not fit."""
    check_name(name)
    _counted(name, "a cosigner's name")
    if len(public) != _LENGTHS[kind][0]:
        raise LedgerError(f"the cosigner's key is not {_LENGTHS[kind][0]} bytes long", _HINT)
    identifier = sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
    return CosignerKey(name, identifier, kind, public)


def cosigner_of(name: str, private: CosignerPrivate) -> CosignerKey:
    """The public half of a cosigner's private key, under its name."""
    kind = Kind.ED25519 if isinstance(private, Ed25519PrivateKey) else Kind.ML_DSA_44
    return make_cosigner(name, kind, private.public_key().public_bytes_raw())


def parse_cosigner(text: str) -> CosignerKey:
    """Read a cosigner key's one-line form; LedgerError where any part is not exactly as it is written."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise LedgerError("the cosigner's key does not have three parts", _HINT)
    name, identifier, encoded = parts
    try:
        content = decode_base64(encoded)
    except LedgerError as exc:
        raise LedgerError(f"the cosigner's key is not whole: {exc}", _HINT) from exc
    try:
        kind = Kind(content[0] if content else 0)
    except ValueError as exc:
        raise LedgerError(
            "the cosigner's key is neither an ed25519 nor an ml-dsa-44 cosigner's", _HINT
        ) from exc
    key = make_cosigner(name, kind, content[1:])
    if identifier != key.identifier.hex():
        raise LedgerError("the cosigner key's id does not belong to its name and key", _HINT)
    return key


def cosign(text: bytes, name: str, private: CosignerPrivate, *, time: int) -> bytes:
    """The signature line, with its line feed, over a checkpoint's `text` at `time` (seconds since 1970).

    It is read back before it is returned. LedgerError where the text is no checkpoint's, or the time is none.
    """
    key = cosigner_of(name, private)
    if not 0 <= time <= MAX_TIME:
        raise LedgerError("a cosignature's time is not between 0 and 2^63 - 1 seconds")
    try:
        signed = private.sign(_message(text, key, time))
    except UnsupportedAlgorithm as exc:
        raise _unsupported() from exc
    value = struct.pack(">Q", time) + signed
    open_cosignature(text, Signature(key.name, key.identifier, value), key)
    return f"{_PREFIX}{name} {encode_base64(key.identifier + value)}\n".encode()


def parse_cosignatures(text: bytes, lines: bytes) -> tuple[Signature, ...]:
    """Take apart signature lines that came without the checkpoint they belong to; LedgerError as `parse_note`."""
    note = parse_note(text + b"\n" + lines)
    if note.text != text:
        raise LedgerError("what should be signature lines is more than that")
    return note.signatures


def open_cosignature(text: bytes, signature: Signature, key: CosignerKey) -> int:
    """Verify a cosignature of `key` over a checkpoint's text, and give its time in seconds since 1970.

    LedgerError where the line is another key's, where it is not exactly as long as its kind wants, or where
    it does not belong to the checkpoint.
    """
    if (signature.name, signature.identifier) != (key.name, key.identifier):
        raise LedgerError(f"a signature line is not one of {key.name}")
    if len(signature.value) != 8 + _LENGTHS[key.kind][1]:
        raise LedgerError(f"a cosignature of {key.name} does not have the length of its kind")
    time: int = struct.unpack(">Q", signature.value[:8])[0]
    if time > MAX_TIME:
        raise LedgerError(f"a cosignature of {key.name} has a time beyond 2^63 - 1 seconds")
    message = _message(text, key, time)
    try:
        _public(key).verify(signature.value[8:], message)
    except (InvalidSignature, ValueError) as exc:
        raise LedgerError(f"a cosignature of {key.name} does not belong to the checkpoint") from exc
    except UnsupportedAlgorithm as exc:
        raise _unsupported() from exc
    return time


def find_cosignature(content: bytes, key: CosignerKey) -> int | None:
    """The time of `key`'s cosignature in a whole checkpoint note, or `None` where it has none.

    Of several the latest counts. LedgerError where one that bears the key's name and id does not verify.
    """
    note = parse_note(content)
    times = [
        open_cosignature(note.text, signature, key)
        for signature in note.signatures
        if (signature.name, signature.identifier) == (key.name, key.identifier)
    ]
    return max(times, default=None)


def read_text(text: bytes) -> tuple[str, Position]:
    """Origin and position that a checkpoint's text states; LedgerError where it states none.

    Other logs may write extension lines; they must not be empty.
    """
    try:
        lines = text.decode().split("\n")
    except UnicodeDecodeError as exc:
        raise LedgerError("a checkpoint is not utf-8") from exc
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise LedgerError("the checkpoint does not have three lines")
    origin = lines[0]
    _counted(origin, "an origin")
    return origin, Position(parse_size(lines[1]), parse_root(lines[2]))


def _message(text: bytes, key: CosignerKey, time: int) -> bytes:
    origin, position = read_text(text)
    match key.kind:
        case Kind.ED25519:
            return f"cosignature/v1\ntime {time}\n".encode() + text
        case Kind.ML_DSA_44:
            name, log = _counted(key.name, "a cosigner's name"), _counted(origin, "an origin")
            return (
                _LABEL
                + name
                + struct.pack(">Q", time)
                + log
                + struct.pack(">QQ", 0, position.size)
                + position.root
            )


def _counted(name: str, what: str) -> bytes:
    """A name as the signed structure has it: one byte of length before it."""
    raw = name.encode()
    if not 1 <= len(raw) <= 255:
        raise LedgerError(f"{what} is not between 1 and 255 bytes long")
    return bytes([len(raw)]) + raw


def _public(key: CosignerKey) -> Ed25519PublicKey | MLDSA44PublicKey:
    if key.kind is Kind.ED25519:
        return Ed25519PublicKey.from_public_bytes(key.public)
    return MLDSA44PublicKey.from_public_bytes(key.public)


def _unsupported() -> LedgerError:
    return LedgerError(
        "this machine's cryptography has no ml-dsa-44", "install a cryptography of version 48 or later"
    )
