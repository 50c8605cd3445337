"""What is due, overdue, failing and lost: a part of the state store that follows from the ledger."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from postwarden.errors import Reason
from postwarden.findings.store import StateStore
from postwarden.findings.sweeps import Sweeps, count, moment
from postwarden.model.reading import Coverage, Gap
from postwarden.model.record import AuditFinished, FindingOpened
from postwarden.model.scope import Scope, account_scope, source_scope
from tests.unit.findings.conftest import ALICE, NOW, Ledgerlike, envelope, finding

MINUTE = timedelta(minutes=1)
INTERVAL = 15 * MINUTE
BOB = account_scope("login:bob")
IMAP = source_scope("imap")
EVERYBODY = [(scope, source) for scope in (ALICE, BOB) for source in ("imap", "sieve")] + [(IMAP, "imap")]


def row(
    scope: Scope, source: str, check: str, status: Any = "read", reason: Reason = "forbidden"
) -> Coverage:
    gap = Gap(scope=scope, source=source, check=check, reason=reason, message="no")
    return Coverage(
        scope=scope, source=source, check=check, status=status, gaps=(gap,) if status == "gap" else ()
    )


def audited(scope: Scope, at: datetime, *rows: Coverage) -> AuditFinished:
    return AuditFinished(**envelope(at), scope=scope, coverage=rows)


def whole(scope: Scope, at: datetime) -> AuditFinished:
    return audited(scope, at, row(scope, "imap", "folders"), row(scope, "sieve", "scripts"))


def plan(
    store: StateStore,
    now: datetime = NOW,
    wanted: Iterable[tuple[Scope, str]] = EVERYBODY,
    interval: timedelta = INTERVAL,
) -> Sweeps:
    store.change_sweeps(lambda sweeps: sweeps.plan(wanted, now, interval))
    return store.sweeps


def test_everybody_who_was_never_swept_is_due_within_the_interval(ledger: Ledgerlike) -> None:
    """New accounts and sources are spread over one interval, and planning again moves none of them."""
    store = ledger.store()
    sweeps = plan(store)
    assert set(sweeps.due(NOW + INTERVAL, 100)) == {ALICE, BOB, IMAP}
    before = [sweeps.due(NOW + minute * MINUTE, 100) for minute in range(16)]
    assert before[0] != before[-1]
    plan(store, NOW + 10 * MINUTE)
    assert [sweeps.due(NOW + minute * MINUTE, 100) for minute in range(16)] == before
    store.close()


def test_a_sweep_makes_due_once_more_within_the_interval(ledger: Ledgerlike) -> None:
    """After an audit an account is not due, and is again no later than an interval on, whoever audited."""
    store = ledger.store()
    sweeps = plan(store)
    for _ in range(3):
        ledger.add(whole(ALICE, NOW + 20 * MINUTE)).catch_up(store)
    assert ALICE not in sweeps.due(NOW + 20 * MINUTE, 100)
    assert ALICE in sweeps.due(NOW + 20 * MINUTE + INTERVAL, 100)
    assert BOB in sweeps.due(NOW + 20 * MINUTE, 100)
    store.close()


def test_an_open_finding_comes_first_and_who_waits_longest_next(ledger: Ledgerlike) -> None:
    """However late the others are, an account with an open finding is swept before them."""
    others = [account_scope(f"login:{number}") for number in range(30)]
    store = ledger.add(
        *(whole(scope, NOW + number * MINUTE) for number, scope in enumerate(others)),
        FindingOpened(**envelope(), finding=finding()),
        whole(ALICE, NOW + 40 * MINUTE),
    ).store()
    sweeps = plan(store, wanted=[(scope, "imap") for scope in (*others, ALICE)])
    late = sweeps.due(NOW + 120 * MINUTE, 10)
    assert late[0] == ALICE
    assert late[1] in others[:20]
    assert len(late) == 11
    store.close()


def test_who_is_no_longer_listed_is_never_due(ledger: Ledgerlike) -> None:
    """An account that left the directory is neither swept nor counted, and is at once when it is back."""
    store = ledger.add(whole(ALICE, NOW), whole(BOB, NOW)).store()
    sweeps = plan(store)
    plan(store, wanted=[(ALICE, "imap")])
    assert sweeps.due(NOW + 100 * MINUTE, 100) == [ALICE]
    assert [(one.source, one.accounts) for one in sweeps.progress(NOW)] == [("imap", 1)]
    plan(store, NOW + 100 * MINUTE)
    assert BOB in sweeps.due(NOW + 100 * MINUTE, 100)
    store.close()


def test_due_times_are_made_anew_from_the_ledger(ledger: Ledgerlike) -> None:
    """Without its file the state store plans what it planned before."""
    store = ledger.add(whole(ALICE, NOW), whole(BOB, NOW + MINUTE)).store()
    sweeps = plan(store)
    before = [sweeps.due(NOW + minute * MINUTE, 9) for minute in range(20)]
    store.rebuild()
    ledger.catch_up(store)
    again = plan(store, wanted=[pair for pair in EVERYBODY if pair[0] != IMAP])
    assert [[one for one in due if one != IMAP] for due in before] == [
        again.due(NOW + minute * MINUTE, 9) for minute in range(20)
    ]
    store.close()


def test_another_interval_counts_from_the_last_sweep(ledger: Ledgerlike) -> None:
    """A changed interval moves everybody's next sweep, and nobody is forgotten by it."""
    store = ledger.add(whole(ALICE, NOW), whole(BOB, NOW)).store()
    sweeps = plan(store)
    plan(store, NOW + MINUTE, interval=2 * MINUTE)
    assert {ALICE, BOB} <= set(sweeps.due(NOW + 3 * MINUTE, 100))
    assert sweeps.due(NOW + 0.5 * MINUTE, 100) == []
    store.close()


