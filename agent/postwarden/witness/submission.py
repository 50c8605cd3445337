"""What a log sends to a witness (https://c2sp.org/tlog-witness): an old size, a proof, and a signed note.

The first line is `old` and the size that the witness is thought to know; then come at most 63 lines of base64, the
consistency proof from there; then an empty line and the note. Postwarden sends a key's certificate in the same
form, with the proof up to the size at which the key begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import parse_root, parse_size
from postwarden.ledger.note import MAX_NOTE, encode_base64

#: A proof of more hashes belongs to no tree that there can be.
MAX_PROOF = 63
#: Bytes of a whole submission: the note, the proof, and the line before it.
MAX_SUBMISSION = MAX_NOTE + MAX_PROOF * 45 + 64
#: How C2SP's text calls the content of the answer that tells another size (409).
SIZE_TYPE = "text/x.tlog.size"
_OLD = "old "


@dataclass(frozen=True, slots=True)
class Submission:
    """`note` grew from `old` records, as `proof` shows; nothing of it is verified."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes


def encode_submission(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """The bytes that are sent."""
    lines = [f"{_OLD}{old}", *(encode_base64(each) for each in proof), "", ""]
    return "\n".join(lines).encode() + note


def parse_submission(content: bytes) -> Submission:
    """Take a submission apart; LedgerError where it is none, or not in its only accepted spelling."""
    if len(content) > MAX_SUBMISSION:
        raise LedgerError(f"a submission is longer than {MAX_SUBMISSION} bytes")
    head, separator, note = content.partition(b"\n\n")
    if not separator:
        raise LedgerError("a submission has no empty line before its note")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as exc:
        raise LedgerError("a submission does not begin with an old size and a proof") from exc
    if not lines[0].startswith(_OLD):
        raise LedgerError("a submission does not begin with the old size")
    if len(lines) - 1 > MAX_PROOF:
        raise LedgerError(f"a consistency proof has more than {MAX_PROOF} hashes")
    old = parse_size(lines[0].removeprefix(_OLD))
    return Submission(old, tuple(parse_root(line) for line in lines[1:]), note)
