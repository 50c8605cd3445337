"""Space set aside so that a full disk itself can be recorded.

The file `reserve` takes its room on the disk and holds nothing. Where a write finds no room, it is given up, and
what it took is enough for the record that says so, with its checkpoint.
"""

import os
from contextlib import suppress
from dataclasses import dataclass

from postwarden.ledger import files

NAME = "reserve"
LENGTH = 1 << 20
#: It is made again only where there is this much room, so that what it gave is not taken back at once.
_ROOM = 4 * LENGTH


@dataclass(frozen=True, slots=True)
class Unwritten:
    """What found no room: how many lines, how many bytes in all, and the error in words."""

    count: int
    length: int
    why: str


def make(ledger: int) -> None:
    """Set the space aside, in the ledger's open folder; OSError as the system gives it, and nothing is left."""
    descriptor = files.open_regular(ledger, NAME, os.O_WRONLY | os.O_CREAT, owner=None)
    try:
        files.posix_fallocate(descriptor, 0, LENGTH)
        files.sync(descriptor, NAME)
    except OSError:
        with suppress(FileNotFoundError):
            files.unlink(NAME, dir_fd=ledger)
        raise
    finally:
        os.close(descriptor)


def make_again(ledger: int) -> None:
    """Set the space aside again where it was given up, or lost in a crash, and there is plenty of room now."""
    if _length(ledger) == LENGTH:
        return
    room = os.fstatvfs(ledger)
    if room.f_bavail * room.f_frsize >= _ROOM:
        try:
            make(ledger)
        except OSError as exc:
            if not files.no_room(exc):  # with a quota there may be less room than it looks like
                raise files.failure("the reserve was not made", exc) from exc


def give_up(ledger: int) -> bool:
    """Let the space go; whether there was any. OSError as the system gives it."""
    try:
        files.unlink(NAME, dir_fd=ledger)
    except FileNotFoundError:
        return False
    return True


def _length(ledger: int) -> int:
    try:
        return os.stat(NAME, dir_fd=ledger, follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0
