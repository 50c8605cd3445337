"""The state store: derived from the ledger, and made anew from it."""

import sqlite3
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.findings.store import VERSION, StateStore
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.record import (
    AccountSeen,
    AuditStarted,
    ConfigurationChanged,
    FindingAcknowledged,
    FindingAnswered,
    FindingChanged,
    FindingOpened,
    FindingReopened,
    FindingResolved,
    LedgerOpened,
)
from postwarden.model.scope import account_scope, source_scope
from tests.unit.findings.conftest import ALICE, NOW, Ledgerlike, envelope, finding, later

F = finding()
OPENED = FindingOpened(**envelope(NOW), finding=F)


def test_a_finding_stands_as_its_records_left_it(ledger: Ledgerlike) -> None:
    """Opened, acknowledged, changed, reopened and resolved leave status, times and the latest verdict."""
    changed = finding(target="mallory@evil.example")
    store = ledger.add(OPENED).store()
    (standing,) = store.findings()
    assert (standing.finding, standing.status, standing.first_seen, standing.since) == (F, "open", NOW, NOW)
    until = moment.text(later(30))
    ledger.add(FindingAcknowledged(**envelope(later(1)), id=F.id, reason="asked her", until=until)).catch_up(
        store
    )
    (standing,) = store.findings()
    assert (standing.status, standing.since) == ("acknowledged", later(1))
    given = standing.acknowledgement
    assert given is not None
    assert (given.reason, given.actor, given.until) == ("asked her", "uid 0 (root)", later(30))
    ledger.add(
        FindingChanged(**envelope(later(2)), finding=changed, changes=("x",)),
        FindingReopened(**envelope(later(2)), id=F.id, reason="changed"),
    ).catch_up(store)
    (standing,) = store.findings()
    assert (standing.finding, standing.status, standing.since) == (changed, "open", later(2))
    assert standing.acknowledgement is None
    ledger.add(FindingResolved(**envelope(later(3)), id=F.id, reason="gone")).catch_up(store)
    (standing,) = store.findings()
    assert (standing.status, standing.first_seen, standing.since) == ("resolved", NOW, later(3))
    assert store.history(F.id) == [0, 1, 2, 3, 4]
    store.close()


def _answered(time: datetime, **fields: Any) -> FindingAnswered:
    return FindingAnswered(
        **envelope(time),
        **{
            "id": F.id, "scope": ALICE, "subject": "imap/1", "verdict": "yours", "by": "Alice", "channel": "telephone",
            "sessions": 2, "cited": ("aa",), **fields,
        },
    )  # fmt: skip


def test_an_answer_stands_beside_the_status_and_a_worthless_one_does_not(ledger: Ledgerlike) -> None:
    """The last answer that counts is with the finding, whatever becomes of its acknowledgement; all that count are in order."""
    until = moment.text(later(9))
    yours, worthless, not_mine = (
        _answered(later(1), until=until),
        _answered(later(2), verdict="not_mine", worthless="mail"),
        _answered(later(3), verdict="not_mine", by="Bob"),
    )
    store = ledger.add(
        OPENED, yours, FindingAcknowledged(**envelope(later(1)), id=F.id, reason="x", until=until)
    ).store()
    (standing,) = store.findings()
    assert standing.answer is not None
    assert (standing.answer.verdict, standing.answer.until, standing.status) == (
        "yours", later(9), "acknowledged",
    )  # fmt: skip
    ledger.add(worthless, FindingReopened(**envelope(later(2)), id=F.id, reason="expired")).catch_up(store)
    (standing,) = store.findings()
    assert standing.answer is not None
    assert standing.answer.verdict == "yours"
    assert standing.status == "open"
    assert store.answers() == (yours,)
    ledger.add(not_mine).catch_up(store)
    (standing,) = store.findings()
    assert standing.answer is not None
    assert (standing.answer.verdict, standing.answer.by, standing.answer.time) == (
        "not_mine", "Bob", later(3),
    )  # fmt: skip
    assert store.history(F.id) == [0, 1, 2, 3, 4, 5]
    assert store.answers() == (yours, not_mine)
    store.rebuild()
    ledger.catch_up(store)
    assert store.answers() == (yours, not_mine)
    assert list(store.findings()) == [standing]
    store.close()


