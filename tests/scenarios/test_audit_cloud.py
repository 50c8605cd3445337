"""Audits of people at Microsoft 365, Google and Keycloak, as their administrator runs them."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.cli.demo import write_configuration
from postwarden.lab.cloud import CloudLab
from tests.lab.cloud import assert_valid, start_cloud
from tests.scenarios.conftest import Done, Workplace
from tests.scenarios.test_daemon import events, quick, running, until

__all__ = ["start_cloud"]

SERIOUS = {"medium", "high", "critical"}
MICROSOFT, GOOGLE = "kitano-trading.example", "kitano-design.example"


@pytest.fixture
def cloud(start_cloud: Any) -> CloudLab:
    lab: CloudLab = start_cloud()
    return lab


@pytest.fixture
def place(cloud: CloudLab) -> Iterator[Workplace]:
    """A workplace on a cloud of its own, with a ledger."""
    folder = Path(tempfile.mkdtemp(prefix="postwarden-scenario-"))
    write_configuration(folder, None, None, cloud)
    made = Workplace(folder)
    assert made.run("init").code == 0
    yield made
    shutil.rmtree(folder)


def serious(done: Done) -> list[dict[str, Any]]:
    return [one for one in done.of("finding") if one["finding"]["level"] in SERIOUS]


def applications(cloud: CloudLab, done: Done) -> set[str]:
    """The lab's keys of applications and app passwords that a finding of level medium or worse is about."""
    ids = {one.id: one.key for one in cloud.organisation.applications}
    codes = {str(one.code): one.name for one in cloud.google.state.app_passwords}
    names = {one.name: one.key for one in cloud.organisation.app_passwords}
    found = set()
    for one in serious(done):
        kind, *subject = one["finding"]["subject"]
        if kind == "grant" and subject[0] == "app_password":
            found.add(names[codes[subject[1].rpartition(":")[2]]])
        elif kind == "grant":
            found.add(ids[subject[1]])
    return found


def test_the_bad_grants_are_found(cloud: CloudLab, place: Workplace) -> None:
    """All twelve that published cases describe, at most two of the forty that look odd, and no other.

    A second audit changes nothing: no finding, no grant and no piece of evidence is new.
    """
    done = place.run("audit", "--all", "--json")
    assert done.code == 1, done.err
    expected = cloud.organisation.expected
    found = applications(cloud, done)
    assert found >= set(expected.bad)
    assert len(found - set(expected.bad)) <= 2
    assert found <= {*expected.bad, *expected.harmless}
    mailboxes = {
        one["account"].partition("@")[0] for one in serious(done) if one["finding"]["subject"][0] != "grant"
    }
    entered = {one.person for one in cloud.organisation.mail_rules if one.case is not None}
    entered |= {one.person for one in cloud.organisation.gmail if one.case is not None}
    assert mailboxes == entered
    (summary,) = done.of("summary")
    assert (summary["accounts"], summary["complete"]) == (119 + 40 + 28, True)
    assert_valid(cloud)

    kept = {one.name for one in (place.ledger / "blobs").iterdir()}
    again = place.run("audit", "--all", "--json")
    assert len(again.of("finding")) == len(done.of("finding"))
    assert again.of("grants_changed") == []
    assert {one.name for one in (place.ledger / "blobs").iterdir()} == kept
    assert sum(one["kind"] == "finding_opened" for one in place.records()) == len(done.of("finding"))
    assert not [one for one in place.records() if one["kind"] == "finding_changed"]
    assert place.run("verify").code == 0


def test_exchanges_cmdlets_show_what_graph_does_not(cloud: CloudLab, place: Workplace) -> None:
    """Hidden rules, forwarding of the mailbox itself and Full Access, once their reader is on; and nobody else's."""
    configured = place.config.read_text()
    place.config.write_text(configured.replace('kind = "graph"', 'kind = "graph"\nexchange_cmdlets = true'))
    done = place.run("audit", "--all", "--json")
    mailboxes = {
        one["account"]
        for one in serious(done)
        if one["finding"]["subject"][0] != "grant" and one["account"].endswith(MICROSOFT)
    }
    planned = cloud.organisation
    entered = {one.person for one in planned.mail_rules if one.case is not None}
    entered |= {one.person for one in planned.exchange if one.case is not None}
    assert mailboxes == {f"{person}@{MICROSOFT}" for person in entered}
    assert applications(cloud, done) >= set(planned.expected.bad)
    assert_valid(cloud)


