"""What a sysadmin asks the history, and the signed answers."""

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.lab.logs import Plan, Written, made_up_people, write
from tests.scenarios.conftest import Workplace

PEOPLE = made_up_people(6)
DOMAIN = "kitano-works.example"
FULL = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k"
    " session=<%{session}>"
)
INTRUDER = (
    "{day}T03:00:0{n}+0000 imap-login: Info: Login: user=<{name}>, method=PLAIN, rip=203.0.113.7, rport=4000{n}, "
    "lip=192.0.2.1, mpid=1, TLS, session=<intruder{n}>\n"
)


class Logs(Workplace):
    """A workplace whose only source is a Dovecot's logs of forty days."""

    @property
    def live(self) -> Path:
        return self.folder / "dovecot" / "dovecot.log"


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Path, Written]]:
    folder = Path(tempfile.mkdtemp(prefix="postwarden-history-"))
    begin = datetime.now(UTC).date() - timedelta(days=40)
    yield (
        folder,
        write(
            Plan(seed=3, people=PEOPLE, begin=begin, days=40, logs=("dovecot",), rotation="weekly"), folder
        ),
    )
    shutil.rmtree(folder)


@pytest.fixture
def place(made: tuple[Path, Written], tmp_path: Path) -> Logs:
    _, written = made
    (tmp_path / "dovecot").mkdir()
    for file in written.of("dovecot"):
        shutil.copy2(file.path, tmp_path / "dovecot")
    found = Logs(tmp_path)
    accounts = ", ".join(f'"{name}"' for name in PEOPLE)
    found.config.write_text(
        f"""
[organisation]
internal_domains = ["{DOMAIN}"]
[accounts]
list = [{accounts}]
domain = "{DOMAIN}"
[state]
folder = "state"
[ledger]
origin = "postwarden/history"
[networks]
countries = {{ files = ["{written.countries}"], licence = "made up" }}
systems = {{ files = ["{written.networks}"], licence = "made up" }}
[[source]]
name = "imap-log"
kind = "log_files"
files = ["dovecot/*"]
format = "dovecot"
zone = "Europe/Berlin"
format_options = {{ login_elements = "{FULL}" }}
"""
    )
    found.config.chmod(0o600)
    assert found.run("init").code == 0
    return found


def enter(place: Logs, name: str, *, days_ago: int, number: int = 1) -> str:
    """An intruder was in on that day: a log that is found now has the line."""
    day = (datetime.now(UTC) - timedelta(days=days_ago)).date()
    (place.folder / "dovecot" / f"found-{number}.log").write_text(
        INTRUDER.format(day=day, n=number, name=name)
    )
    return f"{day}T03:00:0{number}Z"


def test_a_hunt_finds_the_first_access_and_opens_a_finding(place: Logs) -> None:
    """Months later an address becomes known: who, since when, how often, and a signed record of the question."""
    first = enter(place, PEOPLE[2], days_ago=30)
    enter(place, PEOPLE[2], days_ago=10, number=2)
    assert place.run("history", "read").code == 0
    done = place.run("hunt", "--ip", "203.0.113.7", "--ip", "198.51.100.9", "--reason", "CERT 118", "--json")
    assert done.code == 1
    (hit,) = done.of("hit")
    assert (hit["account"], hit["first"], hit["sessions"]) == (f"{PEOPLE[2]}@{DOMAIN}", first, 2)
    assert {(one[0], one[1]) for one in place.findings()} == {(f"{PEOPLE[2]}@{DOMAIN}", "indicator_seen")}
    (record,) = [one for one in place.records() if one["kind"] == "hunt_made"]
    assert (record["reason"], record["sessions"], len(record["indicators"])) == ("CERT 118", 2, 2)
    shown = place.run("findings", "show", done.of("hunt")[0]["findings"][0][:10])
    assert first.replace("T", " ").removesuffix("Z") in shown.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--network", "203.0.113.0/24"), 1),
        (("--network", "203.0.113.0/24", "--until", "2020-01-01"), 3),
        (("--client", "no such client"), 3),
        (("--ip", "203.0.113.8", "--since", "2099-01-01"), 0),
        (("--ip", "nonsense"), 2),
        ((), 2),
        (("--ip", "203.0.113.7", "--since", "yesterday"), 2),
        (("--file", "missing.csv"), 2),
    ],
)
def test_the_exit_code_says_what_a_hunt_came_to(place: Logs, arguments: tuple[str, ...], code: int) -> None:
    """Found, not found in all of the time, not found in what there is, and wrong questions."""
    enter(place, PEOPLE[0], days_ago=9)
    place.run("history", "read")
    assert place.run("hunt", *arguments, "--reason", "test").code == code


