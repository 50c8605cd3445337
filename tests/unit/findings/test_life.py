"""What one audit means for the findings that were known."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from postwarden.detect.verdict import MAX_BYTES
from postwarden.findings.life import MAX_CHANGES, MAX_TEXT, differences, expired, transitions
from postwarden.ledger.record import MAX_LINE
from postwarden.model.encoding import encode
from postwarden.model.finding import CheckRef, Fact, Finding
from postwarden.model.record import FindingChanged, FindingReopened, FindingResolved, Record
from postwarden.model.standing import Standing
from tests.unit.findings.conftest import (
    FOLDERS,
    NOW,
    OTHER_RULE,
    RULE,
    SCRIPTS,
    envelope,
    finding,
    later,
    standing,
)  # fmt: skip

BOTH = frozenset({SCRIPTS, FOLDERS})
RULES = frozenset({RULE, OTHER_RULE})


def outcome(
    judged: Sequence[Finding],
    known: Sequence[Standing],
    *,
    complete: frozenset[CheckRef] = BOTH,
    rules: frozenset[str] = RULES,
    now: datetime = NOW,
) -> list[Record]:
    return list(
        transitions(
            judged,
            {one.finding.id: one for one in known},
            complete=complete,
            rules=rules,
            now=now,
            envelope=envelope(now),
        )
    )


def kinds(records: Sequence[Record]) -> list[str]:
    return [type(record).__name__ for record in records]


F = finding()
EVENT = finding("event", checks=())
CHANGED = finding(target="mallory@evil.example")
TABLE: list[tuple[str, Sequence[Finding], Sequence[Standing], dict[str, object], list[str]]] = [
    ("nothing", [], [], {}, []),
    ("a new one opens", [F], [], {}, ["FindingOpened"]),
    ("a new one opens although something is unread", [F], [], {"complete": frozenset()}, ["FindingOpened"]),
    ("an open one stays", [F], [standing(F)], {}, []),
    ("an open one changes", [CHANGED], [standing(F)], {}, ["FindingChanged"]),
    ("an open one that is gone resolves", [], [standing(F)], {}, ["FindingResolved"]),
    ("unread is never clean", [], [standing(F)], {"complete": frozenset()}, []),
    ("another check is not enough", [], [standing(F)], {"complete": frozenset({FOLDERS})}, []),
    ("all its checks must be read", [], [standing(finding(checks=(FOLDERS, SCRIPTS)))], {"complete": frozenset({SCRIPTS})}, []),
    ("all its checks are read", [], [standing(finding(checks=(FOLDERS, SCRIPTS)))], {}, ["FindingResolved"]),
    ("its rule must have run", [], [standing(F)], {"rules": frozenset({OTHER_RULE})}, []),
    ("a resolved one stays so", [], [standing(F, "resolved")], {}, []),
    ("a resolved one is back", [F], [standing(F, "resolved")], {}, ["FindingReopened"]),
    ("a resolved one is back, changed", [CHANGED], [standing(F, "resolved")], {}, ["FindingChanged", "FindingReopened"]),
    ("an acknowledged one is silent", [F], [standing(F, "acknowledged")], {}, []),
    ("an acknowledged one changes", [CHANGED], [standing(F, "acknowledged")], {}, ["FindingChanged", "FindingReopened"]),
    ("an acknowledged one is gone", [], [standing(F, "acknowledged")], {}, ["FindingResolved"]),
    ("an acknowledged one is unread", [], [standing(F, "acknowledged")], {"complete": frozenset()}, []),
    ("before it expires", [F], [standing(F, "acknowledged", until=later(1))], {}, []),
    ("when it expires", [F], [standing(F, "acknowledged", until=NOW)], {}, ["FindingReopened"]),
    ("after it expired", [F], [standing(F, "acknowledged", until=later(-1))], {}, ["FindingReopened"]),
    ("expired and gone", [], [standing(F, "acknowledged", until=later(-1))], {}, ["FindingResolved"]),
    ("an event that is not told again stays", [], [standing(EVENT)], {}, []),
    ("an acknowledged event stays silent", [], [standing(EVENT, "acknowledged", until=later(1))], {}, []),
    ("nothing judges an event again when it expires", [], [standing(EVENT, "acknowledged", until=NOW)], {}, ["FindingReopened"]),
    ("an expired one that is unread", [], [standing(F, "acknowledged", until=NOW)], {"complete": frozenset()}, []),
    (
        "each for itself",
        [finding("new"), F],
        [standing(F), standing(finding("old")), standing(finding("off", rule=OTHER_RULE))],
        {"rules": frozenset({RULE})},
        ["FindingOpened", "FindingResolved"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("judged", "known", "given", "wanted"), [one[1:] for one in TABLE], ids=[one[0] for one in TABLE]
)
def test_an_audit_gives_rise_to_these_records(
    judged: Sequence[Finding], known: Sequence[Standing], given: dict[str, object], wanted: list[str]
) -> None:
    """Each situation of a finding leads to exactly the records that it should."""
    assert kinds(outcome(judged, known, **given)) == wanted  # type: ignore[arg-type]  # the table's keywords


def test_records_say_what_happened_in_words() -> None:
    """Changes name the old and the new, a reopening says why, a resolution rests on a complete read."""
    changed, reopened = outcome([CHANGED], [standing(F, "acknowledged")])
    assert isinstance(changed, FindingChanged)
    assert changed.changes == ("target was eve@evil.example, is mallory@evil.example",)
    assert changed.finding == CHANGED
    assert isinstance(reopened, FindingReopened)
    assert "changed since it was acknowledged" in reopened.reason
    (resolved,) = outcome([], [standing(F)])
    assert isinstance(resolved, FindingResolved)
    assert resolved.reason == "a complete read no longer shows it"
    assert resolved.time == "2026-11-23T12:00:00.000000Z"


def test_an_expired_acknowledgement_and_a_relapse_are_told_apart() -> None:
    """Why a finding is open again is part of the record."""
    reasons = [
        record.reason
        for status, until in (("resolved", None), ("acknowledged", NOW))
        for record in outcome([F], [standing(F, status, until=until)])
        if isinstance(record, FindingReopened)
    ]
    assert reasons == ["it is there again", "the acknowledgement expired"]


def test_an_acknowledgement_runs_out_at_its_moment() -> None:
    """Until one microsecond before its end an acknowledgement holds, and without an end it always does."""
    given = standing(F, "acknowledged", until=NOW)
    assert not expired(given, NOW - timedelta(microseconds=1))
    assert expired(given, NOW)
    assert not expired(standing(F, "acknowledged"), later(100_000))
    assert not expired(standing(F), NOW)


def facts(*pairs: tuple[str, tuple[str, ...]]) -> Finding:
    return finding(facts=tuple(Fact(name=name, values=values) for name, values in pairs))


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (facts(("a", ("1",))), facts(("a", ("1",))), []),
        (facts(("a", ("1",))), facts(("a", ("2", "3"))), ["a was 1, is 2, 3"]),
        (facts(("a", ("1",))), facts(), ["a was 1, is nothing"]),
        (facts(), facts(("a", ("1",))), ["a was nothing, is 1"]),
        (facts(("a", ("1",)), ("b", ("1",))), facts(("b", ("1",)), ("a", ("1",))), []),
        (finding(level="high"), finding(level="critical"), ["level was high, is critical"]),
        (finding(title="T"), finding(title="U"), []),
        (finding(why=("x",)), finding(why=("y",)), []),
    ],
)
def test_what_is_different_is_told_in_words(before: Finding, after: Finding, wanted: list[str]) -> None:
    """Level and facts make a change; a rule's new wording does not."""
    assert list(differences(before, after)) == wanted


