"""What goes into the ledger, and that it always can."""

import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from postwarden.errors import LedgerError, LedgerFull, LedgerUnsound
from postwarden.findings.store import StateStore
from postwarden.ledger.record import MAX_LINE, record_form
from postwarden.ledger.scan import Scan, Wanted, scan_segment
from postwarden.ledger.verify import verify
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.finding import CheckRef, Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.reading import Gap, Item
from postwarden.model.record import AuditFinished, AuditStarted
from postwarden.model.scope import account_scope
from postwarden.pipeline.collect import Reading, collect_account
from postwarden.pipeline.committing import line
from postwarden.pipeline.record import MAX_NAMES, Conclusion, Recorder, create_ledger
from tests.unit.pipeline.conftest import ALICE, NOW, SCOPE, Record, Told, done, flow, found, gap, session

RULE = "8a857a7e-c13c-45c1-a0ca-541aa0637660"
CHECK = CheckRef(source="sieve", check="sieve_scripts")
ENVELOPE: Any = {"time": moment.text(NOW), "run": "r", "actor": "a", "agent": "p"}
SMILES = "\U0001f600"


def finding(name: str = "main", **fields: Any) -> Finding:
    subject = ("sieve_script", name)
    return Finding(
        id=finding_id(RULE, SCOPE, subject), rule=RULE, scope=SCOPE, subject=subject,
        **{"name": "n", "title": "T", "level": "high", "checks": (CHECK,), **fields},
    )  # fmt: skip


def reading(*items: Item, checks: tuple[str, ...] = ("sieve_scripts",)) -> Reading:
    return collect_account(ALICE, [Told(items, checks=checks)], lambda *_: None, None)


def finish(
    recorder: Recorder,
    read: Reading,
    findings: Sequence[Finding] = (),
    *,
    account: Account | None = ALICE,
    unknown: tuple[str, ...] = (),
) -> None:
    done = Conclusion(account=account, reading=read, findings=tuple(findings), unknown_names=unknown)
    recorder.finish_all([done], rules=frozenset({RULE}))


def records(recorder: Recorder) -> list[dict[str, Any]]:
    found = []
    for _, one in recorder.ledger.records():
        record_form(one)
        found.append(json.loads(one))
    return found


def kinds(recorder: Recorder) -> list[str]:
    return [record["kind"] for record in records(recorder)]


def test_a_line_is_what_it_decodes_to() -> None:
    """What is signed was decoded from its bytes and compared first."""
    record = AuditStarted(**ENVELOPE, scope=SCOPE, sources=("imap",))
    assert json.loads(line(record))["scope"] == {"kind": "account", "key": "login:alice"}


def test_a_record_that_does_not_survive_is_not_written() -> None:
    """A value that reads back as another one is a bug of ours, and never signed."""
    broken = AuditStarted(**ENVELOPE, scope=SCOPE, sources=["imap"])  # type: ignore[arg-type]  # on purpose
    with pytest.raises(AssertionError, match="AuditStarted does not survive"):
        line(broken)


def test_an_audit_is_recorded_from_intent_to_result(recorder: Record) -> None:
    """Start, first sight of the account, coverage and findings, in this order."""
    made = recorder()
    made.start([SCOPE], ["sieve"])
    finish(made, reading(session(), done()), [finding()])
    assert kinds(made) == [
        "ledger_opened",
        "audit_started",
        "account_seen",
        "audit_finished",
        "finding_opened",
    ]
    finished = records(made)[3]
    assert finished["coverage"][0]["status"] == "read"
    assert finished["sessions"][0]["local_port"] == 1
    assert {record["run"] for record in records(made)[1:]} == {"run-1"}
    (standing,) = made.store.findings(SCOPE)
    assert standing.finding == finding()


def test_an_account_is_recorded_when_it_is_new_or_changed(recorder: Record) -> None:
    """First sight and each change of names is a record, and nothing in between."""
    made = recorder()
    renamed = Account(key=ALICE.key, login="alice", addresses=("alice@example.org", "a@example.org"))
    for account in (ALICE, ALICE, renamed, renamed):
        finish(made, reading(done()), account=account)
    assert [
        record["account"]["addresses"] for record in records(made) if record["kind"] == "account_seen"
    ] == [
        ["alice@example.org"],
        ["alice@example.org", "a@example.org"],
    ]
    finish(made, reading(done()), account=None)
    assert kinds(made).count("account_seen") == 2