def test_findings_are_listed_by_scope_and_found_by_how_their_id_starts(ledger: Ledgerlike) -> None:
    """A scope's findings are its own, and a prefix in any case finds those that begin so."""
    others = [
        finding("two"),
        finding(scope=account_scope("login:bob")),
        finding(scope=source_scope("login:alice")),
    ]
    store = ledger.add(OPENED, *(FindingOpened(**envelope(), finding=one) for one in others)).store()
    assert {one.finding.id for one in store.findings(ALICE)} == {F.id, others[0].id}
    ids = [one.finding.id for one in store.findings()]
    assert ids == sorted(ids)
    assert len(ids) == 4
    assert [one.finding for one in store.finding(F.id[:10].lower())] == [F]
    assert store.finding("%") == store.finding("_" * 26) == store.finding("8") == []
    store.close()


def test_accounts_and_configurations_are_the_last_recorded(ledger: Ledgerlike) -> None:
    """Of several records of the same thing the last one counts."""
    one = Account(key="login:alice", login="alice")
    other = Account(
        key="login:alice", login="alice", addresses=("alice@example.org",), names={"ad": "EX\\alice"}
    )
    store = ledger.add(
        AccountSeen(**envelope(), account=one), AccountSeen(**envelope(), account=other),
        ConfigurationChanged(**envelope(), configuration="c1", rules="r1"),
        ConfigurationChanged(**envelope(), configuration="c2", rules="r2"),
    ).store()  # fmt: skip
    assert store.account("login:alice") == other
    assert store.account("login:bob") is None
    found = store.configuration()
    assert found is not None
    assert (found.configuration, found.rules) == ("c2", "r2")
    store.close()


def test_an_empty_store_knows_nothing(ledger: Ledgerlike) -> None:
    """A new ledger has no findings, accounts or configuration."""
    store = ledger.add(LedgerOpened(**envelope(), origin="o", verifier_key="k")).store()
    assert list(store.findings()) == []
    assert (store.account("x"), store.configuration(), store.blob_of(b"x")) == (None, None, None)
    store.close()


def test_only_what_is_new_is_read(ledger: Ledgerlike) -> None:
    """The store remembers how far it came, also over a restart, and asks for nothing where nothing is new."""
    ledger.add(OPENED).store().close()
    store = ledger.store()
    ledger.add(FindingOpened(**envelope(), finding=finding("two"))).catch_up(store)
    assert ledger.read == [0, 1]
    assert len(list(store.findings())) == 2
    store.close()


@pytest.mark.parametrize("damage", ["shorter", "other"])
def test_a_ledger_that_was_rolled_back_is_noticed(damage: str, ledger: Ledgerlike) -> None:
    """A ledger with fewer or other records than were seen before is not sound, and the hint says what to do."""
    store = ledger.add(OPENED, FindingOpened(**envelope(), finding=finding("two"))).store()
    if damage == "shorter":
        del ledger.lines[1]
    else:
        ledger.lines[1] = ledger.lines[1].replace(b'"two"', b'"six"')
    with pytest.raises(LedgerUnsound, match="seen before") as caught:
        ledger.catch_up(store)
    assert str(ledger.path) in str(caught.value.hint)
    assert len(list(store.findings())) == 2
    store.close()


def test_a_failed_reading_leaves_the_store_as_it_was(ledger: Ledgerlike) -> None:
    """Where a record in the middle cannot be taken in, none of the new ones is."""
    store = ledger.add(OPENED).store()
    ledger.add(FindingOpened(**envelope(), finding=finding("two")))
    ledger.lines.append(b'{"kind":"from_the_future"}')
    for _ in range(2):
        with pytest.raises(LedgerError, match="record 2 is not one that this postwarden knows") as caught:
            ledger.catch_up(store)
        assert caught.value.hint == "use the version that wrote it, and run postwarden verify"
    assert [one.finding for one in store.findings()] == [F]
    store.close()


@pytest.mark.parametrize(
    "line",
    [
        b'{"kind":"heartbeat","v":1,"time":"2026-11-23T12:00:00.000000Z","run":"r","actor":"a","agent":"p"}',
        b'{"kind":"finding_resolved","v":1,"time":"2026-11-23T12:00:00.000000Z","run":"r","actor":"a","agent":"p","id":"x","reason":"r","new":1}',
        b'{"kind":"finding_resolved","v":1,"time":"soon","run":"r","actor":"a","agent":"p","id":"X","reason":"r"}',
        b'{"kind":"finding_resolved"',
        b"[]",
        b"\xff",
    ],
    ids=["kind", "field", "time", "half", "list", "bytes"],
)
def test_a_record_that_cannot_be_read_is_our_error(line: bytes, ledger: Ledgerlike) -> None:
    """Whatever stands in a line, it is a record or an error of ours with its index."""
    ledger.add(OPENED).lines.append(line)
    store = StateStore(ledger.path)
    with pytest.raises(LedgerError, match="record 1"):
        ledger.catch_up(store)
    store.close()


