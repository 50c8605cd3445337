"""The folder that an export is written into: new or empty, for our eyes only, and with a sum over every file."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from postwarden.errors import LedgerError

SUMS = "SHA256SUMS"


class Target:
    """A folder that files are put into, each once; their sums are written as they come, so nothing is held in memory."""

    def __init__(self, folder: Path, sums: BinaryIO) -> None:
        self._folder = folder
        self._sums = sums
        self._digest = sha256()
        self._parent = ""

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the sums so far: of their whole file, once the last file was put."""
        return self._digest.hexdigest()

    def put(self, name: str, content: bytes) -> None:
        """Write one file."""
        with self.file(name) as write:
            write(content)

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """Write one file bit by bit, with what is given; others may be put meanwhile."""
        parent = name.rpartition("/")[0]
        if parent != self._parent:
            (self._folder / parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._parent = parent
        digest = sha256()
        with _create(self._folder / name) as file:

            def write(content: bytes) -> None:
                digest.update(content)
                file.write(content)

            yield write
        line = f"{digest.hexdigest()}  {name}\n".encode()
        self._digest.update(line)
        self._sums.write(line)


@contextmanager
def open_target(folder: Path) -> Iterator[Target]:
    """The folder to write into; LedgerError where it is not empty, or something cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LedgerError(f"{folder} is not empty", "name a folder that is empty or not there yet")
        with _create(folder / SUMS) as sums:
            yield Target(folder, sums)
    except OSError as exc:
        raise LedgerError(
            f"the export cannot be written into {folder}: {(exc.strerror or str(exc)).lower()}",
            "what is there is not whole and was not recorded: remove it, and export again",
        ) from exc


def _create(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "wb")