def test_a_clock_that_is_set_moves_the_plan_with_it(ledger: Ledgerlike) -> None:
    """After a step in either direction everybody waits as long as before, and nobody is due twice or never."""
    for hours in (30, -30):
        store = ledger.add(whole(ALICE, NOW), whole(BOB, NOW)).store()
        sweeps = plan(store)
        step, now = timedelta(hours=hours), NOW + MINUTE + timedelta(hours=hours)
        store.change_sweeps(lambda sweeps, step=step, now=now: sweeps.shift(step, now))  # type: ignore[misc]  # a lambda's default has no type
        assert sweeps.due(now, 9) == [one for one in sweeps.due(now, 9) if one == IMAP]
        assert {ALICE, BOB} <= set(sweeps.due(now + 14 * MINUTE, 9))
        assert not sweeps.ahead(now)
        store.close()
        ledger.path.unlink()


def test_a_sweep_after_the_step_is_not_moved(ledger: Ledgerlike) -> None:
    """What was recorded by the new clock before the step was noticed keeps its time."""
    store = ledger.add(whole(ALICE, NOW)).store()
    sweeps = plan(store)
    step, now = timedelta(hours=5), NOW + timedelta(hours=5, seconds=1)
    ledger.add(whole(BOB, now)).catch_up(store)
    store.change_sweeps(lambda sweeps: sweeps.shift(step, now))
    assert not sweeps.ahead(now)
    assert {ALICE, BOB} <= set(sweeps.due(now + INTERVAL, 9))
    store.close()


def test_what_a_wrong_clock_recorded_in_the_future_is_pulled_in(ledger: Ledgerlike) -> None:
    """Sweeps recorded under a clock that was ahead do not keep anybody from being swept within the interval."""
    store = ledger.add(whole(ALICE, NOW + timedelta(days=300))).store()
    sweeps = plan(store)
    assert sweeps.ahead(NOW)
    store.change_sweeps(lambda sweeps: sweeps.pull_in(NOW))
    assert not sweeps.ahead(NOW)
    assert ALICE in sweeps.due(NOW + INTERVAL, 9)
    assert sweeps.latest() == NOW + timedelta(days=300)
    store.close()


def test_progress_says_what_is_late_and_what_failed(ledger: Ledgerlike) -> None:
    """For each source: who was never swept, who is due, overdue, failing, and since when all were read whole."""
    store = ledger.add(
        whole(ALICE, NOW),
        audited(BOB, NOW + MINUTE, row(BOB, "imap", "folders"), row(BOB, "sieve", "scripts", "gap")),
    ).store()
    sweeps = plan(store)
    imap, sieve = sweeps.progress(NOW + 16 * MINUTE)
    assert (imap.source, imap.accounts, imap.never, imap.due, imap.overdue, imap.failing) == (
        "imap",
        2,
        0,
        2,
        0,
        0,
    )
    assert imap.clean_since == NOW
    assert imap.last == NOW + MINUTE
    assert (sieve.failing, sieve.clean_since) == (1, None)
    assert [one.overdue for one in sweeps.progress(NOW + 32 * MINUTE)] == [2, 2]
    assert sweeps.overdue(NOW + 16 * MINUTE) == []
    assert sweeps.overdue(NOW + 32 * MINUTE) == ["imap", "sieve"]
    store.close()


def test_a_failure_counts_until_everything_was_read(ledger: Ledgerlike) -> None:
    """Sweeps that leave a gap count up, the worst reason stands, and one whole sweep ends it."""
    gaps = [
        audited(
            BOB,
            NOW + number * MINUTE,
            row(BOB, "imap", "folders", "gap", "unreachable"),
            row(BOB, "imap", "folder_acl", "gap", "refused"),
        )
        for number in range(3)
    ]
    store = ledger.add(*gaps).store()
    sweeps = plan(store)
    assert sweeps.failing(9) == [(BOB, "imap", "refused", 3)]
    assert sweeps.refused() == ["imap"]
    ledger.add(whole(BOB, NOW + 9 * MINUTE)).catch_up(store)
    assert sweeps.failing(9) == []
    assert sweeps.refused() == []
    store.close()


def test_an_accepted_gap_is_no_failure(ledger: Ledgerlike) -> None:
    """What the administrator lives with does not count as failing."""
    accepted = Coverage(scope=BOB, source="imap", check="folder_acl", status="gap", accepted="ticket 4711")
    store = ledger.add(audited(BOB, NOW, accepted)).store()
    assert plan(store).failing(9) == []
    store.close()


def test_a_right_is_lost_where_what_was_read_is_denied(ledger: Ledgerlike) -> None:
    """Denied, or no longer there: lost; unreachable: not; read again: back; never read: never lost."""

    def imap(status: str, reason: Reason = "forbidden") -> AuditFinished:
        return audited(BOB, NOW, row(BOB, "imap", "folder_acl", status, reason))

    store = ledger.add(imap("gap")).store()
    sweeps = plan(store)
    assert sweeps.lost() == []
    steps: list[tuple[AuditFinished, list[str]]] = [
        (imap("read"), []),
        (imap("gap", "unreachable"), []),
        (imap("gap"), ["imap folder_acl"]),
        (imap("gap", "unreachable"), ["imap folder_acl"]),
        (imap("read"), []),
        (imap("not_supported"), ["imap folder_acl"]),
    ]
    for record, lost in steps:
        ledger.add(record).catch_up(store)
        assert sweeps.lost() == lost
    store.close()


def test_times_survive_as_numbers() -> None:
    """A moment counted in microseconds is the same moment."""
    assert moment(count(NOW + timedelta(microseconds=1))) == NOW + timedelta(microseconds=1)