def test_a_record_about_an_unknown_finding_is_our_error(ledger: Ledgerlike) -> None:
    """A resolution of what was never opened is told with the record's index."""
    ledger.add(FindingResolved(**envelope(), id="X", reason="r"))
    store = StateStore(ledger.path)
    with pytest.raises(LedgerError, match="record 0 is about the finding X, which no record opened"):
        ledger.catch_up(store)
    store.close()


def test_what_leaves_nothing_to_look_up_is_passed_over(ledger: Ledgerlike) -> None:
    """Kinds that say only what happened are read without a trace."""
    store = ledger.add(AuditStarted(**envelope(), scope=ALICE, sources=("imap",))).store()
    assert list(store.findings()) == []
    store.close()


def test_a_newer_store_is_not_touched(ledger: Ledgerlike) -> None:
    """The index of a newer version is refused with a way out, and stays as it is."""
    ledger.add(OPENED).store().close()
    with sqlite3.connect(ledger.path) as base:
        base.execute(f"PRAGMA user_version = {VERSION + 1}")
    base.close()
    before = ledger.path.read_bytes()
    with pytest.raises(LedgerError, match="is of a newer postwarden") as caught:
        StateStore(ledger.path)
    assert "delete the file" in str(caught.value.hint)
    assert ledger.path.read_bytes() == before


def spoil(path: Path, how: str) -> None:
    raw = bytearray(path.read_bytes())
    if how == "empty":
        raw.clear()
    elif how == "noise":
        raw[:] = b"\x5a" * len(raw)
    elif how == "head":
        raw[:100] = b"\x00" * 100
    elif how == "half":
        del raw[len(raw) // 2 :]
    elif how == "first page":
        del raw[4096:]
    elif how == "body":
        raw[4096:] = b"\x5a" * (len(raw) - 4096)
    path.write_bytes(raw)


@pytest.mark.parametrize("how", ["empty", "noise", "head", "half", "first page", "body"])
def test_a_damaged_store_is_made_anew(how: str, ledger: Ledgerlike) -> None:
    """The index is derived, so a damaged one costs a reading of the ledger and nothing else."""
    ledger.add(OPENED, *(FindingOpened(**envelope(), finding=finding(f"n{number}")) for number in range(50)))
    ledger.store().close()
    spoil(ledger.path, how)
    store = ledger.store()
    assert len(list(store.findings())) == 51
    store.close()


def test_a_deleted_store_is_made_anew(ledger: Ledgerlike) -> None:
    """Deleting the index loses nothing, blobs included."""
    ledger.blobs["b1"] = b"content"
    before = list(ledger.add(OPENED).store().findings())
    ledger.path.unlink()
    store = ledger.store()
    assert list(store.findings()) == before
    assert store.blob_of(b"content") == "b1"
    store.close()


def test_rebuilding_reads_everything_again(ledger: Ledgerlike) -> None:
    """On demand the index is made anew even where nothing is wrong with it."""
    store = ledger.add(OPENED).store()
    store.rebuild()
    assert list(store.findings()) == []
    ledger.catch_up(store)
    assert ledger.read == [0, 0]
    assert len(list(store.findings())) == 1
    store.close()


def test_blobs_are_known_by_their_content(ledger: Ledgerlike) -> None:
    """An unchanged content is found under the blob's name that was remembered last, without keeping it."""
    store = ledger.add(OPENED).store()
    store.remember_blobs([(b"secret content", "b1"), (b"other", "b2")])
    assert store.blob_of(b"secret content") == "b1"
    assert store.blob_of(b"unknown") is None
    store.remember_blobs([(b"secret content", "b3")])
    assert store.blob_of(b"secret content") == "b3"
    store.close()
    assert b"secret content" not in ledger.path.read_bytes()


def test_the_store_is_private(ledger: Ledgerlike) -> None:
    """Only the owner can read what was found about people's mail."""
    ledger.store().close()
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["missing/state.sqlite", "folder"])
def test_a_place_that_cannot_be_used_is_our_error(place: str, tmp_path: Path) -> None:
    """A folder in the file's place, or no folder to put it into, is told with the path."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(LedgerError, match=place):
        StateStore(tmp_path / place)


def test_a_standing_survives_its_encoding(ledger: Ledgerlike) -> None:
    """What is stored is what comes back, in every field."""
    odd = finding(
        "\U0001f600\n\\", title="caf\u00e9", why=("a\x00b",), advice=("x",), evidence=("b",), attack=("T1",)
    )
    store = ledger.add(FindingOpened(**envelope(), finding=odd)).store()
    (standing,) = store.findings()
    assert msgspec.structs.asdict(standing)["finding"] == odd
    store.close()