def test_a_finding_that_is_gone_is_resolved_only_after_a_complete_read(recorder: Record) -> None:
    """A gap keeps the finding open, a complete reading resolves it, and its return reopens it."""
    made = recorder()
    for read, judged, status in (
        (reading(done()), [finding()], "open"),
        (reading(gap()), [], "open"),
        (reading(done()), [], "resolved"),
        (reading(done()), [finding()], "open"),
    ):
        finish(made, read, judged)
        (standing,) = made.store.findings()
        assert standing.status == status
    assert [kind for kind in kinds(made) if kind.startswith("finding")] == [
        "finding_opened",
        "finding_resolved",
        "finding_reopened",
    ]


def test_two_recorders_open_a_finding_once(recorder: Record) -> None:
    """What one process recorded, another one knows when it decides."""
    one, two = recorder(), recorder()
    finish(one, reading(done()), [finding()])
    finish(two, reading(done()), [finding()])
    assert kinds(one).count("finding_opened") == 1
    assert kinds(two).count("audit_finished") == 2


def test_an_unchanged_state_reuses_its_blob(recorder: Record) -> None:
    """The same bytes are kept once, also by another process, and other bytes apart."""
    made = recorder()
    first = made.keep(b"script")
    assert made.keep(b"script") == first
    assert made.keep(b"other") != first
    finish(made, reading(done()))
    again = recorder()
    assert again.keep(b"script") == first
    assert again.ledger.blob(first) == b"script"


def test_a_blob_that_was_erased_is_kept_anew(recorder: Record, tmp_path: Path) -> None:
    """After an erasure the same bytes get a new blob, instead of a name without content."""
    made = recorder()
    first = made.keep(b"script")
    finish(made, reading(done()))
    (tmp_path / "state" / "ledger" / "blobs" / first).unlink()
    second = made.keep(b"script")
    assert second != first
    assert made.ledger.blob(second) == b"script"


def test_a_configuration_is_recorded_when_it_changes(recorder: Record) -> None:
    """File or rules: each change of what is in force is one record."""
    made = recorder()
    for raw, rules in ((b"a", "1"), (b"a", "1"), (b"b", "1"), (b"b", "2"), (b"b", "2")):
        made.configuration(raw, rules)
    assert kinds(made).count("configuration_changed") == 3
    assert made.ledger.blob(records(made)[-1]["configuration"]) == b"b"


def test_an_acknowledgement_silences_one_finding(recorder: Record) -> None:
    """Who, why and until when is recorded, under the shortest prefix that is unique."""
    made = recorder()
    finish(made, reading(done()), [finding(), finding("two")])
    standing = made.acknowledge(finding().id[:8].lower(), reason="asked her", until=NOW)
    assert standing.finding == finding()
    assert standing.status == "acknowledged"
    assert records(made)[-1]["reason"] == "asked her"
    assert records(made)[-1]["until"] == moment.text(NOW)


@pytest.mark.parametrize(("prefix", "words"), [("ZZZZ", "no findings"), ("", "no findings")])
def test_a_prefix_must_name_one_finding(prefix: str, words: str, recorder: Record) -> None:
    """None or several are refused, and nothing is recorded."""
    made = recorder()
    finish(made, reading(done()), [finding(), finding("two")])
    before = kinds(made)
    with pytest.raises(LedgerError, match=words) as caught:
        made.acknowledge(prefix, reason="r", until=None)
    assert caught.value.hint
    assert kinds(made) == before


def test_nothing_is_not_a_prefix(recorder: Record) -> None:
    """An empty id, as from an empty variable in a script, names no finding, even where there is only one."""
    made = recorder()
    finish(made, reading(done()), [finding()])
    with pytest.raises(LedgerError):
        made.acknowledge("", reason="r", until=None)


def test_a_resolved_finding_is_not_acknowledged(recorder: Record) -> None:
    """What is over needs no acknowledgement."""
    made = recorder()
    finish(made, reading(done()), [finding()])
    finish(made, reading(done()))
    with pytest.raises(LedgerError, match="is resolved"):
        made.acknowledge(finding().id, reason="r", until=None)


def test_the_index_can_be_made_anew(recorder: Record, tmp_path: Path) -> None:
    """Rebuilt, deleted or rolled back, the index says the same again, or that something is wrong."""
    made = recorder()
    finish(made, reading(done()), [finding()])
    before = list(made.store.findings())
    made.rebuild()
    assert list(made.store.findings()) == before
    made.close()
    (tmp_path / "state" / "state.sqlite").unlink()
    assert list(recorder().store.findings()) == before


