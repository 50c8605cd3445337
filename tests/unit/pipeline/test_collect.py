"""How each check ended, and what it was based on."""

import hashlib

import pytest

from postwarden.model.finding import CheckRef
from postwarden.model.reading import Excess, Item, NotSupported
from postwarden.pipeline.collect import MAX_GAPS, Reading, collect_account, collect_source, evidence_digest
from tests.unit.pipeline.conftest import ALICE, SCOPE, Told, done, flow, found, gap, session

EMPTY = hashlib.sha256(b"").hexdigest()
MISSING = NotSupported(scope=SCOPE, source="sieve", check="sieve_scripts", message="no such extension")


def read(
    *items: Item,
    accepted: str | None = None,
    checks: tuple[str, ...] = ("sieve_scripts",),
    recorded: bool = False,
) -> Reading:
    kept: dict[bytes, str] = {}

    def keep(raw: bytes) -> str:
        return kept.setdefault(raw, hashlib.sha256(raw).hexdigest())

    return collect_account(
        ALICE, [Told(items, checks=checks)], lambda *_: accepted, keep if recorded else None
    )


@pytest.mark.parametrize(
    ("items", "status", "complete", "incomplete"),
    [
        ((done(),), "read", True, False),
        ((found(), done()), "read", True, False),
        ((gap(),), "gap", False, True),
        ((gap(), done()), "gap", False, True),
        ((done(), gap(part="script x")), "gap", False, True),
        ((found(), gap()), "gap", False, True),
        ((MISSING,), "not_supported", False, False),
        ((MISSING, gap()), "gap", False, True),
        ((), "gap", False, True),
        ((found(),), "gap", False, True),
        ((session(),), "gap", False, True),
        ((done("other"),), "gap", False, True),
        ((done(source="other"),), "gap", False, True),
    ],
    ids=[
        "done", "evidence and done", "gap", "gap and done", "part", "evidence and gap", "not supported", "not supported and gap",
        "silent", "evidence alone", "session alone", "another check", "another source",
    ],
)  # fmt: skip
def test_a_check_ends_in_one_way(
    items: tuple[Item, ...], status: str, complete: bool, incomplete: bool
) -> None:
    """Only what was said to be done, without any gap, was read; silence is a gap."""
    reading = read(*items)
    (row,) = reading.coverage
    assert row.status == status
    assert (reading.complete == {CheckRef(source="sieve", check="sieve_scripts")}) is complete
    assert reading.incomplete is incomplete


def test_a_silent_source_is_a_gap_that_can_be_seen() -> None:
    """A connector that forgets a check leaves a gap in the reading, with a hint, and not only in the coverage."""
    reading = read(done(), checks=("sieve_scripts", "vacation"))
    assert [row.status for row in reading.coverage] == ["read", "gap"]
    (missing,) = reading.gaps
    assert (missing.check, missing.reason) == ("vacation", "malformed")
    assert missing.hint
    assert reading.coverage[1].gaps == (missing,)


def test_an_accepted_gap_stays_visible() -> None:
    """What the administrator lives with is still a gap, with the reason, but the audit counts as complete."""
    reading = read(gap(), accepted="ticket 4711")
    (row,) = reading.coverage
    assert (row.status, row.accepted) == ("gap", "ticket 4711")
    assert not reading.incomplete
    assert reading.complete == frozenset()
    assert len(reading.gaps) == 1


def test_what_was_read_is_not_called_accepted() -> None:
    """An acceptance says nothing about a check that could be read."""
    assert read(done(), accepted="ticket 4711").coverage[0].accepted is None


def test_more_gaps_than_fit_are_counted() -> None:
    """A record keeps some gaps of a check and the number of the others, people see all."""
    reading = read(*(gap(part=f"script {number}") for number in range(25)))
    (row,) = reading.coverage
    assert len(row.gaps) == MAX_GAPS
    assert row.more_gaps == 25 - MAX_GAPS
    assert len(reading.gaps) == 25


def test_a_missing_feature_is_noted() -> None:
    """Why a check is not supported is part of the coverage."""
    assert read(MISSING).coverage[0].note == "no such extension"


def test_sessions_and_rights_are_collected() -> None:
    """Our own sessions and rights beyond need are part of the reading."""
    excess = Excess(scope=SCOPE, source="sieve", message="m", hint="h")
    reading = read(session(1), excess, session(2), done())
    assert reading.sessions == (session(1), session(2))
    assert reading.excess == (excess,)


def test_evidence_names_the_blob_that_keeps_it() -> None:
    """With a ledger, each evidence names its blob, and equal bytes share one."""
    reading = read(found(), found(flow("two"), b"other"), found(flow("three")), done(), recorded=True)
    blobs = [item.blob for item in reading.evidence]
    assert blobs[0] == blobs[2] != blobs[1]
    (row,) = reading.coverage
    assert row.count == 2
    assert row.digest == evidence_digest([str(blob) for blob in blobs])


def test_without_a_ledger_nothing_is_named() -> None:
    """Where nothing is recorded there is no digest, and evidence is counted."""
    reading = read(found(), found(flow("two")), done())
    assert [item.blob for item in reading.evidence] == [None, None]
    assert (reading.coverage[0].count, reading.coverage[0].digest) == (2, None)


def test_an_empty_set_has_the_digest_of_nothing() -> None:
    """That nothing was there at a time can be shown, too."""
    row = read(done(), recorded=True).coverage[0]
    assert (row.count, row.digest) == (0, EMPTY)


def test_the_digest_is_what_an_outsider_computes() -> None:
    """SHA-256 over the sorted unique names, each with a line feed."""
    assert (
        evidence_digest(["b", "a", "b"]) == "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2"
    )
    assert evidence_digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_each_source_is_asked_about_the_account() -> None:
    """Two sources with the same check are told apart."""
    one, two = Told([done(source="one")], name="one"), Told([gap(source="two")], name="two")
    reading = collect_account(ALICE, [one, two], lambda *_: None, None)
    assert [(row.source, row.status) for row in reading.coverage] == [("one", "read"), ("two", "gap")]
    assert (one.read, two.read) == (["alice"], ["alice"])


def test_an_acceptance_is_asked_for_source_and_check() -> None:
    """Which gap is meant decides whether it is accepted."""
    asked = []

    def accepted(source: str, check: str) -> str | None:
        asked.append((source, check))
        return "yes" if check == "vacation" else None

    reading = collect_account(ALICE, [Told(checks=("sieve_scripts", "vacation"))], accepted, None)
    assert [row.accepted for row in reading.coverage] == [None, "yes"]
    assert asked == [("sieve", "sieve_scripts"), ("sieve", "vacation")]
    assert reading.incomplete


def test_a_source_has_a_scope_of_its_own() -> None:
    """What a source says about itself is not an account's."""
    reading = collect_source(Told(), lambda *_: None, None)
    assert (reading.scope.kind, reading.scope.key) == ("source", "sieve")
    assert [(row.check, row.status) for row in reading.coverage] == [("transport", "read")]
