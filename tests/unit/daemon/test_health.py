"""What the daemon says about itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.config.settings import Config
from postwarden.daemon import health
from postwarden.daemon.health import Round, Troubles
from postwarden.findings.store import StateStore
from postwarden.model.finding import Finding
from postwarden.model.reading import Coverage, Excess, Gap
from postwarden.model.record import AuditFinished, Notified
from postwarden.model.scope import account_scope
from postwarden.pipeline.judge import judge, load_rules
from tests.unit.findings.conftest import Ledgerlike, envelope

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BOB = account_scope("login:bob")
CONFIG = Config(path=Path("agent.toml"))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledgerlike:
    return Ledgerlike(tmp_path / "state.sqlite")


def told(
    store: StateStore, troubles: Troubles | None = None, now: datetime = NOW, **options: Any
) -> Mapping[tuple[str, str], str]:
    return health.settings(
        store,
        troubles or Troubles(),
        **{"notifiers": ("mail",), "state": Path("/"), "disk_low": 0, "now": now, **options},
    )


def findings(settings: Mapping[tuple[str, str], str]) -> dict[str, Finding]:
    """The shipped rules' verdicts, by rule."""
    reading = health.reading(settings, origin="postwarden/test", now=NOW, keep=lambda _: "0" * 64)
    assert reading.scope.kind == "agent"
    assert {row.status for row in reading.coverage} == {"read"}
    return {one.name: one for one in judge(reading, None, CONFIG.domains, load_rules(CONFIG))}


def test_a_daemon_that_is_well_has_no_findings(ledger: Ledgerlike) -> None:
    """Where nothing is wrong no rule matches, and every check is read."""
    store = ledger.store()
    assert findings(told(store, Troubles(beyond_need=frozenset()))) == {}
    store.close()


def test_what_sources_do_to_us_is_found(ledger: Ledgerlike) -> None:
    """Overdue accounts, a refused log-in and a right that was taken away are findings that name the source."""

    def row(check: str, status: Any, reason: Any = "forbidden") -> Coverage:
        gap = Gap(scope=BOB, source="imap", check=check, reason=reason, message="no")
        return Coverage(
            scope=BOB, source="imap", check=check, status=status, gaps=(gap,) if status == "gap" else ()
        )

    store = ledger.add(
        AuditFinished(
            **envelope(NOW), scope=BOB, coverage=(row("folders", "read"), row("folder_acl", "read"))
        ),
        AuditFinished(
            **envelope(NOW),
            scope=BOB,
            coverage=(row("folders", "gap", "refused"), row("folder_acl", "gap")),
        ),
    ).store()
    store.change_sweeps(lambda sweeps: sweeps.plan([(BOB, "imap")], NOW, timedelta(minutes=15)))
    found = findings(told(store, now=NOW + timedelta(hours=1)))
    assert set(found) == {"sweep_overdue", "credential_refused", "rights_lost"}
    assert "imap folder_acl" in " ".join(found["rights_lost"].why)
    assert {one.level for one in found.values()} == {"high", "medium"}
    store.close()


def test_what_the_machine_does_to_us_is_found(ledger: Ledgerlike) -> None:
    """A clock that was set, a full disk and a refused configuration are findings with the particulars."""
    store = ledger.store()
    troubles = Troubles(
        steps=((NOW, timedelta(seconds=5)), (NOW, timedelta(hours=-1))),
        refused="agent.toml:3: expected a value",
    )
    found = findings(told(store, troubles, disk_low=10**12))
    assert set(found) == {"clock_stepped", "disk_low", "configuration_refused"}
    assert "back by 3600 s" in " ".join(found["clock_stepped"].why)
    assert "agent.toml:3" in " ".join(found["configuration_refused"].why)
    assert "clock_stepped" not in findings(told(store, troubles, now=NOW + timedelta(days=2)))
    store.close()


def test_a_notifier_that_fails_is_found(ledger: Ledgerlike) -> None:
    """What could not be delivered is a finding that names the notifier, until it is delivered; a removed one is none."""

    def sent(outcome: Any) -> Notified:
        return Notified(**envelope(NOW), notifier="mail", records=(3,), outcome=outcome)

    store = ledger.add(sent("failed")).store()
    found = findings(told(store))
    assert set(found) == {"notifier_failing"}
    assert "mail" in " ".join(found["notifier_failing"].why)
    assert findings(told(store, notifiers=("journal",))) == {}
    ledger.add(sent("delivered")).catch_up(store)
    assert findings(told(store)) == {}
    store.close()


def test_a_clock_behind_its_own_records_is_found(ledger: Ledgerlike) -> None:
    """After a start with a clock that went back meanwhile, the ledger's own times tell."""
    store = ledger.add(AuditFinished(**envelope(NOW + timedelta(hours=1)), scope=BOB, coverage=(
        Coverage(scope=BOB, source="imap", check="folders", status="read"),
    ))).store()  # fmt: skip
    assert set(findings(told(store))) == {"clock_stepped"}
    store.close()


def test_rights_beyond_need_are_told_after_a_whole_round() -> None:
    """Only when an interval is over and each source was read is it known what is granted, and what no longer."""
    excess = Excess(scope=BOB, source="imap", message="could change the mailbox (rights lrwa)", hint="lra")
    round_ = Round(0.0)
    round_.add(["imap"], [excess, excess])
    round_.look(700.0, 600.0, ["imap", "sieve"])
    assert not round_.known
    round_.add(["sieve"], [])
    round_.look(700.0, 600.0, ["imap", "sieve"])
    assert set(round_.known or ()) == {"imap: could change the mailbox (rights lrwa)"}
    round_.add(["imap", "sieve"], [])
    round_.look(900.0, 600.0, ["imap", "sieve"])
    assert round_.known
    round_.look(1300.0, 600.0, ["imap", "sieve"])
    assert round_.known == frozenset()


def test_rights_beyond_need_are_a_finding_that_changes_with_them(ledger: Ledgerlike) -> None:
    """What is granted is in the finding's facts, so that more of it is a change."""
    store = ledger.store()
    found = findings(told(store, Troubles(beyond_need=frozenset({"imap: a", "imap: b"}))))
    assert set(found) == {"rights_beyond_need"}
    assert found["rights_beyond_need"].facts[0].values == ("imap: a, imap: b",)
    assert ("excess", "rights_beyond_need") not in told(store)
    store.close()