def test_a_rolled_back_ledger_is_noticed_by_the_index(recorder: Record, tmp_path: Path) -> None:
    """An older copy of the ledger beside a newer index is not sound."""
    made = recorder()
    ledger, copy = tmp_path / "state" / "ledger", tmp_path / "copy"
    shutil.copytree(ledger, copy)
    finish(made, reading(done()), [finding()])
    made.close()
    shutil.rmtree(ledger)
    shutil.copytree(copy, ledger)
    with pytest.raises(LedgerUnsound, match="seen before"):
        recorder()


def gaps(count: int, text: str) -> list[Item]:
    return [
        gap(message=f"{text} {number}", part=f"script {text} {number}", hint=text) for number in range(count)
    ]


@pytest.mark.parametrize(
    "items",
    [
        gaps(1000, "the server refused GETSCRIPT: no such script"),
        gaps(1000, SMILES * 500),
        gaps(1000, SMILES * 5000),
        gaps(1, "x" * 70_000),
        [session(number) for number in range(20)] + gaps(1000, "x" * 200),
    ],
    ids=["ordinary", "as long as sentences", "as long as a line", "one of 70,000", "sessions"],
)
def test_a_thousand_gaps_fit_into_a_record(items: list[Item], recorder: Record) -> None:
    """However much a server has to say about what it keeps back, that it was unread is recorded."""
    made = recorder()
    finish(made, reading(*items))
    (finished,) = [record for record in records(made) if record["kind"] == "audit_finished"]
    (row,) = finished["coverage"]
    assert row["status"] == "gap"
    assert len(row["gaps"]) + row["more_gaps"] == sum(isinstance(item, Gap) for item in items)


@pytest.mark.parametrize(
    "names",
    [[f"user{number}" for number in range(5000)], ["x" * 1000] * 100, [SMILES * 1000] * 3, ["y" * 70_000]],
)
def test_names_that_nobody_knows_fit_into_a_record(names: list[str], recorder: Record) -> None:
    """An intruder who gives rights to long or many names does not keep the audit from being recorded."""
    made = recorder()
    finish(made, reading(done()), unknown=tuple(f"{name}{number}" for number, name in enumerate(names)))
    (finished,) = [record for record in records(made) if record["kind"] == "audit_finished"]
    assert len(finished["unknown_names"]) <= MAX_NAMES


def test_a_record_is_never_longer_than_a_line() -> None:
    """The bound of a line is the ledger's."""
    big = AuditFinished(**ENVELOPE, scope=SCOPE, coverage=reading(*gaps(10, SMILES * 500)).coverage)
    assert len(line(big)) > MAX_LINE


def test_the_new_ledger_begins_with_its_key(tmp_path: Path) -> None:
    """The first record has origin and key, and the ledger is sound."""
    key = create_ledger(tmp_path / "s" / "t", origin="postwarden/x", run="r", actor="a", agent="p", now=NOW)
    result = verify(tmp_path / "s" / "t" / "ledger", key=key)
    assert result.sound
    assert (result.origin, result.size, result.verifier_key) == ("postwarden/x", 1, key)


def test_a_state_folder_that_cannot_be_made_is_our_error(tmp_path: Path) -> None:
    """A file in the way is told with the path and the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="state") as caught:
        create_ledger(tmp_path / "file" / "state", origin="x", run="r", actor="a", agent="p", now=NOW)
    assert caught.value.hint


def test_blobs_and_evidence_go_together(recorder: Record) -> None:
    """The digest in a record is over the names of the blobs that the ledger has."""
    made = recorder()
    told = Told([found(), found(flow("two"), b"other"), done()])
    read = collect_account(ALICE, [told], lambda *_: None, made.keep)
    finish(made, read)
    (finished,) = [record for record in records(made) if record["kind"] == "audit_finished"]
    assert finished["coverage"][0]["count"] == 2
    assert all(made.ledger.has_blob(str(item.blob)) for item in read.evidence)


@pytest.mark.parametrize(("many", "length", "listed"), [(100, 0, False), (101, 0, True), (100, 700, True)])
def test_the_intent_of_a_sweep_names_many_people_in_a_blob(
    recorder: Record, many: int, length: int, listed: bool
) -> None:
    """However many are due, and however long their keys, each is named; a long list is in a blob that can be erased."""
    made = recorder()
    scopes = [account_scope(f"login:{number}{'x' * length}") for number in range(many)]
    made.start_sweep({("imap", "sieve"): scopes, ("sieve",): [SCOPE]})
    first, second = (one for one in records(made) if one["kind"] == "sweep_started")
    assert (first["count"], second["count"]) == (many, 1)
    told = json.loads(made.ledger.blob(first["listed"])) if listed else first["scopes"]
    assert (bool(first["listed"]), bool(first["scopes"])) == (listed, not listed)
    assert [scope["key"] for scope in told] == [scope.key for scope in scopes]
    assert second["scopes"] == [{"kind": "account", "key": SCOPE.key}]


def test_several_conclusions_are_one_commit(recorder: Record) -> None:
    """What was read together is recorded together, each scope with its own findings."""
    made = recorder()
    before = made.ledger.position().size
    other = Account(key="login:bob", login="bob")
    theirs = collect_account(other, [Told([])], lambda *_: None, None)
    made.finish_all(
        [
            Conclusion(account=ALICE, reading=reading(done()), findings=(finding(),)),
            Conclusion(account=other, reading=theirs, findings=()),
        ],
        rules=frozenset({RULE}),
    )
    kinds = [one["kind"] for one in records(made)[before:]]
    assert kinds == ["account_seen", "audit_finished", "finding_opened", "account_seen", "audit_finished"]
    assert [one.finding.id for one in made.store.findings(SCOPE)] == [finding().id]


def no_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk has no room for the ledger as long as its reserve is there."""
    write = os.pwrite

    def pwrite(descriptor: int, content: bytes, offset: int) -> int:
        if path.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, content, offset)

    monkeypatch.setattr("postwarden.ledger.files.pwrite", pwrite)


