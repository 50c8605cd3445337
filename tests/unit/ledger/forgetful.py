"""A disk that may forget whatever was not synced: contents of files and entries of folders, each on its own.

The ledger's system calls go to the real file system, and beside it a model keeps what is certain: a file's content
as of its last sync, a folder's entries as of its own. What was done since is pending. At the end of power each
`Outcome` says what of that reached the disk; every one of them is allowed by POSIX.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from postwarden.ledger import files
from tests.unit.ledger.conftest import Killed

Pending = Callable[[bytes], bytes]
Entries = dict[str, "File | None"]


class Outcome(Enum):
    """What of the pending reached the disk; `None` in a folder's entries stands for a folder."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    NAMES = "names of folders, and no content of files"
    CONTENTS = "contents of files, and no names of folders"
    TORN = "everything, but of each file's last write only the first half"
    ZEROS = "names, and the lengths of files with zeros in place of what was written"


@dataclass
class File:
    """A file's content that is certain, and what was done since."""

    certain: bytes
    pending: list[Pending] = field(default_factory=list)

    def content(self, outcome: Outcome) -> bytes:
        whole = self.certain
        steps = self.pending
        match outcome:
            case Outcome.NOTHING | Outcome.NAMES:
                return whole
            case Outcome.TORN if steps:
                for step in steps[:-1]:
                    whole = step(whole)
                return _half(whole, steps[-1](whole))
        for step in steps:
            whole = step(whole)
        if outcome is Outcome.ZEROS:
            return self.certain[: len(whole)] + bytes(max(0, len(whole) - len(self.certain)))
        return whole


def _half(before: bytes, after: bytes) -> bytes:
    """The first half of what differs between two contents."""
    pairs = zip(before, after, strict=False)
    same = next((at for at, (old, new) in enumerate(pairs) if old != new), min(len(before), len(after)))
    return after[: same + (max(len(after), len(before)) - same) // 2]


@dataclass
class Folder:
    """A folder's entries that are certain, and what was done since."""

    certain: Entries
    pending: list[Callable[[Entries], None]] = field(default_factory=list)

    def entries(self, outcome: Outcome) -> Entries:
        found = dict(self.certain)
        if outcome not in {Outcome.NOTHING, Outcome.CONTENTS}:
            for step in self.pending:
                step(found)
        return found


class Disk:
    """The model of everything below `root`, which is certain when it begins, and the calls that change it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.calls = 0
        self.ends_at: int | None = None
        self._root = root
        self._folders: dict[Path, Folder] = {}
        self._inodes: dict[int, File] = {}
        self._files: list[File] = []
        for path, names, held in os.walk(root):
            entries: Entries = dict.fromkeys(names)
            for name in held:
                file = File((Path(path) / name).read_bytes())
                self._inodes[(Path(path) / name).stat().st_ino] = file
                self._files.append(file)
                entries[name] = file
            self._folders[Path(path)] = Folder(entries)
        self._open = files.open_regular
        monkeypatch.setattr(files, "open_regular", self._open_regular)
        for name in ("pwrite", "ftruncate", "posix_fallocate", "fdatasync", "fsync", "rename", "unlink"):
            monkeypatch.setattr(files, name, self._counted(getattr(self, f"_{name}")))

    def after(self, outcome: Outcome, place: Path) -> None:
        """Put into a new folder what the disk holds when power comes back."""
        for path, folder in self._folders.items():
            here = place / path.relative_to(self._root)
            here.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, file in folder.entries(outcome).items():
                if file is not None:
                    (here / name).write_bytes(file.content(outcome))
                    (here / name).chmod(0o600)

    def blocks(self, outcome: Outcome) -> list[bytes]:
        """The content of every file that there was, with a name or without one any more."""
        return [file.content(outcome) for file in self._files]

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if self.ends_at is not None and self.calls >= self.ends_at:
                raise Killed
            self.calls += 1
            return call(*args, **kwargs)

        return counted

    def _file(self, descriptor: int) -> File:
        return self._inodes[os.fstat(descriptor).st_ino]

    def _folder(self, descriptor: int) -> Folder:
        return self._folders[Path(f"/proc/self/fd/{descriptor}").readlink()]

    def _open_regular(self, folder: int, name: str, flags: int, *, owner: int | None) -> int:
        known = name in os.listdir(folder)
        if flags & os.O_CREAT and not known and self.ends_at is not None and self.calls >= self.ends_at:
            raise Killed
        descriptor = self._open(folder, name, flags, owner=owner)
        if not known:
            made = self._inodes[os.fstat(descriptor).st_ino] = File(b"")
            self._files.append(made)
            self._folder(folder).pending.append(lambda entries: entries.update({name: made}))
        return descriptor

    def _pwrite(self, descriptor: int, content: memoryview, offset: int) -> int:
        written = os.pwrite(descriptor, content, offset)
        data = bytes(content[:written])
        self._file(descriptor).pending.append(
            lambda old: old[:offset].ljust(offset, b"\0") + data + old[offset + len(data) :]
        )
        return written

    def _ftruncate(self, descriptor: int, length: int) -> None:
        os.ftruncate(descriptor, length)
        self._file(descriptor).pending.append(lambda old: old[:length].ljust(length, b"\0"))

    def _posix_fallocate(self, descriptor: int, offset: int, length: int) -> None:
        os.posix_fallocate(descriptor, offset, length)
        self._file(descriptor).pending.append(lambda old: old.ljust(offset + length, b"\0"))

    def _fdatasync(self, descriptor: int) -> None:
        self._fsync(descriptor)

    def _fsync(self, descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink() in self._folders:
            folder = self._folder(descriptor)
            folder.certain, folder.pending = folder.entries(Outcome.EVERYTHING), []
        else:
            file = self._file(descriptor)
            file.certain, file.pending = file.content(Outcome.EVERYTHING), []

    def _rename(self, source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        def renamed(entries: Entries) -> None:
            entries[target] = entries.pop(source)

        self._folder(dst_dir_fd).pending.append(renamed)

    def _unlink(self, name: str, *, dir_fd: int) -> None:
        os.unlink(name, dir_fd=dir_fd)
        self._folder(dir_fd).pending.append(lambda entries: entries.__delitem__(name))
