"""Cosignatures and time stamps are kept by size, and join the newest checkpoint again."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postwarden.errors import LedgerUnsound
from postwarden.ledger.cosignature import cosign
from postwarden.ledger.note import parse_note
from postwarden.witness.kept import keep, keep_token, kept_token, newest
from tests.unit.witness.conftest import Log

ONE, TWO = (Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (8, 9))


@pytest.fixture
def ledger(tmp_path: Path, log: Log) -> Path:
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / "checkpoint").write_bytes(log.newest().note)
    return folder


def cosigned(log: Log, name: str, private: Ed25519PrivateKey, time: int = 7) -> bytes:
    note = log.newest().note
    return note + cosign(parse_note(note).text, name, private, time=time)


def test_cosignatures_gather(ledger: Path, log: Log) -> None:
    """Those of several witnesses stand beneath one checkpoint; of one witness the newest."""
    assert newest(ledger) == log.newest().note
    keep(ledger, cosigned(log, "one", ONE))
    keep(ledger, cosigned(log, "two", TWO))
    keep(ledger, cosigned(log, "one", ONE, time=8))
    content = newest(ledger)
    assert content == (ledger / "witnessed" / "00000005").read_bytes()
    names = [each.name for each in parse_note(content).signatures]
    assert names == [log.origin, "one", "two"]
    assert parse_note(content).signatures[1].value[:8] == (8).to_bytes(8)


def test_what_is_kept_of_another_size_does_not_join(ledger: Path, log: Log) -> None:
    """The newest checkpoint has no cosignature of an older one."""
    keep(ledger, cosigned(log, "one", ONE))
    (ledger / "checkpoint").write_bytes(log.grow(1).newest().note)
    assert newest(ledger) == log.newest().note


def test_another_root_for_a_kept_size_is_not_sound(ledger: Path, log: Log) -> None:
    """A checkpoint that was kept shows that the ledger had other records then."""
    keep(ledger, cosigned(log, "one", ONE))
    fork = Log().grow(5, "x")
    with pytest.raises(LedgerUnsound, match="another ledger"):
        keep(ledger, cosigned(fork, "two", TWO))
    (ledger / "checkpoint").write_bytes(fork.newest().note)
    with pytest.raises(LedgerUnsound, match="another ledger"):
        newest(ledger)


def test_stamps_of_two_authorities_are_kept_apart(ledger: Path) -> None:
    """Each authority's answer has a file of its own, by size."""
    assert kept_token(ledger, 5, 0) is None
    keep_token(ledger, 5, 0, b"one")
    keep_token(ledger, 5, 1, b"two")
    assert (kept_token(ledger, 5, 0), kept_token(ledger, 5, 1), kept_token(ledger, 6, 0)) == (
        b"one",
        b"two",
        None,
    )
    assert sorted(each.name for each in (ledger / "witnessed").iterdir()) == [
        "00000005-2.tsr",
        "00000005.tsr",
    ]
