"""What the commands print as JSON fits the schemas in docs/schema, and the schemas say no to anything else."""

import argparse
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docs.generate import FOLDER
from docs.generate.objects import INSPECT_EVIDENCE, OBJECTS
from postwarden.cli import check_config, inspect, run
from postwarden.cli.operator import open_recorder
from postwarden.config.locate import load
from postwarden.daemon import running
from postwarden.model.account import Account
from postwarden.model.application import Application, Credential, Dated, Owner
from postwarden.model.evidence import (
    Change,
    Delegation,
    Evidence,
    Folder,
    Grant,
    MailFlow,
    Setting,
)
from postwarden.model.finding import CheckRef, Fact, Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.mailflow import All, AnyOf, Effect, Not, Test
from postwarden.model.mailflow import Path as FlowPath
from postwarden.model.reading import Coverage, Excess, Gap
from postwarden.model.record import FindingOpened
from postwarden.model.scope import account_scope
from postwarden.pipeline.collect import Reading
from postwarden.pipeline.record import Conclusion
from tests.packaging.json_schema import misfits
from tests.windows import window

SCHEMAS: Mapping[str, dict[str, Any]] = {
    name: json.loads((FOLDER / "schema" / f"{name}.json").read_text(encoding="utf-8")) for name in OBJECTS
}
NOW = datetime(2026, 11, 23, 2, 36, tzinfo=UTC)
ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
SCOPE = account_scope(ALICE.key)
FINDING = Finding(
    id=finding_id("8a857a7e-c13c-45c1-a0ca-541aa0637660", SCOPE, ("sieve_script", "main")),
    rule="8a857a7e-c13c-45c1-a0ca-541aa0637660",
    name="external_redirect",
    title="Some mail goes to a stranger",
    level="high",
    scope=SCOPE,
    subject=("sieve_script", "main"),
    checks=(CheckRef(source="sieve", check="sieve_scripts"),),
    facts=(Fact(name="target", values=("a@elsewhere.example",)),),
    why=("it redirects to a@elsewhere.example",),
    evidence=("0" * 64,),
    attack=("T1114.003",),
    advice=("preserve first",),
)
BASE: dict[str, Any] = {"scope": SCOPE, "source": "s", "check": "c", "observed": NOW}
EVIDENCE: tuple[Evidence, ...] = (
    MailFlow(
        **BASE,
        origin="sieve_script",
        key="main",
        name="main",
        enabled=True,
        created=NOW,
        paths=(
            FlowPath(
                condition=AnyOf(
                    parts=(Test(field="subject", operator="is", values=("x",)), Not(part=All()), AnyOf())
                ),
                effects=(Effect(what="redirect", target="a@elsewhere.example"), Effect(what="keep")),
                line=2,
            ),
        ),
    ),
    Delegation(
        **BASE, via="imap_acl", folder="INBOX", grantee="bob", grantee_kind="user", rights=("read", "lookup")
    ),
    Folder(**BASE, name="INBOX", uses=("inbox",)),
    Grant(
        **BASE,
        provider="graph",
        grant_type="delegated",
        application=Application(
            id="1",
            name="n",
            credentials=(Credential(type="secret", id="k", added=Dated(time=NOW, origin="audit_log")),),
            owners=(Owner(name="bob"),),
        ),
        resource="mail",
        scopes=("read",),
        granted=Dated(time=NOW, origin="api"),
    ),
    Setting(**BASE, name="transport", value="cleartext"),
    Change(**BASE, happened=NOW, operation="New-InboxRule"),
)

Lines = list[dict[str, Any]]
Command = Callable[..., Lines]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], place: Path) -> Command:
    """Runs the program in a workplace and gives the lines that it printed."""

    def go(*arguments: str, code: int = 0) -> Lines:
        capsys.readouterr()
        got = run([*arguments, "--config", str(place / "agent.toml")])
        caught = capsys.readouterr()
        assert got == code, caught.err
        return [json.loads(line) for line in caught.out.splitlines()]

    return go


