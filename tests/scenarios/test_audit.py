"""A sysadmin audits a live Dovecot: exit codes, findings with a life, coverage."""

import json
import os
import random
import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postwarden import lab
from postwarden.connectors import imap_commands, managesieve_session
from tests.scenarios.conftest import Workplace

NAOMI, LARS = "naomi.sato@kitano-works.example", "lars.eriksen@kitano-works.example"
BACKDOOR = 'redirect "out@elsewhere.example";\r\n'


def planted(running: lab.Lab) -> set[tuple[str, str]]:
    """Address and rule of everything that the organisation's file says must be found."""
    by_login = {account.login: account.addresses[0] for account in running.accounts}
    return {(by_login[one.account], one.rule) for one in running.organisation.findings["dovecot"]}


def test_exactly_what_was_planted_is_found(workplace: Workplace, dovecot: lab.Lab) -> None:
    """An audit of all accounts finds what the intruders left, nothing in the others, and exits 1."""
    done = workplace.run("audit", "--all", "--json")
    assert done.code == 1, done.err
    assert {(one["account"], one["finding"]["name"]) for one in done.of("finding")} == planted(dovecot)
    (summary,) = done.of("summary")
    assert summary["complete"]
    assert summary["accounts"] == len(dovecot.accounts)
    assert done.of("gap") == []
    assert workplace.run("verify").code == 0


def test_every_finding_names_the_planted_words(workplace: Workplace, dovecot: lab.Lab) -> None:
    """A finding's subject and reasons name the script, folder or person that the organisation's file names."""
    found = {
        (one["account"], one["finding"]["name"]): " ".join(
            [*one["finding"]["subject"], *one["finding"]["why"]]
        )
        for one in workplace.run("audit", "--all", "--json").of("finding")
    }
    by_login = {account.login: account.addresses[0] for account in dovecot.accounts}
    for one in dovecot.organisation.findings["dovecot"]:
        said = found[by_login[one.account], one.rule]
        assert all(word in said for word in one.subject), (one, said)


def test_a_clean_account_exits_zero_and_is_recorded(workplace: Workplace) -> None:
    """A clean and complete audit exits 0 and leaves its coverage, with evidence digests, in the ledger."""
    done = workplace.run("audit", "--account", "jan.novotny", "--json")
    assert done.code == 0, done.out
    (finished,) = [
        record
        for record in workplace.records()
        if record["kind"] == "audit_finished" and record["scope"]["kind"] == "account"
    ]
    assert {row["check"]: row["status"] for row in finished["coverage"]} == {
        "folders": "read",
        "folder_acl": "read",
        "sieve_scripts": "read",
    }
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    digests = {row["check"]: (row["count"], row["digest"]) for row in finished["coverage"]}
    assert digests["sieve_scripts"] == (0, empty)
    assert digests["folders"][0] == 1
    assert re.fullmatch("[0-9a-f]{64}", digests["folders"][1])
    assert finished["sessions"]
    assert all(session["local_port"] for session in finished["sessions"])


def test_the_intent_is_recorded_before_the_result(workplace: Workplace) -> None:
    """`audit_started` for every scope stands before anything that the audit found."""
    workplace.run("audit", "--account", "naomi.sato", "--account", NAOMI)
    kinds = [record["kind"] for record in workplace.records()]
    assert kinds.index("audit_finished") > max(i for i, kind in enumerate(kinds) if kind == "audit_started")
    assert kinds.count("audit_started") == 3  # two sources, and one account although it was named twice


@pytest.mark.parametrize(("level", "code"), [("critical", 1), ("medium", 1)])
def test_fail_on_sets_from_which_level_findings_count(workplace: Workplace, level: str, code: int) -> None:
    """Findings below --fail-on are shown and do not change the exit code."""
    assert workplace.run("audit", "--account", "lars.eriksen", "--fail-on", level).code == code
    calm = workplace.run("audit", "--account", "priya.raman", "--fail-on", "critical", "--json")
    assert calm.code == 0
    assert calm.of("finding")