def test_files_of_indicators_are_hunted_for(place: Logs) -> None:
    """A feed in CSV and a bundle in STIX; what they have that log-ins have not is told."""
    enter(place, PEOPLE[1], days_ago=9)
    place.run("history", "read")
    (place.folder / "feed.csv").write_text("type,value\nmd5,abc\nip-dst,203.0.113.7\n")
    bundle = {
        "type": "bundle",
        "objects": [{"type": "indicator", "id": "i1", "pattern": "[ipv4-addr:value = '203.0.113.7']"}],
    }
    (place.folder / "bundle.json").write_text(json.dumps(bundle))
    done = place.run("hunt", "--file", "feed.csv", "--file", "bundle.json", "--reason", "feed", "--json")
    assert (done.code, len(done.of("hit")), done.of("hunt")[0]["indicators"]) == (1, 1, 1)
    assert "line 2" in done.err


def test_refused_tries_alone_are_told_and_are_no_finding(place: Logs) -> None:
    """Who only knocked did not enter."""
    (place.folder / "dovecot" / "found.log").write_text(
        f"{datetime.now(UTC):%Y-%m-%d}T03:00:00+0000 imap-login: Info: Disconnected: Connection closed (auth failed, 3 attempts in 6 secs): "
        f"user=<{PEOPLE[0]}>, method=PLAIN, rip=203.0.113.9, lip=192.0.2.1, TLS, session=<tried>\n"
    )
    place.run("history", "read")
    done = place.run("hunt", "--ip", "203.0.113.9", "--reason", "test", "--json")
    (hit,) = done.of("hit")
    assert (hit["sessions"], hit["refused"]) == (0, 1)
    assert place.findings() == set()
    assert done.code == 3


def test_an_export_is_complete_recorded_and_harmless_in_a_spreadsheet(
    place: Logs, made: tuple[Path, Written]
) -> None:
    """Each session of an account once, with its place; the record has the digest of what was handed out."""
    import hashlib

    _, written = made
    (place.folder / "dovecot" / "found.log").write_text(
        INTRUDER.format(day=datetime.now(UTC).date() - timedelta(days=3), n=1, name="=cmd|calc")
    )
    place.run("history", "read")
    done = place.run("history", "export", "--account", PEOPLE[0], "--reason", "ticket 1")
    rows = [json.loads(line) for line in done.out.splitlines()]
    tally = written.tallies["dovecot"][PEOPLE[0]]
    assert len([row for row in rows if row["end"] != "refused" and row["begun"]]) == tally.begun
    assert {row["account"] for row in rows} == {f"{PEOPLE[0]}@{DOMAIN}"}
    assert any(row["country"] for row in rows)
    (record,) = [one for one in place.records() if one["kind"] == "history_exported"]
    assert record["digest"] == hashlib.sha256(done.out.encode()).hexdigest()
    assert (record["count"], record["of"], record["reason"]) == (len(rows), "sessions", "ticket 1")
    table = place.run("history", "export", "--format", "csv", "--reason", "ticket 2").out
    cells = [row["name"] for row in csv.DictReader(io.StringIO(table))]
    assert "'=cmd|calc" in cells
    assert "=cmd|calc" not in cells


