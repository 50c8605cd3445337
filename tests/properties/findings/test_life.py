"""Any history of audits: what must never happen to a finding, and that the store agrees with the ledger."""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from postwarden.findings.life import transitions
from postwarden.findings.store import StateStore
from postwarden.ledger.record import record_form
from postwarden.model import moment
from postwarden.model.encoding import encode
from postwarden.model.finding import CheckRef, Fact, Finding
from postwarden.model.finding_id import finding_id
from postwarden.model.record import (
    AnyRecord,
    Envelope,
    FindingAcknowledged,
    FindingChanged,
    FindingOpened,
    FindingReopened,
    FindingResolved,
    Record,
)
from postwarden.model.scope import account_scope
from postwarden.model.standing import Standing

LONG = os.environ.get("POSTWARDEN_LONG")
SCOPE = account_scope("login:alice")
CHECKS = [CheckRef(source="imap", check="folders"), CheckRef(source="sieve", check="sieve_scripts")]
RULES = ["r1", "r2"]
#: Which checks a subject's verdict rests on: always the same, as they follow from what it is.
SUBJECTS = {"one": CHECKS[:1], "two": CHECKS[1:], "both": CHECKS}

verdicts = st.dictionaries(
    st.tuples(st.sampled_from(RULES), st.sampled_from(sorted(SUBJECTS))),
    st.sampled_from(["a", "b"]),
    max_size=4,
)


def verdict(rule_id: str, subject: str, target: str) -> Finding:
    words = ("sieve_script", subject)
    return Finding(
        id=finding_id(rule_id, SCOPE, words), rule=rule_id, name=rule_id, title="T", level="high", scope=SCOPE,
        subject=words, checks=tuple(SUBJECTS[subject]), facts=(Fact(name="target", values=(target,)),),
    )  # fmt: skip


class Life(RuleBasedStateMachine):
    """Audits, acknowledgements and time, with a plain model beside the ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = StateStore(Path(self.folder.name) / "state.sqlite")
        self.now = datetime(2026, 11, 23, tzinfo=UTC)
        self.lines: list[bytes] = []
        #: id → (status, target, end of the acknowledgement)
        self.model: dict[str, tuple[str, str, datetime | None]] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def envelope(self) -> Envelope:
        return {"time": moment.text(self.now), "run": "r", "actor": "a", "agent": "p"}

    def write(self, records: list[Record]) -> None:
        for record in records:
            line = encode(record)
            record_form(line)
            assert msgspec.json.decode(line, type=AnyRecord) == record
            self.lines.append(line)
        root = sha256(b"\n".join(self.lines)).digest()
        self.store.catch_up(
            len(self.lines), root, lambda start: list(enumerate(self.lines))[start:], list, lambda _: None
        )

    @rule(
        judged=verdicts,
        complete=st.sets(st.sampled_from(CHECKS)).map(frozenset),
        applied=st.sets(st.sampled_from(RULES)).map(frozenset),
    )
    def audit(
        self, judged: dict[tuple[str, str], str], complete: frozenset[CheckRef], applied: frozenset[str]
    ) -> None:
        found = [verdict(*key, target) for key, target in judged.items() if key[0] in applied]
        known = {one.finding.id: one for one in self.store.findings(SCOPE)}
        records = list(
            transitions(
                found, known, complete=complete, rules=applied, now=self.now, envelope=self.envelope()
            )
        )
        self.check(records, found, known, complete, applied)
        self.write(records)
        for one in found:
            (target,) = one.facts[0].values
            status, before, until = self.model.get(one.id, ("none", target, None))
            silent = status == "acknowledged" and before == target and (until is None or until > self.now)
            self.model[one.id] = ("acknowledged", target, until) if silent else ("open", target, None)
        seen = {one.id for one in found}
        for key, standing in known.items():
            gone = (
                key not in seen
                and standing.finding.rule in applied
                and set(standing.finding.checks) <= complete
            )
            if gone:
                self.model[key] = ("resolved", self.model[key][1], None)

    def check(
        self,
        records: list[Record],
        found: list[Finding],
        known: dict[str, Standing],
        complete: frozenset[CheckRef],
        applied: frozenset[str],
    ) -> None:
        opened = [record.finding.id for record in records if isinstance(record, FindingOpened)]
        assert len(opened) == len(set(opened))
        assert not set(opened) & set(known)
        for record in records:
            if isinstance(record, FindingResolved):
                before = known[record.id]
                assert set(before.finding.checks) <= complete
                assert before.finding.rule in applied
                assert record.id not in {one.id for one in found}
                assert before.status != "resolved"
            elif isinstance(record, FindingReopened):
                assert known[record.id].status in {"resolved", "acknowledged"}
            elif isinstance(record, FindingChanged):
                assert record.changes

    @precondition(lambda self: any(status == "open" for status, _, _ in self.model.values()))
    @rule(data=st.data(), days=st.none() | st.integers(1, 3))
    def acknowledge(self, data: st.DataObject, days: int | None) -> None:
        key = data.draw(st.sampled_from(sorted(key for key, one in self.model.items() if one[0] == "open")))
        until = self.now + timedelta(days=days) if days else None
        text = moment.text(until) if until else None
        self.write([FindingAcknowledged(**self.envelope(), id=key, reason="asked", until=text)])
        self.model[key] = ("acknowledged", self.model[key][1], until)

    @rule(hours=st.sampled_from([1, 24, 48]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def restart(self) -> None:
        path = Path(self.folder.name) / "state.sqlite"
        self.store.close()
        self.store = StateStore(path)

    @rule()
    def rebuild(self) -> None:
        self.store.rebuild()
        self.write([])

    @invariant()
    def the_store_stands_as_the_model(self) -> None:
        standings = {one.finding.id: one for one in self.store.findings()}
        assert set(standings) == set(self.model)
        for key, (status, target, until) in self.model.items():
            standing = standings[key]
            assert standing.status == status
            assert standing.finding.facts[0].values == (target,)
            assert (standing.acknowledgement is not None) is (status == "acknowledged")
            assert standing.acknowledgement is None or standing.acknowledgement.until == until
            assert standing.first_seen <= standing.since


TestLife = Life.TestCase
TestLife.__doc__ = (
    "No finding resolves unread, an acknowledgement is silent until change or expiry, and the store agrees."
)
TestLife.settings = settings(
    max_examples=200 if LONG else 20,
    stateful_step_count=25,
)
