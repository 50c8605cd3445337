"""Windows in the ledger: opened, grown, told within a budget, and taken back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.config.access import AccessSection
from postwarden.config.settings import Config
from postwarden.history.history import History, open_history
from postwarden.model.standing import Standing
from postwarden.model.window import Reason, Window
from postwarden.pipeline.answers import Said, answer
from postwarden.pipeline.record import Recorder
from postwarden.pipeline.windows import record_windows
from tests.unit.pipeline.conftest import ALICE, NOW, SCOPE, Record
from tests.unit.pipeline.test_record import kinds

HOUR = 3_600_000
AT = int(NOW.timestamp()) * 1000
CONFIG = Config(path=Path("agent.toml"), access=AccessSection(alarms_per_week=1))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """A history that has nothing."""
    with open_history(tmp_path, create=True) as made:
        yield made


def made(**fields: Any) -> Window:
    """A window of Alice's that opened three hours ago."""
    return Window(**{
        "account": ALICE.key, "subject": "imap-log 1", "opened": AT - 3 * HOUR, "first": AT - 3 * HOUR, "last": AT - 2 * HOUR,
        "sessions": 2, "weight": 27, "networks": ("Minami Net",), "countries": ("JP",), "addresses": ("203.0.113.7",),
        "reasons": (Reason(sign="new_network", weight=27, words="the account never used it"),), **fields,
    })  # fmt: skip


def record(recorder: Recorder, history: History, *windows: Window, horizon: int = AT) -> list[str]:
    """The kinds of records that it gives, after those that were there; blobs and accounts are not asked about."""
    before = len(kinds(recorder))
    record_windows(recorder, windows, horizon, {ALICE.key: ALICE}, history, CONFIG, lambda: NOW)
    return [kind for kind in kinds(recorder)[before:] if kind not in {"account_seen", "blobs_kept"}]


def standings(recorder: Recorder) -> list[Standing]:
    return list(recorder.store.findings(SCOPE))


def test_a_window_is_one_finding_that_grows(recorder: Record, history: History) -> None:
    """The same window again is nothing new; on another day it is remembered, and what it did since is no change that anybody is told."""
    ledger = recorder()
    assert record(ledger, history, made()) == ["finding_opened"]
    assert record(ledger, history, made()) == []
    assert record(ledger, history, made(sessions=3, last=AT - HOUR)) == []
    assert record(ledger, history, made(sessions=3, last=AT + 30 * HOUR)) == ["finding_changed"]
    (standing,) = standings(ledger)
    facts = {fact.name: fact.values for fact in standing.finding.facts}
    assert (facts["sessions"], standing.finding.level) == (("3",), "medium")


def test_growth_reopens_no_acknowledgement_and_another_network_does(
    recorder: Record, history: History
) -> None:
    """Who was asked about the sessions knows that there may be more of them; from elsewhere they are something else."""
    ledger = recorder()
    record(ledger, history, made())
    ledger.acknowledge(standings(ledger)[0].finding.id, reason="asked Alice", until=None)
    assert record(ledger, history, made(sessions=20, last=AT + 30 * HOUR)) == ["finding_changed"]
    assert standings(ledger)[0].status == "acknowledged"
    moved = made(sessions=21, last=AT + 31 * HOUR, networks=("Minami Net", "Polder Hosting"))
    assert record(ledger, history, moved) == ["finding_changed", "finding_reopened"]


def test_weaker_windows_beyond_the_budget_are_listed_and_not_sent(recorder: Record, history: History) -> None:
    """One a week is sent; the second is quiet until it becomes grave, and a grave one always is sent."""
    ledger = recorder()
    record(ledger, history, made())
    record(ledger, history, made(subject="imap-log 2", addresses=("203.0.113.8",), first=AT, last=AT))
    record(
        ledger, history, made(subject="imap-log 3", addresses=("203.0.113.9",), first=AT, last=AT, weight=45)
    )
    quiet = {one.finding.subject[1]: one.finding.quiet for one in standings(ledger)}
    assert quiet == {"imap-log 1": False, "imap-log 2": True, "imap-log 3": False}
    record(
        ledger, history, made(subject="imap-log 2", addresses=("203.0.113.8",), first=AT, last=AT, weight=50)
    )
    assert not any(one.finding.quiet for one in standings(ledger))


def test_a_provisional_window_that_does_not_come_again_is_taken_back(
    recorder: Record, history: History
) -> None:
    """With all lines in, it fits the habits: the finding stays, is low, and says so; one that is confirmed stays as it is."""
    ledger = recorder()
    record(ledger, history, made(provisional=True), horizon=AT - 4 * HOUR)
    assert record(ledger, history, horizon=AT) == []
    assert record(ledger, history, horizon=AT + 2 * HOUR) == ["finding_changed"]
    (standing,) = standings(ledger)
    assert (standing.finding.level, standing.status) == ("low", "open")
    assert standing.finding.why[0].startswith("with all lines in, the sessions fit")


def test_a_replay_that_names_the_window_otherwise_finds_it_again(recorder: Record, history: History) -> None:
    """Another first session, the same time and address: the same finding, and what was answered of it still holds."""
    ledger = recorder()
    record(ledger, history, made())
    (standing,) = standings(ledger)
    answer(ledger, standing.finding.id, Said(verdict="not_mine", by="Alice", channel="telephone"), {})
    assert record(ledger, history, made(subject="imap-log 0", first=AT - 4 * HOUR)) == ["finding_changed"]
    assert [one.finding.id for one in standings(ledger)] == [standing.finding.id]


def test_a_window_of_a_name_that_no_directory_knows_is_the_sources(
    recorder: Record, history: History
) -> None:
    """It stands at the source whose log has it, with the name."""
    ledger = recorder()
    record(ledger, history, made(account="bob"))
    (standing,) = [one for one in ledger.store.findings() if one.finding.name == "access_window"]
    assert (standing.finding.scope.kind, standing.finding.scope.key) == ("source", "imap-log")
    assert "bob, whom no directory knows" in standing.finding.why[0]


def test_a_week_later_the_budget_is_there_again(recorder: Record, history: History) -> None:
    """What was sent more than seven days ago takes nothing from it."""
    ledger = recorder()
    record(ledger, history, made())
    later = NOW + timedelta(days=8)
    other = made(subject="imap-log 2", addresses=("203.0.113.8",), first=AT, last=AT)
    record_windows(ledger, (other,), AT, {ALICE.key: ALICE}, history, CONFIG, lambda: later)
    assert not any(one.finding.quiet for one in standings(ledger))
