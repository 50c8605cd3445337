"""What others remember is read back, and a ledger that does not hold it any more is stopped."""

import json
import os
from pathlib import Path

import pytest

from postwarden.errors import LedgerUnsound
from postwarden.ledger.note import encode_base64
from postwarden.witness.client import cosigned_by
from postwarden.witness.memory import Remembered, at_witness, compare, in_file, in_journal
from postwarden.witness.outlets import MESSAGE_ID, to_file
from postwarden.witness.peers import Witness
from tests.unit.witness.conftest import ORIGIN, Log, Running


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the only one programs are looked for in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def journalctl(folder: Path, output: bytes, status: int = 0, said: str = "") -> None:
    """A journalctl that prints this, and keeps what it was asked."""
    (folder / "output").write_bytes(output)
    program = folder / "journalctl"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {folder}/asked\n/bin/cat {folder}/output\necho "{said}" >&2\nexit {status}\n'
    )
    program.chmod(0o755)


def entry(log: Log) -> bytes:
    root = encode_base64(log.position.root)
    told = {"POSTWARDEN_SIZE": str(log.position.size), "POSTWARDEN_ROOT": root, "MESSAGE": "x"}
    return json.dumps(told).encode() + b"\n"


def test_a_file_remembers(tmp_path: Path, log: Log) -> None:
    """The checkpoint in a file is remembered; where there is none yet, nothing is."""
    assert in_file(tmp_path / "c", ORIGIN) == Remembered(f"the file {tmp_path / 'c'}")
    to_file(log.newest().note, tmp_path / "c")
    assert in_file(tmp_path / "c", ORIGIN).position == log.position


@pytest.mark.parametrize("content", [b"", b"\xff", b"a\n\n\n", Log(origin="other").grow(1).newest().note])
def test_a_file_that_is_no_memory_is_said(tmp_path: Path, content: bytes) -> None:
    """A file that holds something else, or another ledger's checkpoint, is not read, and it is said."""
    (tmp_path / "c").write_bytes(content)
    found = in_file(tmp_path / "c", ORIGIN)
    assert found.position is None
    assert found.unread


def test_a_file_whose_place_is_away_is_said(tmp_path: Path) -> None:
    """A file whose folder is missing, as of a medium that is not there, or that is no file, is not read."""
    assert in_file(tmp_path / "away" / "c", ORIGIN).unread
    os.mkfifo(tmp_path / "pipe")
    assert in_file(tmp_path / "pipe", ORIGIN).unread


def test_the_journal_remembers_the_largest(programs: Path, log: Log) -> None:
    """Of the entries that we wrote ourselves the largest counts, whichever came last."""
    journalctl(programs, entry(log) + entry(Log().grow(2)))
    assert in_journal(ORIGIN, 990).position == log.position
    asked = (programs / "asked").read_text()
    assert f"MESSAGE_ID={MESSAGE_ID} POSTWARDEN_ORIGIN={ORIGIN} _UID=990" in asked


def test_an_empty_journal_remembers_nothing(programs: Path) -> None:
    """A journal without an entry of ours is read, and remembers nothing."""
    journalctl(programs, b"")
    assert in_journal(ORIGIN, 0) == Remembered("the journal")


@pytest.mark.parametrize(
    "output", [b"nonsense\n", b"[]\n", b'{"POSTWARDEN_SIZE": [1], "POSTWARDEN_ROOT": "x"}\n']
)
def test_an_entry_that_makes_no_sense_is_said(programs: Path, output: bytes) -> None:
    """A journal whose entries cannot be read is not read."""
    journalctl(programs, output)
    assert in_journal(ORIGIN, 0).unread


def test_a_journal_that_may_not_be_read_is_said(programs: Path) -> None:
    """Where journalctl is missing, fails, or says that it saw no files, the journal is not read."""
    assert in_journal(ORIGIN, 0).unread == "there is no journalctl"
    journalctl(programs, b"", status=1, said="no rights")
    assert in_journal(ORIGIN, 0).unread == "no rights"
    journalctl(programs, b"", said="No journal files were opened due to insufficient permissions.")
    assert "permissions" in str(in_journal(ORIGIN, 0).unread)


def test_a_witness_remembers(witness: Running, log: Log) -> None:
    """What a witness cosigned is remembered; one that is away is not read."""
    assert at_witness(witness.peer, ORIGIN).position is None
    cosigned_by(witness.peer, log.newest)
    assert at_witness(witness.peer, ORIGIN).position == log.position
    assert at_witness(Witness("http://127.0.0.1:9", witness.peer.key), ORIGIN).unread


def test_a_ledger_that_grew_is_as_remembered(log: Log) -> None:
    """A ledger that still begins with what is remembered goes on."""
    before = log.position
    log.grow(4)
    places = [
        Remembered("a", before),
        Remembered("b", log.position),
        Remembered("c"),
        Remembered("d", unread="x"),
    ]
    compare(log.position, log.newest().root_at, places)


def test_a_ledger_that_went_back_is_stopped(log: Log) -> None:
    """A ledger that is smaller than what is remembered is not sound: both sizes and the way out are named."""
    with pytest.raises(LedgerUnsound, match=r"the file x has seen 5 records .* it has 3") as failure:
        compare(Log().grow(3).position, log.newest().root_at, [Remembered("the file x", log.position)])
    assert "postwarden ledger succeed --from OLD" in str(failure.value.hint)


@pytest.mark.parametrize("size", [5, 9])
def test_a_ledger_with_other_records_is_stopped(log: Log, size: int) -> None:
    """A ledger that does not begin with what is remembered is not sound, also where it is larger."""
    other = Log().grow(size, "x")
    with pytest.raises(LedgerUnsound, match="another ledger"):
        compare(other.position, lambda count: other.range_root(0, count), [Remembered("a", log.position)])