def test_a_verdict_that_rests_on_other_checks_is_remembered() -> None:
    """After a source was renamed, a finding is gone when the source's new check no longer shows it."""
    renamed = CheckRef(source="sieve2", check="sieve_scripts")
    moved = finding(checks=(renamed,))
    records = outcome([moved], [standing(F)])
    remembered = [record.finding for record in records if isinstance(record, FindingChanged)] or [F]
    assert kinds(outcome([], [standing(remembered[-1])], complete=frozenset({renamed}))) == [
        "FindingResolved"
    ]


def test_what_a_record_tells_of_changes_is_bounded() -> None:
    """However many facts changed, and however long they are, the record of it fits into a line."""
    wide = "\U0001f600" * 90
    before = facts(*((f"{number} {wide}", (wide,)) for number in range(10)))
    after = facts(*((f"{number} {wide}", (wide,)) for number in range(10, 20)))
    assert len(encode(after)) < MAX_BYTES
    (record,) = outcome([after], [standing(before)])
    assert isinstance(record, FindingChanged)
    assert len(encode(record)) <= MAX_LINE


def test_more_changes_than_a_record_tells_are_counted() -> None:
    """A reader sees that more changed than what is told."""
    many = facts(*((f"f{number}", ("y",)) for number in range(50)))
    (record,) = outcome([facts()], [standing(many)])
    assert isinstance(record, FindingChanged)
    assert len(record.changes) == MAX_CHANGES + 1
    assert record.changes[-1] == "and 30 more changes"
    assert all(len(text) <= MAX_TEXT + 1 for text in record.changes)