def test_a_disk_without_room_for_records_is_recorded(
    recorder: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where records find no room, the error is raised, and one record says how many they were."""
    one = recorder()
    no_room(tmp_path / "state" / "ledger" / "reserve", monkeypatch)
    with pytest.raises(LedgerFull, match="no space left"):
        one.start([SCOPE], ["sieve"])
    assert [(each["kind"], each.get("records")) for each in records(one)][1:] == [("ledger_full", 1)]
    one.start([SCOPE], ["sieve"])
    assert records(one)[-1]["kind"] == "audit_started"
    assert verify(tmp_path / "state" / "ledger").sound


def test_a_disk_without_room_for_a_blob_is_recorded(
    recorder: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a blob finds no room, the error is raised, and one record says how long it was."""
    one = recorder()
    no_room(tmp_path / "state" / "ledger" / "reserve", monkeypatch)
    with pytest.raises(LedgerFull, match="a blob was not written"):
        one.keep(b"raw evidence")
    (told,) = records(one)[1:]
    assert (told["kind"], told["records"], told["length"]) == ("ledger_full", 0, 12)
    assert one.keep(b"raw evidence")


def test_a_disk_without_room_for_the_state_store_is_recorded(
    recorder: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the state store finds no room, the error is raised, and a record says so."""
    one = recorder()
    sizes = iter([4096])

    def full(_store: StateStore, _blobs: object) -> None:
        if next(sizes, None):
            raise LedgerFull("the state store could not be written: database or disk is full", "free space")

    monkeypatch.setattr(StateStore, "remember_blobs", full)
    with pytest.raises(LedgerFull, match="state store"):
        one.start([SCOPE], ["sieve"])
    (told,) = records(one)[1:]
    assert (told["kind"], told["error"]) == (
        "ledger_full",
        "the state store could not be written: database or disk is full",
    )


def test_a_long_ledger_is_opened_with_what_the_state_store_remembers(
    recorder: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorder opened again reads the last segment alone; without the state store it reads all, with progress."""
    for module in ("segments", "writer"):
        monkeypatch.setattr(f"postwarden.ledger.{module}.LENGTH", 4)
    one = recorder()
    for _ in range(9):
        one.start([SCOPE], ["sieve"])
    one.refresh()
    state = tmp_path / "state"
    seen: list[int] = []
    scan = scan_segment

    def noted(ledger: int, wanted: Wanted, *, owner: int | None, progress: Any) -> Scan:
        seen.append(wanted.first)
        return scan(ledger, wanted, owner=owner, progress=progress)

    monkeypatch.setattr("postwarden.ledger.advance.scan_segment", noted)
    told: list[int] = []

    def open_again() -> Recorder:
        return Recorder(state, run="r", actor="a", agent="p", clock=lambda: NOW, progress=told.append)

    open_again().close()
    assert (seen, told) == ([8], [])
    seen.clear()
    (state / "state.sqlite").unlink()
    open_again().close()
    assert (seen, told[-1]) == ([0, 4, 8], 10)
    seen.clear()
    base = sqlite3.connect(state / "state.sqlite")
    with base:
        base.execute("UPDATE edge SET peaks = ?", (bytes(32),))
    base.close()
    open_again().close()
    assert seen == [8, 0, 4, 8]
    assert verify(state / "ledger").sound
