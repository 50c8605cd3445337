"""A sysadmin attaches a command: each change of a finding reaches it, also after it was broken."""

import json
from typing import Any

import pytest

from tests.scenarios.conftest import Workplace

ACCOUNT = "naomi.sato@kitano-works.example"


@pytest.fixture
def alarmed(workplace: Workplace) -> Workplace:
    """The workplace with a command that keeps what it is given."""
    script = workplace.folder / "tell"
    script.write_text(f"#!/bin/sh\ncat >> '{workplace.folder}/told'\n")
    script.chmod(0o700)
    entry = f'[[notify]]\nname = "keep"\nkind = "command"\nlevel = "low"\ncommand = ["{script}"]\n'
    workplace.config.write_text(workplace.config.read_text() + "\n" + entry)
    return workplace


def told(place: Workplace) -> list[dict[str, Any]]:
    file = place.folder / "told"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_an_audit_tells_what_it_opened(alarmed: Workplace) -> None:
    """Each finding that is opened is told once, a second audit tells nothing, and an acknowledgement is told next."""
    done = alarmed.run("audit", "--account", ACCOUNT, "--json")
    assert (done.code, done.err) == (1, "")
    found = {one["finding"]["id"] for one in done.of("finding") if one["finding"]["level"] != "informational"}
    assert {(one["finding"]["id"], one["change"]) for one in told(alarmed)} == {
        (key, "opened") for key in found
    }
    assert {one["account"] for one in told(alarmed)} == {ACCOUNT}
    before = len(told(alarmed))
    alarmed.run("audit", "--account", ACCOUNT)
    assert len(told(alarmed)) == before
    key = told(alarmed)[0]["finding"]["id"]
    assert alarmed.run("findings", "ack", key, "--reason", "asked her").code == 0
    alarmed.run("audit", "--account", ACCOUNT)
    assert [(one["change"], one["reason"]) for one in told(alarmed)[before:]] == [
        ("acknowledged", "asked her")
    ]
    assert alarmed.run("verify").code == 0


def test_what_a_broken_command_missed_it_gets_once_it_is_mended(alarmed: Workplace) -> None:
    """The audit says on stderr that it could not tell, keeps its exit code, and the next one tells."""
    script = alarmed.folder / "tell"
    mended = script.read_text()
    script.write_text("#!/bin/sh\necho no relay >&2\nexit 75\n")
    done = alarmed.run("audit", "--account", ACCOUNT, "--json")
    assert done.code == 1
    assert "keep was not told of" in done.err
    assert "ended with status 75: no relay" in done.err
    assert told(alarmed) == []
    script.write_text(mended)
    assert alarmed.run("audit", "--account", ACCOUNT).code == 1
    found = [one["finding"]["id"] for one in done.of("finding") if one["finding"]["level"] != "informational"]
    assert sorted(one["finding"]["id"] for one in told(alarmed)) == sorted(found)
    assert alarmed.run("verify").code == 0


def test_nothing_is_told_without_a_record(alarmed: Workplace) -> None:
    """With --no-record nobody is told."""
    assert alarmed.run("audit", "--account", ACCOUNT, "--no-record").code == 1
    assert told(alarmed) == []


def test_a_command_that_cannot_run_is_refused_before_anything(alarmed: Workplace) -> None:
    """`check-config` and `audit` name the key of a program that is not there."""
    alarmed.change(str(alarmed.folder / "tell"), "/nowhere/tell")
    for verb in (("check-config", "--offline"), ("audit", "--account", ACCOUNT)):
        done = alarmed.run(*verb)
        assert done.code == 2
        assert "notify[0].command[0]" in done.err