@pytest.fixture
def judge(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str], int], Lines]:
    """Runs a command that takes no configuration, and gives the lines that it printed."""

    def go(arguments: list[str], code: int) -> Lines:
        capsys.readouterr()
        got = run(arguments)
        caught = capsys.readouterr()
        assert got == code, caught.err
        return [json.loads(line) for line in caught.out.splitlines()]

    return go


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ledger, a script, and a source where nobody listens."""
    (tmp_path / "agent.toml").write_text(
        '[organisation]\ninternal_domains = []\n[accounts]\nlist = ["alice"]\ndomain = "example.org"\n'
        '[state]\nfolder = "state"\n[ledger]\norigin = "test/lines"\n'
        '[[source]]\nname = "imap"\nkind = "imap"\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n'
        'login = { secret = { env = "POSTWARDEN_TEST_SECRET" } }\n'
    )
    (tmp_path / "alice.sieve").write_text(
        'require "variables";\nif header :contains "subject" "x" { redirect "a@elsewhere.example"; }\n'
    )
    (tmp_path / "broken.sieve").write_text("if {")
    monkeypatch.setenv("POSTWARDEN_TEST_SECRET", "swordfish")
    monkeypatch.chdir(tmp_path)
    assert run(["init", "--config", str(tmp_path / "agent.toml")]) == 0
    return tmp_path


@pytest.fixture
def finding(place: Path) -> str:
    """The id of a finding that is in the ledger."""
    coverage = Coverage(scope=SCOPE, source="sieve", check="sieve_scripts", status="read", count=1)
    reading = Reading(scope=SCOPE, evidence=(), coverage=(coverage,))
    recorder = open_recorder(load(str(place / "agent.toml")))
    done = Conclusion(account=ALICE, reading=reading, findings=(FINDING,))
    recorder.finish_all([done], rules=frozenset())
    recorder.close()
    return FINDING.id


def fit(lines: Lines, *, by_inspect: bool = False) -> set[str]:
    """The names of the schemas that the lines were found to fit, each by its `type`."""
    seen = set()
    for line in lines:
        name = f"inspect_{line['type']}" if by_inspect else line["type"]
        assert misfits(SCHEMAS[name], line) == [], line
        seen.add(name)
    return seen


def test_an_audit_prints_what_is_documented(command: Command, finding: str) -> None:
    """An audit with an open finding and an unreadable server prints lines that fit their schemas."""
    recorded = command("audit", "--all", "--json", code=1)
    assert fit(recorded) == {"finding", "coverage", "gap", "summary"}
    unrecorded = command("audit", "--all", "--json", "--no-record", code=3)
    assert fit(unrecorded) == {"coverage", "gap", "summary"}


def test_findings_prints_what_is_documented(command: Command, finding: str) -> None:
    """`list`, `show` and `ack` print lines that fit their schemas, records of every kind of life among them."""
    assert fit(command("findings", "list", "--json")) == {"finding"}
    ack = command("findings", "ack", finding, "--reason", "asked her", "--until", "2999-01-01", "--json")
    assert fit(ack) == {"finding"}
    shown = command("findings", "show", finding, "--json")
    assert fit(shown) == {"finding", "record"}
    assert [line["record"]["kind"] for line in shown[1:]] == ["finding_opened", "finding_acknowledged"]


def test_an_answer_prints_what_is_documented(command: Command, place: Path) -> None:
    """`answer` prints the finding with the answer, and the record of it fits its schema."""
    found = window(SCOPE)
    recorder = open_recorder(load(str(place / "agent.toml")))
    recorder.write(lambda common: [FindingOpened(**common, finding=found)])
    recorder.close()
    answer = ("--by", "Alice", "--channel", "telephone", "--json")
    assert fit(command("findings", "answer", found.id, "--yours", "--until", "2999-01-01", *answer)) == {
        "finding"
    }
    assert fit(command("findings", "answer", found.id, "--not-mine", *answer)) == {"finding"}
    shown = command("findings", "show", found.id, "--json")
    assert fit(shown) == {"finding", "record"}
    assert [line["record"]["kind"] for line in shown[1:]] == [
        "finding_opened",
        "finding_answered",
        "finding_acknowledged",
        "finding_answered",
        "finding_reopened",
    ]


def test_every_record_of_a_ledger_is_documented(command: Command, finding: str, place: Path) -> None:
    """Each record that a ledger holds fits the schema of records."""
    command("audit", "--all", "--json", code=1)
    written = (place / "state" / "ledger" / "records" / "00000000.jsonl").read_text().splitlines()
    lines = [
        {"type": "record", "index": index, "record": json.loads(line)} for index, line in enumerate(written)
    ]
    assert fit(lines) == {"record"}
    assert {line["record"]["kind"] for line in lines} >= {
        "ledger_opened",
        "configuration_changed",
        "account_seen",
        "audit_started",
        "audit_finished",
        "finding_opened",
    }


def test_check_config_prints_what_is_documented(
    command: Command, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    """Configuration, warning, coverage, gap and excess fit their schemas."""
    assert fit(command("check-config", "--json", code=3)) == {"configuration", "warning", "coverage", "gap"}
    excess = Excess(scope=SCOPE, source="imap", message="our log-in could change the mailbox", hint="lra")
    gap = Gap(
        scope=SCOPE, source="imap", check="folder_acl", reason="forbidden", message="no", part="folder x"
    )
    options = argparse.Namespace(json=True)
    reading = Reading(scope=SCOPE, evidence=(), coverage=(), gaps=(gap,), excess=(excess,))
    check_config._show(options, None, ALICE, reading)  # type: ignore[arg-type]  # without coverage no source is named
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert fit(lines) == {"gap", "excess"}


def test_status_prints_what_is_documented(
    command: Command, finding: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Daemon, sources, failing accounts and places of checkpoints fit their schemas, with a daemon at work or none."""
    config = place / "agent.toml"
    config.write_text(config.read_text() + '[ledger.checkpoints]\nfile = "kept"\n')
    command("audit", "--all", "--json", code=1)
    recorder = open_recorder(load(str(place / "agent.toml")))
    recorder.change_sweeps(lambda sweeps: sweeps.plan([(SCOPE, "imap")], NOW, timedelta(minutes=15)))
    recorder.close()
    assert fit(command("status", "--json", code=3)) == {"daemon", "source", "failing", "checkpoint_place"}
    reading = running.Reading(scope=SCOPE.key, sources=("imap",), seconds=3)
    with running.alone(place / "state"):
        running.write(
            place / "state", running.Running(pid=1, started=NOW, time=NOW, queued=2, reading=(reading,))
        )
        lines = command("status", "--json", code=3)
    assert fit(lines) == {"daemon", "source", "failing", "checkpoint_place"}
    assert lines[0]["running"]
    assert lines[0]["reading"][0]["sources"] == ["imap"]