def test_a_second_audit_opens_nothing_new(workplace: Workplace) -> None:
    """What is known is not opened again, and an unchanged state reuses its blob; the exit code stays 1."""
    workplace.run("audit", "--all")
    opened = [record for record in workplace.records() if record["kind"] == "finding_opened"]
    blobs = sorted((workplace.ledger / "blobs").iterdir())
    assert workplace.run("audit", "--all").code == 1
    later = [record for record in workplace.records() if record["kind"].startswith("finding_")]
    assert later == opened
    assert sorted((workplace.ledger / "blobs").iterdir()) == blobs


def test_healing_resolves_and_a_relapse_reopens(own_workplace: Workplace, own_dovecot: lab.Lab) -> None:
    """A finding resolves when a complete read no longer shows it, and reopens under its id when it is back."""
    own_workplace.run("audit", "--account", NAOMI)
    before = {name: status for account, name, status in own_workplace.findings()}
    assert before["external_redirect_everything"] == "open"
    script = next(one for one in own_dovecot.account("naomi.sato").scripts if one.active)
    own_dovecot.put_script("naomi.sato", script.name, "keep;\r\n", active=True)
    own_dovecot.set_acl("naomi.sato", "INBOX", "anyone", None)
    assert own_workplace.run("audit", "--account", NAOMI).code == 0
    assert {status for _, _, status in own_workplace.findings("--all")} == {"resolved"}
    own_dovecot.put_script("naomi.sato", script.name, script.text.replace("\n", "\r\n"), active=True)
    assert own_workplace.run("audit", "--account", NAOMI).code == 1
    assert own_workplace.findings() == {
        (NAOMI, "external_redirect_everything", "open"),
        (NAOMI, "external_redirect_silent", "open"),
    }
    kinds = [record["kind"] for record in own_workplace.records() if record["kind"].startswith("finding_")]
    assert kinds.count("finding_opened") == 3
    assert kinds.count("finding_reopened") == 2


def test_an_acknowledgement_silences_until_the_subject_changes(
    own_workplace: Workplace, own_dovecot: lab.Lab
) -> None:
    """Acknowledged findings do not count; a changed target is told in words and reopens them."""
    own_dovecot.put_script(
        "jan.novotny", "mine", 'require "copy";\r\nredirect :copy "a@elsewhere.example";\r\n', active=True
    )
    assert own_workplace.run("audit", "--account", "jan.novotny").code == 1
    for one in own_workplace.run("findings", "list", "--json").of("finding"):
        done = own_workplace.run(
            "findings", "ack", one["finding"]["id"], "--reason", "his own mailbox, by telephone"
        )
        assert done.code == 0, done.err
    assert own_workplace.run("audit", "--account", "jan.novotny").code == 0
    own_dovecot.put_script(
        "jan.novotny", "mine", 'require "copy";\r\nredirect :copy "b@elsewhere.example";\r\n', active=True
    )
    assert own_workplace.run("audit", "--account", "jan.novotny").code == 1
    changed = [record for record in own_workplace.records() if record["kind"] == "finding_changed"]
    assert changed
    assert all(
        "target was a@elsewhere.example, is b@elsewhere.example" in record["changes"] for record in changed
    )
    shown = own_workplace.run("findings", "show", changed[0]["finding"]["id"])
    assert "his own mailbox, by telephone" in shown.out
    assert "it changed since it was acknowledged" in shown.out


def test_an_acknowledgement_may_expire_and_needs_a_reason(workplace: Workplace) -> None:
    """--until must lie ahead, the reason must say something, and only findings that exist are acknowledged."""
    workplace.run("audit", "--account", "lars.eriksen")
    key = workplace.run("findings", "list", "--json").of("finding")[0]["finding"]["id"]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    assert workplace.run("findings", "ack", key, "--reason", "x", "--until", "2020-01-01").code == 2
    assert workplace.run("findings", "ack", key, "--reason", "x", "--until", "soon").code == 2
    assert workplace.run("findings", "ack", key, "--reason", "  ").code == 2
    assert workplace.run("findings", "ack", "NOSUCHID", "--reason", "x").code == 2
    assert workplace.run("findings", "show", "NOSUCHID").code == 2
    done = workplace.run("findings", "ack", key, "--reason", "x", "--until", tomorrow, "--json")
    assert done.code == 0
    (record,) = [one for one in workplace.records() if one["kind"] == "finding_acknowledged"]
    assert record["until"].startswith(tomorrow)
    assert "uid " in record["actor"]