@pytest.mark.parametrize(
    ("account", "own", "everybodys"),
    [
        (f"haruka.endo@{MICROSOFT}", "homoglyph", "Payroll Self Service"),
        (f"lena.fischer@{GOOGLE}", "", "delegation-sync"),
        ("mei.chen@kitano-works.example", "File share", ""),
    ],
)
def test_an_accounts_view_has_all_that_reaches_it(
    cloud: CloudLab, place: Workplace, account: str, own: str, everybodys: str
) -> None:
    """`audit --account` shows the account's own grants and those for everybody, each with risk, reasons and since when."""
    names = {one.key: one.name for one in cloud.organisation.applications}
    done = place.run("audit", "--account", account)
    assert done.code in {0, 1}, done.err
    shown = done.out.partition("grants: ")[2]
    for wanted in (own, everybodys):
        name = {
            "homoglyph": names["onedrive-homoglyph"],
            "delegation-sync": cloud.organisation.application("delegation-sync").id,
        }
        assert name.get(wanted, wanted) in shown
    assert "everybody's mail" in shown or not everybodys
    assert "since " in shown
    assert "(risk times" in shown


def test_what_is_new_is_told_and_what_goes_resolves(cloud: CloudLab, place: Workplace) -> None:
    """A consent after the first look is new, young by our own records, and a finding; without it the finding resolves."""
    who = f"noriko.abe@{MICROSOFT}"
    first = place.run("audit", "--account", who, "--json")
    assert first.of("grants_changed") == []
    state = cloud.microsoft.state
    reader = next(one for one in cloud.organisation.applications if one.key == "mact-reader")
    consent = state.consent(reader.id, "Mail.Read offline_access", datetime.now(UTC), user=who)
    second = place.run("audit", "--account", who, "--json")
    told = [words for one in second.of("grants_changed") if one["account"] == who for words in one["words"]]
    assert len(told) == 1
    assert told[0].startswith(f"new: {reader.name} (delegated)")
    new = [
        one for one in serious(second) if one["finding"]["subject"][-1] == reader.id and one["account"] == who
    ]
    assert len(new) == 1
    state.withdraw(consent.id)
    third = place.run("audit", "--account", who, "--json")
    told = [words for one in third.of("grants_changed") if one["account"] == who for words in one["words"]]
    assert [words.partition(":")[0] for words in told] == ["gone"]
    assert not [one for one in third.of("finding") if one["finding"]["id"] == new[0]["finding"]["id"]]
    assert place.run("verify").code == 0


def test_rights_beyond_need_and_missing_ones_are_named(cloud: CloudLab, place: Workplace) -> None:
    """`check-config` says which scope could write, how old the lists are, and which right a check lacks."""
    done = place.run("check-config", "--json")
    assert done.code == 0, done.out[-2000:]
    beyond = " ".join(one["excess"]["message"] for one in done.of("excess"))
    assert "gmail.settings.basic" in beyond
    (configuration,) = done.of("configuration")
    assert all(days >= 0 for days in configuration["application_lists"].values())
    state = cloud.microsoft.state
    state.unassign(cloud.microsoft.client_id, ["MailboxSettings.Read"])
    lacking = place.run("check-config", "--json")
    assert lacking.code == 3
    gaps = [one["gap"] for one in lacking.of("gap") if "MailboxSettings.Read" in one["gap"]["message"]]
    assert {one["check"] for one in gaps} >= {"inbox_rules", "mailbox_settings"}