def test_names_are_replaced_in_views_where_configured(place: Logs) -> None:
    """Hunts and exports show the same pseudonym for the same account, and no name; the finding has the account."""
    enter(place, PEOPLE[3], days_ago=9)
    with place.config.open("a") as file:
        file.write("[history]\npseudonyms = true\n")
    place.run("history", "read")
    hunted = place.run("hunt", "--ip", "203.0.113.7", "--reason", "test")
    exported = place.run("history", "export", "--reason", "test").out
    assert not any(name in hunted.out + exported for name in PEOPLE)
    (name,) = [word for word in hunted.out.split() if word.startswith("account-")]
    assert name in {json.loads(line)["account"] for line in exported.splitlines()}
    assert {one[0] for one in place.findings()} == {f"{PEOPLE[3]}@{DOMAIN}"}


def test_closed_days_are_checked_against_the_ledger(place: Logs) -> None:
    """A changed row in a closed day is found out, a removed day too; pruned days are known as such."""
    place.run("history", "read")
    base = sqlite3.connect(place.folder / "state" / "history.sqlite")
    base.execute("UPDATE day SET day = day - 2")
    for table in ("access", "ending", "act", "transfer", "late", "mishap"):
        base.execute(f"UPDATE {table} SET day = day - 2")
    base.commit()
    place.run("history", "read")
    (record,) = [one for one in place.records() if one["kind"] == "history_day"]
    assert record["counts"]["access"] > 1000
    sound = place.run("verify", "--history")
    assert sound.code == 0
    assert "1 are as recorded" in sound.out
    base.execute("UPDATE access SET address = NULL WHERE id = 7")
    base.commit()
    broken = place.run("verify", "--history", "--json")
    assert broken.code == 4
    assert (
        broken.of("history_verification")[0]["problems"][0]["problem"]
        == "its rows are not those that were recorded"
    )


def test_the_state_of_every_log_is_shown(place: Logs, made: tuple[Path, Written]) -> None:
    """How far, how many, how late; a log that cannot be read is named, with the next step."""
    _, written = made
    place.run("history", "read")
    (log,) = place.run("history", "status", "--json").of("log")
    assert log["lines"] == sum(file.lines for file in written.of("dovecot"))
    assert log["unread"] == 0
    (place.folder / "dovecot" / "broken.gz").write_bytes(b"\x1f\x8b" + b"junk" * 10)
    done = place.run("history", "read")
    assert done.code == 3
    assert "is damaged" in done.err
    assert "is damaged" in place.run("history", "status").out