def test_deleting_the_state_store_changes_nothing_that_is_shown(workplace: Workplace) -> None:
    """The index of findings is derived: without it, and after a rebuild, everything reads the same."""
    workplace.run("audit", "--all")
    key = workplace.run("findings", "list", "--json").of("finding")[0]["finding"]["id"]
    workplace.run("findings", "ack", key, "--reason", "known")
    listed = workplace.run("findings", "list", "--all", "--json").out
    shown = workplace.run("findings", "show", key).out
    store = workplace.folder / "state" / "state.sqlite"
    store.unlink()
    assert workplace.run("findings", "list", "--all", "--json").out == listed
    assert workplace.run("findings", "show", key).out == shown
    assert workplace.run("findings", "rebuild").code == 0
    assert workplace.run("findings", "list", "--all", "--json").out == listed
    store.write_bytes(b"not a database" * 1000)
    assert workplace.run("findings", "list", "--all", "--json").out == listed
    blobs = sorted((workplace.ledger / "blobs").iterdir())
    workplace.run("audit", "--all")
    assert sorted((workplace.ledger / "blobs").iterdir()) == blobs


def test_no_record_leaves_no_trace_and_reports_nothing_as_new(workplace: Workplace) -> None:
    """--no-record judges alike, without first-seen times, and works without a ledger."""
    shutil.rmtree(workplace.folder / "state")
    done = workplace.run("audit", "--account", LARS, "--no-record", "--json")
    assert done.code == 1
    assert {one["first_seen"] for one in done.of("finding")} == {None}
    assert not (workplace.folder / "state").exists()


def test_only_listed_commands_reach_the_server(own_workplace: Workplace, own_dovecot: lab.Lab) -> None:
    """The server's own record of an audit of everybody holds commands from the two tables and no other."""
    own_workplace.run("audit", "--all")
    own_workplace.run("check-config")
    heard = {(command.protocol, command.name.upper()) for command in own_dovecot.commands()}
    assert ("imap", "GETACL") in heard
    assert ("managesieve", "GETSCRIPT") in heard
    assert {name for protocol, name in heard if protocol == "imap"} <= imap_commands.ALLOWED
    assert {name for protocol, name in heard if protocol == "managesieve"} <= managesieve_session.ALLOWED


def test_twenty_audits_at_once_open_each_finding_once(workplace: Workplace, dovecot: lab.Lab) -> None:
    """Audits beside each other lose nothing, open each finding once, and change nobody's ownership."""
    accounts = ["naomi.sato", "lars.eriksen", "priya.raman", "jan.novotny"]
    owners = {path: path.stat().st_uid for path in workplace.ledger.rglob("*")}
    running = [
        workplace.start("audit", *[word for name in accounts for word in ("--account", name)])
        for _ in range(21)
    ]
    codes = []
    for process in running:
        _, err = process.communicate(timeout=110)
        codes.append(process.returncode)
        assert process.returncode == 1, err
    records = workplace.records()
    opened = [record["finding"]["id"] for record in records if record["kind"] == "finding_opened"]
    assert len(opened) == len(set(opened)) == len(planted(dovecot))
    assert sum(record["kind"] == "audit_finished" for record in records) == 21 * (len(accounts) + 2)
    assert workplace.run("verify").code == 0
    assert all(path.stat().st_uid == uid for path, uid in owners.items())