def test_rules_prints_what_is_documented(command: Command) -> None:
    """`list`, `test` and `explain` print lines that fit their schemas."""
    assert fit(command("rules", "list", "--json")) == {"rule"}
    assert fit(command("rules", "test", "--json")) == {"example"}
    assert fit(command("rules", "explain", "external_redirect", "alice.sieve", "--json", code=1)) == {
        "explanation"
    }


def test_verify_prints_what_is_documented(command: Command, place: Path) -> None:
    """A sound ledger, one with a tail and a damaged one all give a verification that fits."""
    segment = place / "state" / "ledger" / "records" / "00000000.jsonl"
    whole = segment.read_bytes()
    assert fit(command("verify", "--json")) == {"verification"}
    segment.write_bytes(whole + b"tail")
    (tail,) = command("verify", "--json")
    assert fit([tail]) == {"verification"}
    assert tail["uncommitted"] is not None
    segment.write_bytes(whole[:-10])
    (damaged,) = command("verify", "--json", code=4)
    assert fit([damaged]) == {"verification"}
    assert damaged["problems"] != []


def test_proofs_and_exports_print_what_is_documented(
    command: Command, judge: Callable[[list[str], int], Lines], place: Path
) -> None:
    """A made export, a sound proof of either kind and one that is not all fit their schemas."""
    assert fit(command("export", "--format", "csv", "out", "--json")) == {"export"}
    (place / "proof").write_bytes((place / "out/proofs/0.tlog-proof").read_bytes())
    keys = ["--keys", str(place / "out" / "keys"), "--json"]
    sound = ["verify-proof", str(place / "proof"), *keys]
    assert fit(judge(sound, 0)) == {"proof"}
    assert run(["prove", "--consistency", "0", "-o", "since", "--ledger", str(place / "state/ledger")]) == 0
    assert fit(judge(["verify-proof", "since", *keys], 0)) == {"proof"}
    (place / "proof").write_bytes((place / "proof").read_bytes().replace(b"index 0", b"index 1"))
    assert fit(judge(sound, 4)) == {"proof"}


def test_inspect_prints_what_is_documented(command: Command) -> None:
    """Evidence, finding, gap and summary fit their schemas, for a good script and a broken one."""
    lines = command("inspect", "alice.sieve", "broken.sieve", "--internal-domain", "example.org", code=1)
    wanted = {"inspect_evidence", "inspect_finding", "inspect_gap", "inspect_summary"}
    assert fit(lines, by_inspect=True) == wanted
    assert fit(command("inspect", "alice.sieve", code=3), by_inspect=True) >= {"inspect_gap"}


@pytest.mark.parametrize("evidence", EVIDENCE, ids=lambda one: type(one).__name__)
def test_every_kind_of_evidence_fits(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of evidence, as `inspect` prints it, fits the schema of evidence."""
    inspect._print_as("evidence", "a.sieve", evidence)
    line = json.loads(capsys.readouterr().out)
    assert fit([line], by_inspect=True) == {"inspect_evidence"}
    assert type(evidence) in INSPECT_EVIDENCE


def test_a_schema_says_no(command: Command, finding: str) -> None:
    """A line with a field too many, one missing, or one of another type does not fit."""
    (line,) = command("findings", "list", "--json")
    schema = SCHEMAS["finding"]
    assert misfits(schema, line) == []
    assert misfits(schema, {**line, "more": 1}) == ["$: has more too many"]
    assert misfits(schema, {key: value for key, value in line.items() if key != "status"}) == [
        "$: lacks status"
    ]
    assert misfits(schema, {**line, "status": "closed"}) == ["$.status: fits none of 2 shapes"]
    assert misfits(schema, {**line, "finding": {**line["finding"], "level": "severe"}}) != []
    assert misfits(schema, {**line, "first_seen": "2026-11-23T02:36:00"}) != []


def test_every_schema_is_named_by_its_objects() -> None:
    """Each schema asks for the `type` that its lines have, so that a line cannot fit another one."""
    for name, schema in SCHEMAS.items():
        kind = name.removeprefix("inspect_")
        for part in schema.get("anyOf", [schema]):
            shape = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
            assert shape["properties"]["type"]["enum"] == [kind], name
            assert "type" in shape["required"], name
