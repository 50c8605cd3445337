"""What is said where somebody remembers more of a ledger, or something else, than it holds."""

from postwarden.errors import LedgerUnsound
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.note import encode_base64

_HINT = (
    "nothing is signed from here on: keep this folder as it is, and put the newer state back; if that is lost, "
    "run postwarden ledger succeed --from OLD to begin a ledger that names this one"
)


def went_back(who: str, remembered: int, position: Position) -> LedgerUnsound:
    """`who` has seen more records than the ledger has."""
    return LedgerUnsound(
        f"{who} has seen {remembered} records of this ledger, and it has {position.size}: "
        "it was cut short, or an older state was put back",
        _HINT,
        record=position.size,
    )


def went_elsewhere(who: str, remembered: Position, root: bytes | None) -> LedgerUnsound:
    """`who` has seen another tree; `root` is the ledger's own over as many records, where it is known."""
    ours = f", and here it is {encode_base64(root)}" if root is not None else ""
    theirs = f" with the root {encode_base64(remembered.root)}" if remembered.root else ""
    return LedgerUnsound(
        f"{who} has seen {remembered.size} records of this ledger{theirs}{ours}: "
        "this is another ledger, or its records were changed",
        _HINT,
        record=remembered.size,
    )
