"""Exports hold what was asked for, prove it, and are recorded."""

import csv
import io
import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.ledger.proof_file import InclusionProof, read_proof
from postwarden.ledger.verify_proof import trust, verify_inclusion
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.finding import CheckRef, Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.record import (
    AccountSeen,
    AuditStarted,
    FindingOpened,
    FindingResolved,
    Record,
    SweepStarted,
)
from postwarden.model.scope import account_scope, source_scope
from postwarden.pipeline.csv_cells import csv_line
from postwarden.pipeline.export import Exported, Format, export
from postwarden.pipeline.export_choice import Choice
from postwarden.pipeline.record import Recorder
from tests.unit.pipeline.conftest import ALICE, BOB, NOW
from tests.unit.pipeline.conftest import Record as Open

RULE = "8a857a7e-c13c-45c1-a0ca-541aa0637660"


def finding(account: Account) -> Finding:
    scope = account_scope(account.key)
    return Finding(
        id=finding_id(RULE, scope, ("sieve_script", "main")),
        rule=RULE,
        name="n",
        title="=HYPERLINK()",
        level="high",
        scope=scope,
        subject=("sieve_script", "main"),
        checks=(CheckRef(source="sieve", check="sieve_scripts"),),
    )


def fill(recorder: Recorder) -> None:
    """Records 1 to 10: half of them concern alice."""

    def decide(envelope: Any) -> list[Record]:
        def at(minute: int) -> Any:
            return {**envelope, "time": moment.text(NOW.replace(minute=minute)), "actor": "=cmd()"}

        return [
            AccountSeen(**at(1), account=ALICE),
            AccountSeen(**at(2), account=BOB),
            AuditStarted(**at(3), scope=account_scope(ALICE.key), sources=("sieve",)),
            AuditStarted(**at(4), scope=source_scope("sieve"), sources=("sieve",)),
            SweepStarted(
                **at(5),
                count=2,
                scopes=(account_scope(BOB.key), account_scope(ALICE.key)),
                sources=("sieve",),
            ),
            SweepStarted(**at(6), count=1, scopes=(account_scope(BOB.key),), sources=("sieve",)),
            FindingOpened(**at(7), finding=finding(ALICE)),
            FindingOpened(**at(8), finding=finding(BOB)),
            FindingResolved(**at(9), id=finding(ALICE).id, reason="gone"),
            FindingResolved(**at(10), id=finding(BOB).id, reason="gone"),
        ]

    recorder.write(decide)


@pytest.fixture
def filled(recorder: Open) -> Recorder:
    made = recorder()
    fill(made)
    return made


def hand_out(tmp_path: Path, recorder: Recorder, form: Format = "jsonl", **choice: Any) -> Exported:
    return export(
        recorder, tmp_path / "state" / "ledger", tmp_path / "out", form, Choice(**choice), lambda _: None
    )


def exported_indices(tmp_path: Path) -> list[int]:
    """What the proofs in the export are about."""
    return sorted(int(path.name.partition(".")[0]) for path in (tmp_path / "out" / "proofs").iterdir())


def last_record(recorder: Recorder) -> dict[str, Any]:
    *_, (_, line) = recorder.ledger.records()
    found: dict[str, Any] = json.loads(line)
    return found


def test_all_records_as_they_stand_with_their_proofs(tmp_path: Path, filled: Recorder) -> None:
    """The lines are the ledger's own, and each has a proof that its key and the export's certificates verify."""
    lines = [line for _, line in filled.ledger.records()]
    hand_out(tmp_path, filled)
    out = tmp_path / "out"
    assert (out / "records.jsonl").read_bytes() == b"".join(line + b"\n" for line in lines)
    chain = trust(filled.ledger.verifier_key, out / "keys").chain
    for index, line in enumerate(lines):
        proof = read_proof((out / "proofs" / f"{index}.tlog-proof").read_bytes())
        assert isinstance(proof, InclusionProof)
        assert (proof.index, proof.extra) == (index, line)
        assert verify_inclusion(proof, line, chain).size == len(lines)
    assert exported_indices(tmp_path) == list(range(11))


