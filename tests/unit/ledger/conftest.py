"""A small ledger, records to put into it, and a layer that makes its system calls fail."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from postwarden.ledger import files
from postwarden.ledger.creation import create
from postwarden.ledger.epochs import Epoch
from postwarden.ledger.private_keys import Unlock
from postwarden.ledger.quarantine import Quarantined
from postwarden.ledger.store import Ledger, Position, open_ledger

ORIGIN = "postwarden/test.example"
TIME = "2026-11-22T09:30:00.000000Z"
CALLS = ("pwrite", "ftruncate", "fdatasync", "fsync", "rename", "unlink", "mkdir", "posix_fallocate")


def encode(**fields: object) -> bytes:
    """A line with these fields, sorted and compact."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def record(kind: str = "heartbeat", **fields: object) -> bytes:
    """A sound record of a kind."""
    return encode(v=1, kind=kind, time=TIME, run="run-1", actor="tester", agent="0.1.0", **fields)


def recovery(taken: Quarantined) -> bytes:
    """The record of a recovery."""
    return record(
        "recovery",
        name=taken.name,
        length=taken.length,
        digest=taken.digest,
        segment=taken.segment,
        offset=taken.offset,
    )


@dataclass(frozen=True)
class Place:
    """Where a ledger is, with short ways to use it."""

    state: Path

    @property
    def folder(self) -> Path:
        return self.state / "ledger"

    @property
    def private(self) -> Path:
        return self.state / "private"

    @property
    def segment(self) -> Path:
        return self.folder / "records" / "00000000.jsonl"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def certificate(self) -> Path:
        return self.folder / "keys" / "00000000"

    def make(self, *, second: bool = False) -> Ledger:
        return create(
            self.folder,
            self.private,
            origin=ORIGIN,
            time=TIME,
            second=second,
            first=lambda key: record("ledger_opened", origin=ORIGIN, verifier_key=key),
        )

    def open(self, *, unlock: Unlock | None = None, second: bool = False) -> Ledger:
        return open_ledger(self.folder, self.private, unlock=unlock, second=second)

    def lines(self) -> list[bytes]:
        return [line for _, line in self.open().records()]


def put(ledger: Ledger, *lines: bytes, wait: float = 10.0) -> Position:
    """Commit lines as they are."""
    return ledger.commit(lambda _: lines, recovered=recovery, wait=wait)


def key_epoch(number: int, verifier_key: str) -> bytes:
    """The record of a new signing key."""
    return record("key_epoch", epoch=number, verifier_key=verifier_key)


def rotate(ledger: Ledger) -> Epoch:
    """Change to a new signing key."""
    return ledger.rotate(key_epoch, recovered=recovery)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "state")


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return place.make()


class Killed(BaseException):
    """Stands for the end of the process: nothing that comes after it reaches the disk."""


class Faults:
    """Counts the ledger's system calls and spoils one of them, or ends the process before it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.spoil: Callable[[int, str], str | None] = lambda _count, _name: None
        self.dead = False
        for name in CALLS:
            monkeypatch.setattr(files, name, self._wrapped(name, getattr(files, name)))

    def _wrapped(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def spoiled(*args: object, **kwargs: object) -> object:
            if self.dead:
                raise Killed
            fault = self.spoil(len(self.log), name)
            self.log.append(name)
            if fault == "kill":
                self.dead = True
                raise Killed
            if fault == "short" and name == "pwrite":
                descriptor, content, offset = args
                assert isinstance(content, memoryview)
                return call(descriptor, content[: max(1, len(content) // 2)], offset)
            if fault == "torn" and name == "pwrite":
                descriptor, content, offset = args
                assert isinstance(content, memoryview)
                call(descriptor, content[: len(content) // 2], offset)
                self.dead = True
                raise Killed
            if fault in errno.errorcode.values():
                number = getattr(errno, str(fault))
                raise OSError(number, os.strerror(number))
            return call(*args, **kwargs)

        return spoiled

    def at(self, number: int, fault: str) -> None:
        """Spoil one call: `EIO` and the like, `short`, `torn` (half written, then killed) or `kill`."""
        self.spoil = lambda count, _name: fault if count == number else None

    def since(self, number: int, fault: str) -> None:
        """Spoil every call from one on."""
        self.spoil = lambda count, _name: fault if count >= number else None

    def of(self, name: str, fault: str) -> None:
        """Spoil every call of one name."""
        self.spoil = lambda _count, called: fault if called == name else None

    def restart(self) -> None:
        """A new process: every call works again."""
        self.dead = False
        self.log.clear()
        self.spoil = lambda _count, _name: None


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)
