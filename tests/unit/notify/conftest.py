"""Notices, and a journal of our own."""

import array
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postwarden.model.finding import Finding, Level
from postwarden.model.scope import account_scope
from postwarden.notify.notice import Change, Notice

MakeNotice = Callable[..., Notice]


@pytest.fixture
def notice() -> MakeNotice:
    """Makes a notice about a finding."""

    def make(
        change: Change = "opened", level: Level = "high", why: tuple[str, ...] = ("it is so",)
    ) -> Notice:
        finding = Finding(
            id="QKZL2", rule="0e8a", name="external_redirect", title="mail leaves", level=level,
            scope=account_scope("login:alice"), subject=("rule",), checks=(), why=why,
        )  # fmt: skip
        return Notice(
            key="QKZL2-7", change=change, ledger="postwarden/host", record=7, time="2026-11-23T00:00:00.000000Z",
            actor="uid 0 (root)", agent="postwarden/0", account="alice@example.org", finding=finding,
        )  # fmt: skip

    return make


class Journal:
    """Listens as journald does, and parses what comes by the protocol's own description."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, str]] = []
        self.by_file = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            content, ancillary, _, _ = self._socket.recvmsg(4_000_000, socket.CMSG_SPACE(4))
            if content == b"end":
                return
            for _, _, raw in ancillary:
                (file,) = array.array("i", raw)
                with open(file, "rb") as stream:  # noqa: PTH123 - a descriptor's file
                    stream.seek(0)
                    content = stream.read()
                self.by_file += 1
            self.entries.append(parse(content))

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(b"end", str(self.path))
        self._thread.join(10)
        self._socket.close()


def parse(content: bytes) -> dict[str, str]:
    found = {}
    while content:
        line, _, rest = content.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found[name.decode()] = value.decode()
        content = rest
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    listening = Journal(tmp_path / "journal")
    yield listening
    listening.close()
