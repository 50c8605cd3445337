"""A sysadmin audits mailboxes on Exchange: exit codes, the life of findings, and what could not be read."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from postwarden.cli.demo import write_configuration
from postwarden.lab import exchange
from postwarden.lab.exchange import ExchangeLab
from postwarden.lab.exchange.organisation import Permission, Rule, RuleRecipient
from tests.ews_schema import SCHEMA_FILE, SchemaObserver
from tests.scenarios.conftest import Workplace

DOMAIN = "kitano-marine.example"
KATRIN, TOM, SYLVIE = (f"{name}@{DOMAIN}" for name in ("katrin.vogel", "tom.becker", "sylvie.martin"))


@dataclass(frozen=True)
class Marine:
    """A workplace, and the Exchange that its configuration names."""

    place: Workplace
    lab: ExchangeLab

    def audit(self, *arguments: str) -> Any:
        return self.place.run("audit", "--json", *arguments)


@pytest.fixture
def marine(tmp_path: Path) -> Iterator[Marine]:
    """An Exchange and a ledger, with a configuration for both; all that is said fits the published schema."""
    observer = SchemaObserver()
    home = tmp_path / "exchange"
    home.mkdir()
    folder = Path(tempfile.mkdtemp(prefix="postwarden-scenario-"))
    with exchange.start(home) as lab:
        if SCHEMA_FILE.is_file():
            lab.observers.append(observer.observe)
        write_configuration(folder, None, lab)
        place = Workplace(folder)
        assert place.run("init").code == 0
        yield Marine(place, lab)
    shutil.rmtree(folder)
    assert observer.violations == []


def test_the_three_accounts_that_were_entered_are_found(marine: Marine) -> None:
    """Findings of level high and more stand in these accounts and in no other, and nothing is left unread."""
    done = marine.audit("--all")
    assert done.code == 1, done.err
    (summary,) = done.of("summary")
    assert (summary["complete"], summary["accounts"], summary["checks_not_read"]) == (True, 25, 0)
    found = {
        (one["account"], one["finding"]["name"])
        for one in done.of("finding")
        if one["finding"]["level"] in {"high", "critical"}
    }
    assert found == {
        (KATRIN, "hidden_rule"),
        (KATRIN, "external_redirect_keyword"),
        (TOM, "external_redirect_everything"),
        (SYLVIE, "acl_anyone"),
    }
    assert marine.lab.state.mutations == []
    assert marine.place.run("verify").code == 0


def test_findings_say_who_stands_behind_a_name(marine: Marine) -> None:
    """A rule to a name of the directory is explained by where that name's mail goes."""
    (finding,) = [
        one["finding"]
        for one in marine.audit("--account", TOM).of("finding")
        if one["finding"]["name"] == "external_redirect_everything"
    ]
    said = " ".join(finding["why"])
    assert "Support Desk" in said
    assert "desk.kitano@quickmail-post.example" in said


def test_a_second_audit_opens_nothing_and_keeps_no_blob_twice(marine: Marine) -> None:
    """What is unchanged is the same finding with the same evidence."""
    marine.audit("--all")
    records, blobs = marine.place.records(), len(list((marine.place.ledger / "blobs").iterdir()))
    marine.audit("--all")
    later = marine.place.records()[len(records) :]
    assert {one["kind"] for one in later} == {"audit_started", "sessions_opened", "audit_finished"}
    assert len(list((marine.place.ledger / "blobs").iterdir())) == blobs
    digests = [
        {
            (one["scope"]["key"], row["check"]): row["digest"]
            for one in some
            if one["kind"] == "audit_finished"
            for row in one["coverage"]
        }
        for some in (records, later)
    ]
    assert digests[0] == digests[1]


def test_what_is_healed_is_resolved_and_comes_back_as_the_same(marine: Marine) -> None:
    """A right that is taken away resolves its finding; given again, the same finding is reopened."""
    marine.audit("--account", SYLVIE)
    state = marine.lab.state
    permission = next(
        one
        for one in marine.lab.organisation.account("sylvie.martin").permissions
        if one.folder == "inbox" and one.who == "Default"
    )
    state.set_permission("sylvie.martin", replace(permission, level="None", visible=False))
    marine.audit("--account", SYLVIE)
    assert (SYLVIE, "acl_anyone", "resolved") in marine.place.findings("--all")
    state.set_permission("sylvie.martin", permission)
    marine.audit("--account", SYLVIE)
    assert (SYLVIE, "acl_anyone", "open") in marine.place.findings()
    kinds = [one["kind"] for one in marine.place.records()]
    assert kinds.count("finding_reopened") == 1


def test_a_rule_that_appears_is_found_and_its_first_sight_is_dated(marine: Marine) -> None:
    """A mailbox that was clean, and recorded as such, has a finding after an intruder was there."""
    clean = marine.audit("--account", f"noor.haddad@{DOMAIN}")
    assert clean.code == 0, clean.out
    marine.lab.state.add_rule(
        "noor.haddad",
        Rule(
            name="..",
            then={"RedirectToRecipients": (RuleRecipient("x", "noor@elsewhere.example", "SMTP"),)},
        ),
    )
    found = marine.audit("--account", f"noor.haddad@{DOMAIN}")
    assert found.code == 1
    assert "external_redirect_everything" in {one["finding"]["name"] for one in found.of("finding")}
    assert all(one["first_seen"] for one in found.of("finding"))


@pytest.mark.parametrize("fault", ["denied", "garbage", "cut_off", "forbidden"])
def test_what_could_not_be_read_resolves_nothing_and_is_no_success(fault: str, marine: Marine) -> None:
    """With a check that failed, old findings stand, the gap is shown with its next step, and exit is not 0."""
    marine.audit("--account", SYLVIE)
    marine.lab.faults.add(fault, operation="GetFolder", times=None)
    done = marine.audit("--account", SYLVIE)
    assert done.code == 1
    assert not done.of("summary")[0]["complete"]
    assert "folder_permissions" in {one["gap"]["check"] for one in done.of("gap")}
    assert (SYLVIE, "acl_anyone", "open") in marine.place.findings()
    clean = marine.audit("--account", f"noor.haddad@{DOMAIN}")
    assert clean.code == 3


def test_everybody_may_read_another_folder_too(marine: Marine) -> None:
    """Rights are judged in every folder of the mailbox, not in the inbox alone."""
    state = marine.lab.state
    folder = state.mailbox("jonas.weber").folder("sentitems")
    state.set_permission("jonas.weber", Permission(folder="sentitems", who="Anonymous", level="Reviewer"))
    done = marine.audit("--account", f"jonas.weber@{DOMAIN}")
    (finding,) = [one["finding"] for one in done.of("finding") if one["finding"]["level"] == "critical"]
    assert finding["name"] == "acl_anyone"
    assert folder.name in " ".join(finding["why"])


def test_check_config_says_what_exchange_lets_us_read(marine: Marine) -> None:
    """Each check is named; where the role is missing, so is the remedy."""
    good = marine.place.run("check-config")
    assert good.code == 0, good.out + good.err
    assert "exchange rule_items: can be read" in good.out
    marine.lab.state.deny_impersonation(marine.lab.service.login)
    bad = marine.place.run("check-config")
    assert bad.code == 3
    assert "exchange rule_items: CANNOT be read" in bad.out
    assert "impersonation role" in bad.out
