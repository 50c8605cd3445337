"""The checkpoint: a signed note over the tree (https://c2sp.org/tlog-checkpoint).

Three lines: the origin, which is the name of the signing key too, the number of records in decimal, and the
tree's root in base64. Postwarden writes no extension lines and accepts none.
"""

import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerError
from postwarden.ledger.note import VerifierKey, decode_base64, encode_base64, open_note, sign_note

NAME = "checkpoint"
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a ledger goes: the number of its records, and the root of the tree over them (32 bytes)."""

    size: int
    root: bytes


def parse_size(text: str) -> int:
    """A size in its only decimal spelling, without leading zeros or a sign; LedgerError for any other."""
    if not _DECIMAL.fullmatch(text):
        raise LedgerError("a size is not a decimal number in its shortest form")
    return int(text)


def parse_root(text: str) -> bytes:
    """A root's 32 bytes from base64; LedgerError for anything else."""
    root = decode_base64(text)
    if len(root) != 32:
        raise LedgerError("a root is not 32 bytes long")
    return root


def parse_checkpoint(text: bytes) -> tuple[str, Position]:
    """Origin and position from a checkpoint's text, of which nothing is verified; LedgerError where it is none."""
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[3]:
        raise LedgerError("the checkpoint does not have three lines")
    origin, size, root, _ = lines
    return origin, Position(parse_size(size), parse_root(root))


def open_checkpoint(content: bytes, key: VerifierKey) -> Position:
    """Read and verify a checkpoint that `key` has signed; LedgerError where anything is amiss."""
    origin, position = parse_checkpoint(open_note(content, [key]))
    if origin != key.name:
        raise LedgerError(f"the checkpoint is of another origin than {key.name}")
    return position


def sign_checkpoint(position: Position, origin: str, private: Ed25519PrivateKey) -> bytes:
    """The signed note for a position."""
    text = f"{origin}\n{position.size}\n{encode_base64(position.root)}\n"
    return sign_note(text.encode(), origin, private)
