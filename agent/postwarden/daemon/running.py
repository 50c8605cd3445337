"""What a running daemon says about itself, for `postwarden status`: a small file, and a lock as a sign of life."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from postwarden.errors import LedgerBusy, LedgerError
from postwarden.model.encoding import encode
from postwarden.model.moment import Moment

FILE = "running.json"
LOCK = "run.lock"


class Reading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scope that is read now, and for how many seconds already."""

    scope: str
    sources: tuple[str, ...]
    seconds: int


class Running(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The daemon as it was at `time`; `queued` are taken and wait for a free reader."""

    pid: int
    started: Moment
    time: Moment
    queued: int
    reading: tuple[Reading, ...]
    configuration_refused: str | None = None


_RUNNING = msgspec.json.Decoder(Running)


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Holds the sign of life; raises LedgerBusy where another daemon has it."""
    descriptor = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise LedgerBusy(
                "postwarden run is at work on this state folder already",
                "postwarden status says what it does",
            ) from exc
        yield
    finally:
        os.close(descriptor)


def is_running(state: Path) -> bool:
    """Whether a daemon holds the sign of life."""
    try:
        descriptor = os.open(state / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def write(state: Path, running: Running) -> None:
    """Replaces the file in one step; raises LedgerError where the disk does not take it."""
    temporary = state / f"{FILE}.new"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(encode(running) + b"\n")
        temporary.rename(state / FILE)
    except OSError as exc:
        raise LedgerError(f"{temporary} cannot be written: {exc.strerror}", "check the disk") from exc


def read(state: Path) -> Running | None:
    """What the daemon last wrote, or None where there is nothing that can be read."""
    try:
        return _RUNNING.decode((state / FILE).read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return None