def test_names_that_belong_to_nobody_are_counted(own_workplace: Workplace, own_dovecot: lab.Lab) -> None:
    """A name in an access list that no directory knows is reported, and those it knows are not."""
    own_dovecot.set_acl("jan.novotny", "INBOX", "left.long.ago", "lr")
    own_dovecot.set_acl("jan.novotny", "INBOX", "naomi.sato", "l")
    done = own_workplace.run("audit", "--account", "jan.novotny", "--json")
    (summary,) = done.of("summary")
    assert summary["unknown_names"] == ["left.long.ago"]
    text = own_workplace.run("audit", "--account", "jan.novotny").out
    assert "left.long.ago" in text


def test_a_folder_that_was_subscribed_again_resolves_only_with_folders_read(
    own_workplace: Workplace, own_dovecot: lab.Lab
) -> None:
    """A hiding rule is judged with the folder list: subscribing to the folder resolves the finding."""
    own_workplace.run("audit", "--account", "priya.raman")
    assert ("priya.raman@kitano-works.example", "hide_seen", "open") in own_workplace.findings()
    own_dovecot.subscribe("priya.raman", "RSS Feeds")
    own_workplace.run("audit", "--account", "priya.raman")
    assert {name for _, name, _ in own_workplace.findings()} == {"inactive_external_redirect"}


def test_check_config_says_what_can_be_read_and_what_is_beyond_need(workplace: Workplace) -> None:
    """It connects with one account, names each check, and reports rights that an audit does not need."""
    done = workplace.run("check-config", "--json")
    assert done.code == 0, done.err
    assert {row["coverage"]["check"] for row in done.of("coverage")} == {
        "folders",
        "folder_acl",
        "sieve_scripts",
        "transport",
    }
    assert "could change the mailbox" in done.of("excess")[0]["excess"]["message"]
    text = workplace.run("check-config").out
    assert "beyond need" in text
    assert "imap folders: can be read" in text
    offline = workplace.run("check-config", "--offline", "--json")
    assert offline.code == 0
    assert offline.of("coverage") == []
    assert offline.of("configuration")[0]["rules"] >= 13
    before = workplace.records()
    assert [record["kind"] for record in before] == ["ledger_opened"]


def test_a_source_in_cleartext_is_a_finding_of_its_own(plain_workplace: Workplace) -> None:
    """A source that is read without TLS by name works, and is reported in the source's own scope."""
    done = plain_workplace.run("audit", "--account", "jan.novotny", "--json")
    assert done.code == 1, (done.out, done.err)
    found = {
        (one["finding"]["name"], one["finding"]["scope"]["kind"], one["finding"]["scope"]["key"])
        for one in done.of("finding")
    }
    assert found == {("cleartext_source", "source", "imap"), ("cleartext_source", "source", "sieve")}
    assert done.of("gap") == []


def test_audits_that_are_killed_leave_a_sound_ledger(workplace: Workplace) -> None:
    """Killed at any moment, audits lose no finding that was recorded, and the next one goes on."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    opened: set[str] = set()
    for _ in range(100 if os.environ.get("POSTWARDEN_LONG") else 10):
        process = workplace.start("audit", "--all")
        time.sleep(chance.uniform(0.2, 2.5))
        process.kill()
        process.communicate()
        assert workplace.run("verify").code == 0
        now = {
            record["finding"]["id"]
            for record in _whole_records(workplace)
            if record["kind"] == "finding_opened"
        }
        assert opened <= now
        opened = now
    assert workplace.run("audit", "--all").code == 1
    every = [record["finding"]["id"] for record in workplace.records() if record["kind"] == "finding_opened"]
    assert len(every) == len(set(every)) == 10


def _whole_records(workplace: Workplace) -> list[dict[str, Any]]:
    """The records that the checkpoint covers."""
    size = int((workplace.ledger / "checkpoint").read_bytes().split(b"\n")[1])
    lines = b"".join(path.read_bytes() for path in sorted((workplace.ledger / "records").iterdir())).split(
        b"\n"
    )
    return [json.loads(line) for line in lines[:size]]
