"""A certificate of a log's next key, as a witness reads it: it has seen none of those before it."""

from dataclasses import dataclass

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position, parse_root, parse_size
from postwarden.ledger.note import VerifierKey, parse_key, parse_note

_FORMAT = "postwarden.epoch/v1"
#: Lines of a certificate, without and with the key of a second signature.
_LINES = (7, 8)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Epoch `number` of `origin` begins with the tree at `begins`, and `key` signs what comes after."""

    origin: str
    number: int
    begins: Position
    key: VerifierKey


def parse_certificate(content: bytes) -> Certificate:
    """What a certificate says, nothing verified; LedgerError where it is none."""
    lines = parse_note(content).text.decode().split("\n")[:-1]
    if len(lines) not in _LINES or lines[0] != _FORMAT:
        raise LedgerError(f"the note is not a {_FORMAT}")
    _, origin, number, size, root, key_text, *_ = lines
    key = parse_key(key_text)
    if key.name != origin:
        raise LedgerError("the certificate names another origin than its key")
    return Certificate(origin, parse_size(number), Position(parse_size(size), parse_root(root)), key)
