"""An intruder in a mail server's log: named by the account's habits, asked about, and judged again."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from postwarden.lab.logs import Intrusion, Plan, draw_intrusions, write
from tests.packaging.json_schema import misfits
from tests.packaging.test_json_lines import SCHEMAS
from tests.scenarios.conftest import Workplace
from tests.scenarios.test_daemon import quick, running, until

ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k "
    "session=<%{session}>"
)
PEOPLE = ("alice", "bob", "carol", "dave")
#: Chosen so that the intruder is found, and nobody else.
SEED, BEGIN, DAYS = 7, date(2026, 8, 1), 100


def plan() -> Plan:
    people = Plan(
        seed=SEED, people=PEOPLE, begin=BEGIN, days=DAYS, logs=("dovecot",), ordinary="lively", truth=True
    )
    drawn = draw_intrusions(people, "one", [("foreign_hosting", BEGIN + timedelta(days=70))], ("alice",))
    return replace(people, intrusions=drawn)


@pytest.fixture
def intruder() -> Intrusion:
    return plan().intrusions[0]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A ledger, and a hundred days of a log with an intruder in Alice's account."""
    found = Workplace(tmp_path)
    (tmp_path / "logs").mkdir()
    written = write(plan(), tmp_path / "logs")
    found.config.write_text(
        '[organisation]\ninternal_domains = ["example.org"]\n'
        f'[accounts]\nlist = {list(PEOPLE)}\ndomain = "example.org"\n[state]\nfolder = "state"\n'
        '[ledger]\norigin = "postwarden/windows"\n[[history.known]]\nname = "the back-up"\nidentities = ["backup"]\n'
        f'[networks]\ncountries = {{ files = ["{written.countries}"] }}\nsystems = {{ files = ["{written.networks}"] }}\n'
        f'[[source]]\nname = "imap-log"\nkind = "log_files"\nfiles = ["{tmp_path}/logs/dovecot/*"]\nformat = "dovecot"\n'
        f'format_options = {{ login_elements = "{ELEMENTS}" }}\n'
    )
    found.config.chmod(0o600)
    assert found.run("init").code == 0
    return found


def windows(place: Workplace) -> list[dict[str, object]]:
    out = place.run("findings", "list", "--json", "--account", "alice").out
    return [line for line in map(json.loads, out.splitlines()) if line["finding"]["name"] == "access_window"]


def test_an_intruder_is_named_asked_about_and_judged_again(place: Workplace, intruder: Intrusion) -> None:
    """Reading the log names the window with its reasons; a replay finds the same; what the owner says stands, and holds."""
    read = place.run("history", "read")
    assert read.code == 0, read.err
    assert "access windows opened or changed" in read.out
    (window,) = [one for one in windows(place) if _first(one) >= intruder.entry - 60_000]
    finding = window["finding"]
    assert isinstance(finding, dict)
    assert any("never used from" in sentence for sentence in finding["why"])
    assert any("not known to be clean" in sentence for sentence in finding["why"])

    again = json.loads(place.run("history", "rescore", "--json").out)
    assert misfits(SCHEMAS["rescored"], again) == []
    assert again["sessions"] > 1000
    assert again["changed"] == []

    said = place.run(
        "findings", "answer", finding["id"], "--not-mine", "--by", "Alice", "--channel", "telephone"
    )
    assert said.code == 0, said.err
    assert place.run("history", "rescore").code == 0
    (after,) = [one for one in windows(place) if one["finding"]["id"] == finding["id"]]  # type: ignore[index]
    assert after["status"] == "open"
    assert after["answer"]["verdict"] == "not_mine"  # type: ignore[index]
    refused = place.run("findings", "ack", finding["id"], "--reason", "it is nothing")
    assert "no acknowledgement undoes that" in refused.err

    lines = [json.loads(line) for line in place.run("history", "status", "--json").out.splitlines()]
    (habits,) = [line for line in lines if line["type"] == "habits"]
    assert misfits(SCHEMAS["habits"], habits) == []
    assert habits["accounts"] >= len(PEOPLE)


def test_a_daemon_names_the_intruder(place: Workplace, intruder: Intrusion) -> None:
    """While it runs, what the log tells is read, judged by habits and recorded, and the check says that it was."""
    quick(place)
    with running(place):
        until(lambda: [one for one in place.records() if one["kind"] == "finding_opened"], seconds=90)
        until(lambda: "access_windows" in _read(place), seconds=60)
    (window,) = [one for one in windows(place) if _first(one) >= intruder.entry - 60_000]
    assert window["status"] == "open"


def _read(place: Workplace) -> set[str]:
    """The checks of the log that were read completely at the last time."""
    finished = [one for one in place.records() if one["kind"] == "audit_finished"]
    rows = [row for one in finished[-3:] for row in one["coverage"]]
    return {row["check"] for row in rows if row["source"] == "imap-log" and row["status"] == "read"}


def _first(window: dict[str, object]) -> int:
    finding = window["finding"]
    assert isinstance(finding, dict)
    facts = {fact["name"]: fact["values"] for fact in finding["facts"]}
    return int(datetime.fromisoformat(facts["first access"][0]).astimezone(UTC).timestamp() * 1000)
