"""Whether there is a ledger, and what to say where there is none or only half of one."""

import os
import stat
from pathlib import Path

from postwarden.errors import LedgerError
from postwarden.ledger.private_keys import PrivateKeys, numbers

#: A ledger is made under its name with this ending, and gets its name when it is whole.
UNFINISHED = ".new"


def unfinished(ledger: Path) -> Path:
    """Where a ledger is while it is made."""
    return ledger.with_name(ledger.name + UNFINISHED)


def is_there(ledger: Path) -> bool:
    """Whether anything but an empty folder is at the ledger's place."""
    try:
        if not stat.S_ISDIR(ledger.stat().st_mode):
            return True
        with os.scandir(ledger) as entries:
            return any(entries)
    except (FileNotFoundError, NotADirectoryError):
        return os.path.lexists(ledger)
    except OSError as exc:
        raise LedgerError(
            f"the ledger {ledger} cannot be opened: {(exc.strerror or '').lower()}",
            "run as the user that owns the state folder",
        ) from exc


def explain_half(ledger: Path, private: Path) -> LedgerError | None:
    """The error for a ledger whose making was interrupted, or that lost one of its halves; else `None`."""
    keys = PrivateKeys(private)
    places = (unfinished(ledger), *(keys.path(number) for number in numbers(keys)))
    left = [str(path) for path in places if os.path.lexists(path)]
    if not left:
        return None
    return LedgerError(
        f"there is no ledger at {ledger}, but {' and '.join(left)}: it was not made to the end, or is lost",
        f"restore the state folder if there was a ledger; if not, remove {' and '.join(left)} and run init again",
    )


def explain_absence(ledger: Path, private: Path) -> LedgerError:
    """The error for whoever wants to open a ledger that is not there."""
    return explain_half(ledger, private) or LedgerError(
        f"there is no ledger at {ledger}", "run postwarden init first"
    )
