"""The ledgers that a ledger goes on for, one before the other, each verified where it still lies.

Their keys have not signed the link: only the first record of the later ledger says where the earlier one ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from postwarden.errors import LedgerError
from postwarden.ledger.checkpoint import Position, parse_root
from postwarden.ledger.own_records import Before
from postwarden.ledger.verify import Remembered, Verification, verify

#: Longer lines are not followed: somebody made them up.
_MOST = 50


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the later ledger says of an earlier one, where that was looked for, and what was found there.

    `verification` is `None` where no ledger could be read there, as `unread` says.
    """

    before: Before
    folder: Path
    verification: Verification | None
    unread: str | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against it; one that is not there speaks neither way."""
        return self.verification is None or self.verification.sound


def verify_predecessors(before: Before | None, place: Path | None) -> Iterator[Earlier]:
    """Verify each earlier ledger up to where the later one says that it ended.

    `place` is where the first of them lies, if not where the record says.
    """
    for _ in range(_MOST):
        if before is None:
            return
        found = _verify(before, place or Path(before.folder))
        yield found
        before, place = found.verification.before if found.verification else None, None


def _verify(before: Before, folder: Path) -> Earlier:
    try:
        ended = Remembered("the ledger that goes on for it", Position(before.size, parse_root(before.root)))
        return Earlier(before, folder, verify(folder, key=before.verifier_key, remembered=[ended]))
    except LedgerError as exc:
        return Earlier(before, folder, None, str(exc))