def test_the_identity_for_a_case_reads_nothing_yet(cloud: CloudLab, place: Workplace) -> None:
    """A source with identity incident is checked by `check-config` alone; after its day it is refused."""
    text = place.config.read_text()
    begin = text.index('[[source]]\nname = "m365"')
    source = text[begin : text.index("[[source]]", begin + 5)]
    until = datetime.now(UTC).date() + timedelta(days=3)
    case = source.replace('name = "m365"', f'name = "case"\nidentity = "incident"\nuntil = {until}')
    place.config.write_text(text + "\n" + case)
    audit = place.run("audit", "--account", f"noriko.abe@{MICROSOFT}", "--json")
    assert "case" not in {one["coverage"]["source"] for one in audit.of("coverage")}
    checked = place.run("check-config", "--account", f"noriko.abe@{MICROSOFT}", "--json")
    rows = [one["coverage"] for one in checked.of("coverage") if one["coverage"]["source"] == "case"]
    assert "rights" in {one["check"] for one in rows}
    assert "Mail.ReadBasic.All" in " ".join(one["gap"]["message"] for one in checked.of("gap"))
    place.change(f"until = {until}", "until = 2026-01-01")
    over = place.run("check-config", "--account", f"noriko.abe@{MICROSOFT}", "--json")
    assert over.code == 3
    assert "was for a case until 2026-01-01" in " ".join(one["gap"]["message"] for one in over.of("gap"))


def test_a_provider_that_is_away_costs_its_own_people_only(cloud: CloudLab, place: Workplace) -> None:
    """Where the tenant cannot be listed, the others are audited, and those of the tenant who are known get gaps."""
    assert place.run("audit", "--all", "--json").code == 1
    cloud.faults.add("server_error", host="graph", times=None)
    done = place.run("audit", "--all", "--json")
    (summary,) = done.of("summary")
    assert (summary["accounts"], summary["complete"]) == (119 + 40 + 28, False)
    listed = [one["coverage"] for one in done.of("coverage") if one["coverage"]["check"] == "accounts"]
    assert {one["source"]: one["status"] for one in listed} == {
        "m365": "gap",
        "workspace": "read",
        "sso": "read",
    }
    read = {one["coverage"]["source"] for one in done.of("coverage") if one["coverage"]["status"] == "read"}
    assert {"workspace", "sso"} <= read
    assert not [one for one in place.records() if one["kind"] == "finding_resolved"]


@pytest.mark.timeout(400)
def test_the_daemon_watches_whom_sources_list(cloud: CloudLab, place: Workplace) -> None:
    """It sweeps everybody that the three sources list, and notices a consent by the next sweep but one."""
    who = f"noriko.abe@{MICROSOFT}"
    # The other tests check each exchange against the schemas; here that would only cost time.
    cloud.observers.clear()
    quick(place, interval=8)

    def swept() -> set[str]:
        return {
            one["scope"]["key"]
            for one in place.records()
            if one["kind"] == "audit_finished" and one["scope"]["kind"] == "account"
        }

    def words() -> list[str]:
        return [text for one in place.records() if one["kind"] == "grants_changed" for text in one["words"]]

    with running(place) as daemon:
        until(lambda: len(swept()) == 119 + 40 + 28, 180)
        assert words() == []
        reader = cloud.organisation.application("mact-reader")
        cloud.microsoft.state.consent(reader.id, "Mail.Read offline_access", datetime.now(UTC), user=who)
        until(words, 120)
        daemon.terminate()
        assert daemon.wait(15) == 0
    assert words()[0].startswith(f"new: {reader.name} (delegated)")
    assert who in {
        login_of(one["finding"]["scope"]["key"], place)
        for one in place.records()
        if one["kind"] == "finding_opened" and one["finding"]["subject"][-1] == reader.id
    }
    assert not [one for one in events(place) if one["level"] in {"error", "critical"}]


def login_of(key: str, place: Workplace) -> str:
    """The login of an account by its key, as the ledger has it."""
    return next(
        str(one["account"]["login"])
        for one in place.records()
        if one["kind"] == "account_seen" and one["account"]["key"] == key
    )