def test_an_export_whose_reader_goes_away_is_recorded_with_what_was_handed_out(place: Logs) -> None:
    """Whoever closes the pipe early has seen sessions all the same."""
    place.run("history", "read")
    command = [sys.executable, "-m", "postwarden", "history", "export", "--reason", "peek"]
    with subprocess.Popen(
        command, cwd=place.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as export:
        assert export.stdout is not None
        assert export.stdout.readline().startswith(b"{")
        export.stdout.close()
        assert export.stderr is not None
        assert b"bug" not in export.stderr.read()
    (record,) = [one for one in place.records() if one["kind"] == "history_exported"]
    assert record["reason"] == "peek"
    assert record["count"] > 1


def test_who_logs_in_for_others_has_a_pseudonym_too(place: Logs) -> None:
    """A colleague who reads a mailbox as a master user is a person with a name."""
    day = datetime.now(UTC).date() - timedelta(days=3)
    (place.folder / "dovecot" / "found.log").write_text(
        f"{day}T03:00:00+0000 imap-login: Info: Login: user=<{PEOPLE[0]}>, auth_user=<{PEOPLE[1]}>, orig_user=<>, "
        "method=PLAIN, rip=203.0.113.7, rport=40001, lip=192.0.2.1, mpid=1, TLS, session=<other>\n"
    )
    with place.config.open("a") as file:
        file.write("[history]\npseudonyms = true\n")
    place.run("history", "read")
    (row,) = [
        one
        for one in map(json.loads, place.run("history", "export", "--reason", "test").out.splitlines())
        if one["session"] == "other"
    ]
    assert row["identity"].startswith("account-")
    assert row["identity"] != row["account"] == row["name"]


def test_a_history_whose_days_were_changed_is_not_sound(place: Logs) -> None:
    """What is no list of days any more is told as that."""
    place.run("history", "read")
    with sqlite3.connect(place.folder / "state" / "history.sqlite") as base:
        base.execute("UPDATE day SET firsts = '{'")
    base.close()
    done = place.run("verify", "--history")
    assert done.code == 4
    assert "damaged" in done.out


def test_a_log_that_was_never_read_is_in_the_state(place: Logs) -> None:
    """A source that is new in the configuration is not well until somebody reads it."""
    place.run("history", "read")
    with place.config.open("a") as file:
        file.write('[[source]]\nname = "new-log"\nkind = "log_files"\nfiles = ["new/*"]\nformat = "cyrus"\n')
    done = place.run("history", "status", "--json")
    assert done.code == 3
    assert [(one["source"], one["looked"] is None) for one in done.of("log")] == [
        ("imap-log", False),
        ("new-log", True),
    ]


@pytest.mark.parametrize(
    "times",
    [("--since", "0001-01-01T00:00+14:00"), ("--since", "2026-06-02", "--until", "2026-06-01T23:00-04:00")],
)
def test_times_that_cannot_be_are_wrong_questions(place: Logs, times: tuple[str, ...]) -> None:
    """Nothing found between two times that nothing is between would sound like an answer."""
    place.run("history", "read")
    code = 2 if len(times) == 2 else 3
    assert place.run("hunt", "--ip", "203.0.113.7", *times, "--reason", "test").code == code
    assert (
        place.run(
            "hunt", "--ip", "203.0.113.7", "--since", "2026-06-02", "--until", "2026-06-02", "--reason", "x"
        ).code
        == 2
    )


def test_a_history_that_cannot_be_used_does_not_stop_an_audit(place: Logs) -> None:
    """What else there is to audit is audited, and the logs are a gap that names what is wrong."""
    (place.folder / "state" / "history.sqlite").write_bytes(b"no database at all" * 100)
    done = place.run("audit", "--all", "--json")
    assert done.code == 3
    assert "not a database" in done.err
    assert "the history could not be asked" in done.out


def test_an_export_that_cannot_be_recorded_is_not_made(place: Logs) -> None:
    """Accounts that no record has room for are not handed out without one."""
    place.run("history", "read")
    names = [f"{number:03}{'n' * 240}" for number in range(200)]
    text = place.config.read_text()
    listed = ", ".join(f'"{name}"' for name in (*PEOPLE, *names))
    place.config.write_text(text.replace(", ".join(f'"{name}"' for name in PEOPLE), listed))
    chosen = [word for name in (PEOPLE[0], *names) for word in ("--account", name)]
    done = place.run("history", "export", *chosen, "--reason", "all")
    assert (done.code, done.out) == (2, "")
    assert "201 accounts" in done.err


def test_messages_that_were_handed_over_are_handed_out(place: Logs, tmp_path: Path) -> None:
    """Months after a mailbox has lost them, the log's deliveries say what went to whom; another's are not among them."""
    (mail := tmp_path / "mail").mkdir()
    written = write(
        Plan(
            seed=3,
            people=PEOPLE,
            begin=datetime.now(UTC).date() - timedelta(days=9),
            days=9,
            logs=("postfix",),
        ),
        mail,
    )
    source = '[[source]]\nname = "mta"\nkind = "log_files"\nfiles = ["mail/postfix/*"]\nformat = "postfix"\nzone = "Europe/Berlin"\n'
    place.config.write_text(place.config.read_text() + source)
    place.run("history", "read")
    everything = place.run(
        "history", "export", "--of", "transfers", "--reason", "x", "--format", "jsonl"
    ).out.splitlines()
    rows = [json.loads(line) for line in everything]
    assert (
        sum(len(row["recipients"]) for row in rows if row["outcome"] == "delivered")
        == written.deliveries["postfix"].delivered
    )
    own = [
        json.loads(line)
        for line in place.run(
            "history", "export", "--of", "transfers", "--account", PEOPLE[0], "--reason", "y"
        ).out.splitlines()
    ]
    address = f"{PEOPLE[0]}@{DOMAIN}"
    assert (
        own
        == [
            row
            for row in rows
            if address in {row["sender"], row["name"], row["original"], *row["recipients"]}
        ]
        != []
    )
    assert [one["of"] for one in place.records() if one["kind"] == "history_exported"] == [
        "transfers",
        "transfers",
    ]
