"""Proofs as files, which other people's tools read.

An inclusion proof is C2SP's tlog-proof (https://c2sp.org/tlog-proof): the line `c2sp.org/tlog-proof@v1`, perhaps
`extra` and base64, `index` and a decimal, a line of base64 for each hash, an empty line, the checkpoint. We put the
record's bytes into `extra`; nothing signs that field, and it counts only because its hash is what is proven.

A consistency proof has the text that C2SP's tlog-witness (https://c2sp.org/tlog-witness) takes in add-checkpoint:
`old` and a decimal, a line for each hash, an empty line, the newer checkpoint.

As with notes, everything has one spelling, and writing what was read gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import parse_size
from postwarden.ledger.note import MAX_NOTE, decode_base64, encode_base64, parse_note
from postwarden.ledger.proofs import MAX_PATH

#: The ending of an inclusion proof's file, as the specification wants it.
ENDING = ".tlog-proof"
#: A checkpoint, the longest record in base64, and the hashes.
MAX_PROOF = MAX_NOTE + 128 * 1024

_MAGIC = "c2sp.org/tlog-proof@v1"
_HASH = 32


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That the record `index` is in the tree of `checkpoint`; `extra` is what came with it, unsigned."""

    index: int
    path: tuple[bytes, ...]
    extra: bytes | None
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree over `old` records is the beginning of the tree of `checkpoint`."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def write_inclusion(proof: InclusionProof) -> bytes:
    """The file of an inclusion proof."""
    head = [_MAGIC]
    if proof.extra:
        head.append(f"extra {encode_base64(proof.extra)}")
    return _write([*head, f"index {proof.index}"], proof.path, proof.checkpoint)


def write_consistency(proof: ConsistencyProof) -> bytes:
    """The file of a consistency proof."""
    return _write([f"old {proof.old}"], proof.path, proof.checkpoint)


def read_proof(content: bytes) -> InclusionProof | ConsistencyProof:
    """Read either kind of proof; LedgerError where it is neither, or not in its only accepted spelling.

    The checkpoint is a note, of which nothing is verified yet.
    """
    if len(content) > MAX_PROOF:
        raise LedgerError(f"a proof is longer than {MAX_PROOF} bytes")
    head, separator, checkpoint = content.partition(b"\n\n")
    if not separator:
        raise LedgerError("a proof has no empty line before its checkpoint")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise LedgerError("a proof is not ascii before its checkpoint") from exc
    parse_note(checkpoint)
    if lines[0] == _MAGIC:
        return _read_inclusion(lines[1:], checkpoint)
    if lines[0].startswith("old "):
        return ConsistencyProof(parse_size(lines[0][4:]), _read_path(lines[1:]), checkpoint)
    raise LedgerError(
        f"this is no proof: it begins neither with {_MAGIC} nor with an old size",
        "give a file that postwarden prove or export wrote",
    )


def _read_inclusion(lines: list[str], checkpoint: bytes) -> InclusionProof:
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0)[6:])
        if not extra:
            raise LedgerError("a proof's extra line is empty")
    if not lines or not lines[0].startswith("index "):
        raise LedgerError("a proof does not say its record's index")
    return InclusionProof(parse_size(lines[0][6:]), _read_path(lines[1:]), extra, checkpoint)


def _read_path(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_PATH:
        raise LedgerError(f"a proof has more than {MAX_PATH} hashes")
    path = tuple(decode_base64(line) for line in lines)
    if any(len(each) != _HASH for each in path):
        raise LedgerError("a hash of a proof is not 32 bytes long")
    return path


def _write(head: list[str], path: Sequence[bytes], checkpoint: bytes) -> bytes:
    lines = [*head, *(encode_base64(each) for each in path)]
    return "\n".join(lines).encode("ascii") + b"\n\n" + checkpoint
