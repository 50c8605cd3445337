"""A disk that may forget whatever was not synced: contents of files and entries of folders, each on its own.

The ledger's system calls go to the real file system, and beside it a model keeps what is certain: a file's content
as of its last sync, a folder's entries as of its own. What was done since is pending. At the end of power each
`Outcome` says what of that reached the disk; every one of them is allowed by POSIX.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from postwarden.ledger import files
from tests.unit.ledger.conftest import Killed

Pending = Callable[[bytes], bytes]
Entries = dict[str, "File | Folder"]


class Outcome(Enum):
    """What of the pending reached the disk."""

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
        self._folders: dict[int, Folder] = {}
        self._inodes: dict[int, File] = {}
        self._files: list[File] = []
        self._root = self._found(root)
        self._open = files.open_regular
        monkeypatch.setattr(files, "open_regular", self._open_regular)
        for name in (
            "pwrite",
            "ftruncate",
            "posix_fallocate",
            "fdatasync",
            "fsync",
            "rename",
            "unlink",
            "mkdir",
        ):
            monkeypatch.setattr(files, name, self._counted(getattr(self, f"_{name}")))

    def after(self, outcome: Outcome, place: Path) -> None:
        """Put into a new folder what the disk holds when power comes back."""
        self._restore(self._root, outcome, place)

    def _found(self, path: Path) -> Folder:
        folder = self._folders[path.stat().st_ino] = Folder({})
        for one in path.iterdir():
            if one.is_dir():
                folder.certain[one.name] = self._found(one)
            else:
                folder.certain[one.name] = self._new_file(one.stat().st_ino, one.read_bytes())
        return folder

    def _new_file(self, number: int, content: bytes) -> File:
        file = self._inodes[number] = File(content)
        self._files.append(file)
        return file

    def _restore(self, folder: Folder, outcome: Outcome, place: Path) -> None:
        place.mkdir(mode=0o700)
        for name, one in folder.entries(outcome).items():
            if isinstance(one, Folder):
                self._restore(one, outcome, place / name)
            else:
                (place / name).write_bytes(one.content(outcome))
                (place / name).chmod(0o600)

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
        return self._folders[os.fstat(descriptor).st_ino]

    def _parent(self, path: str | Path, folder: int | None) -> Folder:
        return self._folders[Path(path).parent.stat().st_ino] if folder is None else self._folder(folder)

    def _open_regular(self, folder: int, name: str, flags: int, *, owner: int | None) -> int:
        known = name in os.listdir(folder)
        if flags & os.O_CREAT and not known and self.ends_at is not None and self.calls >= self.ends_at:
            raise Killed
        descriptor = self._open(folder, name, flags, owner=owner)
        if not known:
            made = self._new_file(os.fstat(descriptor).st_ino, b"")
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
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            folder = self._folder(descriptor)
            folder.certain, folder.pending = folder.entries(Outcome.EVERYTHING), []
        else:
            file = self._file(descriptor)
            file.certain, file.pending = file.content(Outcome.EVERYTHING), []

    def _rename(
        self,
        source: str | Path,
        target: str | Path,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        os.rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        def renamed(entries: Entries) -> None:
            entries[Path(target).name] = entries.pop(Path(source).name)

        self._parent(target, dst_dir_fd).pending.append(renamed)

    def _unlink(self, name: str, *, dir_fd: int) -> None:
        os.unlink(name, dir_fd=dir_fd)
        self._folder(dir_fd).pending.append(lambda entries: entries.__delitem__(name))

    def _mkdir(self, path: str | Path, mode: int, *, dir_fd: int | None = None) -> None:
        os.mkdir(path, mode, dir_fd=dir_fd)
        made = self._folders[os.stat(path, dir_fd=dir_fd).st_ino] = Folder({})
        self._parent(path, dir_fd).pending.append(lambda entries: entries.update({Path(path).name: made}))