def test_the_sums_are_right_and_their_digest_is_recorded(tmp_path: Path, filled: Recorder) -> None:
    """sha256sum accepts every file, no file lacks a sum, and the ledger's record has the digest of the sums."""
    exported = hand_out(tmp_path, filled, since=moment.text(NOW.replace(minute=3)))
    out = tmp_path / "out"
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
    named = {line.split("  ")[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert named == files - {"SHA256SUMS"}
    digest = sha256((out / "SHA256SUMS").read_bytes()).hexdigest()
    record = last_record(filled)
    assert exported.digest == digest == record["digest"]
    assert {
        name: record[name] for name in ("kind", "format", "account", "since", "until", "count", "size")
    } == {
        "kind": "export_made",
        "format": "jsonl",
        "account": None,
        "since": "2026-11-23T12:03:00.000000Z",
        "until": None,
        "count": 8,
        "size": 11,
    }


def test_the_records_of_one_account(tmp_path: Path, filled: Recorder) -> None:
    """Scope, scopes, the account itself, its finding and what became of that finding concern it; nothing of others."""
    exported = hand_out(tmp_path, filled, account=ALICE.key)
    assert exported_indices(tmp_path) == [1, 3, 5, 7, 9]
    assert exported.count == 5
    assert b"bob@example.org" not in (tmp_path / "out" / "records.jsonl").read_bytes()
    assert last_record(filled)["account"] == ALICE.key


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [(3, None, range(3, 11)), (None, 3, range(3)), (3, 5, range(3, 5)), (20, None, range(0))],
)
def test_the_records_of_some_time(
    tmp_path: Path, filled: Recorder, since: int | None, until: int | None, expected: range
) -> None:
    """From `since` on and before `until`, by the records' own times."""
    times: dict[str, Any] = {
        name: moment.text(NOW.replace(minute=minute))
        for name, minute in (("since", since), ("until", until))
        if minute is not None
    }
    if expected:
        hand_out(tmp_path, filled, **times)
        assert exported_indices(tmp_path) == list(expected)
    else:
        assert hand_out(tmp_path, filled, **times).count == 0
        assert (tmp_path / "out" / "records.jsonl").read_bytes() == b""


def test_a_table_for_a_spreadsheet(tmp_path: Path, filled: Recorder) -> None:
    """One row a record, no cell that a spreadsheet would run, and the record itself unchanged in the last one."""
    hand_out(tmp_path, filled, "csv")
    text = (tmp_path / "out" / "records.csv").read_text(encoding="ascii")
    head, *rows = csv.reader(io.StringIO(text))
    assert head == ["index", "time", "kind", "account", "run", "actor", "agent", "record"]
    lines = [line.decode() for _, line in filled.ledger.records()]
    assert [row[-1] for row in rows] == lines[: len(rows)]
    assert rows[5][:6] == [
        "5", "2026-11-23T12:05:00.000000Z", "sweep_started", "login:alice, login:bob", "run-1", "'=cmd()",
    ]  # fmt: skip
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_formulas_are_text(text: str) -> None:
    """What a spreadsheet would calculate begins with an apostrophe, or its control character is shown."""
    assert csv_line([text]).startswith(("'", "\\u{9}"))


def test_tiles_of_the_whole_ledger(tmp_path: Path, filled: Recorder) -> None:
    """The tiles hold the records and the hashes of their leaves; checkpoint and certificates go with them."""
    lines = [line for _, line in filled.ledger.records()]
    exported = hand_out(tmp_path, filled, "tlog-tiles")
    out = tmp_path / "out"
    assert exported.count == 11
    assert (out / "tile/0/000.p/11").read_bytes() == b"".join(sha256(b"\0" + line).digest() for line in lines)
    assert (out / "tile/entries/000.p/11").read_bytes() == b"".join(
        len(line).to_bytes(2, "big") + line for line in lines
    )
    assert sorted(path.name for path in out.iterdir()) == [
        "README.txt", "SHA256SUMS", "checkpoint", "keys", "tile",
    ]  # fmt: skip
    assert last_record(filled)["format"] == "tlog-tiles"


def test_nobody_else_reads_it(tmp_path: Path, filled: Recorder) -> None:
    """The folder and everything in it is for its owner alone."""
    hand_out(tmp_path, filled)
    out = tmp_path / "out"
    assert [path for path in (out, *out.rglob("*")) if path.stat().st_mode & 0o077] == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, filled: Recorder) -> None:
    """Where something is, nothing is written and nothing is recorded."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    before = filled.ledger.position()
    with pytest.raises(LedgerError, match="not empty"):
        hand_out(tmp_path, filled)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    assert filled.ledger.position() == before


def test_an_unsound_ledger_hands_out_nothing(tmp_path: Path, filled: Recorder) -> None:
    """Where a record was changed on the disk, there is no export and no folder."""
    segment = tmp_path / "state/ledger/records/00000000.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"bob@example.org", b"eve@example.org"))
    with pytest.raises(LedgerUnsound, match="root"):
        hand_out(tmp_path, filled)
    assert not (tmp_path / "out").exists()


def test_an_export_that_cannot_be_recorded_is_said_to_be_that(
    tmp_path: Path, filled: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the record fails, so does the command, and it says not to hand the folder out."""

    def fail(*_: object) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(filled, "write", fail)
    with pytest.raises(LedgerError, match="was not recorded: the disk is full") as failed:
        hand_out(tmp_path, filled)
    assert failed.value.hint
    assert "do not hand it out" in failed.value.hint


def test_an_accounts_name_does_nothing_to_a_terminal(tmp_path: Path, filled: Recorder) -> None:
    """Whoever reads README.txt on a terminal sees what a directory made up, and no more."""
    hand_out(tmp_path, filled, account="login:\x1b]0;owned\x07é")
    text = (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
    assert "owned" in text
    assert not [character for character in text if not character.isprintable() and character != "\n"]


def test_the_text_file_names_what_is_there(tmp_path: Path, filled: Recorder) -> None:
    """README.txt names the ledger, the checkpoint's size and each file or folder of the export."""
    hand_out(tmp_path, filled, account=ALICE.key)
    out = tmp_path / "out"
    text = (out / "README.txt").read_text(encoding="ascii")
    assert "postwarden/test" in text
    assert "the first 11 records" in text
    assert "Records here: 5 (account login:alice)" in text
    assert [path.name for path in out.iterdir() if path.name not in text and path.name != "README.txt"] == []
