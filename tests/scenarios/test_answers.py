"""Somebody is asked whether it was her, and the answer is recorded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.cli.operator import open_recorder
from postwarden.config.locate import load
from postwarden.model.account import Account
from postwarden.model.finding import Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.record import AccountSeen, FindingOpened
from postwarden.model.scope import account_scope
from tests.scenarios.conftest import Workplace
from tests.windows import window

ALICE = Account(key="login:alice", login="alice", addresses=("alice@example.org",))
BOB = Account(key="login:bob", login="bob", addresses=("bob@example.org",))
SCOPE = account_scope(ALICE.key)
FIRST = datetime.now(UTC) - timedelta(days=20)
WINDOW = window(SCOPE, first=FIRST.isoformat(), title="Somebody else may have been in")
REDIRECT = Finding(
    id=finding_id("8a857a7e-c13c-45c1-a0ca-541aa0637660", SCOPE, ("sieve_script", "main")),
    rule="8a857a7e-c13c-45c1-a0ca-541aa0637660", name="external_redirect", title="Some mail goes to a stranger",
    level="critical", scope=SCOPE, subject=("sieve_script", "main"), checks=(),
)  # fmt: skip
ELEMENTS = "user=<%u> method=%m rip=%r rport=%b lip=%l mpid=%e %c session=<%{session}>"
LOGIN = (
    "{time}+0000 imap-login: Info: Login: user=<{name}>, method=PLAIN, rip=203.0.113.7, rport=4000{n}, lip=192.0.2.1,"
    " mpid=1, TLS, session=<intruder{n}>\n"
)

Put = Callable[..., None]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A ledger, and a mail server's log that tells of two accounts from one address."""
    found = Workplace(tmp_path)
    found.config.write_text(
        '[organisation]\ninternal_domains = ["example.org"]\n[accounts]\nlist = ["alice", "bob"]\n'
        'domain = "example.org"\n[state]\nfolder = "state"\n[ledger]\norigin = "postwarden/answers"\n'
        '[[source]]\nname = "imap-log"\nkind = "log_files"\nfiles = ["*.log"]\nformat = "dovecot"\n'
        f'format_options = {{ login_elements = "{ELEMENTS}" }}\n'
    )
    found.config.chmod(0o600)
    assert found.run("init").code == 0
    lines = [
        LOGIN.format(time=f"{FIRST + timedelta(hours=n):%Y-%m-%dT%H:%M:%S}", name=name, n=n)
        for n, name in enumerate(("alice", "bob"), 1)
    ]
    (tmp_path / "dovecot.log").write_text("".join(lines))
    return found


@pytest.fixture
def put(place: Workplace) -> Put:
    """Puts findings into the ledger, each opened by itself."""

    def go(*findings: Finding) -> None:
        recorder = open_recorder(load(str(place.config)))
        recorder.write(lambda common: [AccountSeen(**common, account=one) for one in (ALICE, BOB)])
        for one in findings:
            recorder.write(lambda common, one=one: [FindingOpened(**common, finding=one)])  # type: ignore[misc]
        recorder.close()

    return go


def by(channel: str = "telephone") -> tuple[str, ...]:
    return ("--by", "Alice", "--channel", channel)


def test_yours_silences_a_window_and_says_who_said_so(place: Workplace, put: Put) -> None:
    """The window is acknowledged, and its history has the answer in words."""
    put(WINDOW)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    done = place.run("findings", "answer", WINDOW.id[:6], "--yours", *by(), "--until", tomorrow, "--json")
    assert (done.code, done.err) == (0, "")
    (line,) = done.of("finding")
    assert line["status"] == "acknowledged"
    assert (line["answer"]["verdict"], line["answer"]["by"]) == ("yours", "Alice")
    assert line["answer"]["until"].startswith(tomorrow)
    shown = place.run("findings", "show", WINDOW.id).out
    assert f"answered yours until {tomorrow} 00:00 UTC by Alice over telephone" in shown
    assert "yours, said by Alice over telephone" in shown


def test_not_mine_hunts_the_addresses_of_the_window(place: Workplace, put: Put) -> None:
    """Whoever else was entered from there gets a finding, and no acknowledgement silences the window."""
    put(WINDOW)
    assert place.run("history", "read").code == 0
    done = place.run("findings", "answer", WINDOW.id, "--not-mine", *by())
    assert done.code == 0, done.err
    assert "2 entered accounts" in done.out
    assert {(account, name) for account, name, _ in place.findings()} == {
        ("alice@example.org", "access_window"),
        ("alice@example.org", "indicator_seen"),
        ("bob@example.org", "indicator_seen"),
    }
    (record,) = [one for one in place.records() if one["kind"] == "hunt_made"]
    assert record["reason"] == f"answered not mine: {WINDOW.id}"
    assert record["indicators"] == [["ip", "203.0.113.7"]]
    ack = place.run("findings", "ack", WINDOW.id, "--reason", "noise")
    assert ack.code == 2
    assert "no acknowledgement undoes that" in ack.err
    again = place.run("findings", "answer", WINDOW.id, "--yours", *by())
    assert again.code == 2
    assert "stands for good" in again.err


def test_without_a_history_not_mine_says_that_nothing_was_looked_for(place: Workplace, put: Put) -> None:
    """The answer is recorded all the same."""
    put(WINDOW)
    done = place.run("findings", "answer", WINDOW.id, "--not-mine", *by())
    assert done.code == 0
    assert "there is no history" in done.err
    assert [one["verdict"] for one in place.records() if one["kind"] == "finding_answered"] == ["not_mine"]


def test_an_answer_by_the_accounts_own_mail_is_worthless(place: Workplace, put: Put) -> None:
    """It is recorded with a warning, exit code 0, and the window stays open."""
    put(WINDOW)
    done = place.run("findings", "answer", WINDOW.id, "--yours", *by("E-Mail"))
    assert (done.code, done.out) == (0, "")
    assert "warning: the answer is recorded and worthless" in done.err
    assert place.findings() == {("alice@example.org", "access_window", "open")}
    (record,) = [one for one in place.records() if one["kind"] == "finding_answered"]
    assert "own mailbox" in record["worthless"]
    assert "worthless" in place.run("findings", "show", WINDOW.id).out


def test_answers_that_make_no_sense_are_refused(place: Workplace, put: Put) -> None:
    """Only windows are answered, by somebody, over something, one way or the other, and until a day that comes."""
    put(WINDOW, REDIRECT)
    other = place.run("findings", "answer", REDIRECT.id, "--yours", *by())
    assert other.code == 2
    assert "findings ack" in other.err
    for arguments in (
        (*by(),),
        ("--yours", "--not-mine", *by()),
        ("--yours", "--by", "Alice"),
        ("--yours", "--by", " ", "--channel", "telephone"),
        ("--yours", "--by", "A" * 201, "--channel", "telephone"),
        ("--not-mine", *by(), "--until", "2999-01-01"),
        ("--yours", *by(), "--until", "2020-01-01"),
        ("--yours", *by(), "--until", "soon"),
    ):
        assert place.run("findings", "answer", WINDOW.id, *arguments).code == 2, arguments
    assert not [one for one in place.records() if one["kind"] == "finding_answered"]


def test_windows_and_other_findings_of_an_account_stand_in_one_list_by_time(
    place: Workplace, put: Put
) -> None:
    """A window stands at its first access, although it was found after what followed from it."""
    later = window(SCOPE, subject="later", first=(FIRST + timedelta(days=3)).isoformat(), level="low")
    put(REDIRECT, later, WINDOW, window(account_scope(BOB.key)))
    listed = ("findings", "list", "--account", "alice@example.org", "--by-time")
    assert [one["finding"]["id"] for one in place.run(*listed, "--json").of("finding")] == [
        WINDOW.id,
        later.id,
        REDIRECT.id,
    ]
    lines = place.run(*listed).out.splitlines()
    assert lines[0].startswith(f"{FIRST:%Y-%m-%d %H:%M}  high")
    assert lines[0].endswith("alice@example.org  access_window  Somebody else may have been in")
    assert lines[2].endswith("external_redirect  Some mail goes to a stranger")
    assert place.run("findings", "list", "--json").of("finding")[0]["finding"]["id"] == REDIRECT.id
