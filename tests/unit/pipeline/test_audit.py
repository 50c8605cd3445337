"""One audit: what comes out of it, whatever fails on the way."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from postwarden.config.settings import Accepted, Config, CoverageSettings
from postwarden.errors import LedgerError, LedgerUnsound, SecretError
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation
from postwarden.model.reading import Observed
from postwarden.pipeline.audit import TOGETHER, Audited, acceptance, audit, everybody_of
from postwarden.pipeline.judge import RuleBook
from postwarden.pipeline.record import Conclusion, Recorder
from tests.unit.pipeline.conftest import ALICE, BOB, NOW, SCOPE, Record, Told, done, flow, found, gap


def run(
    source: Told,
    book: RuleBook,
    config: Config,
    recorder: Recorder | None = None,
    accounts: tuple[Account, ...] = (ALICE,),
) -> list[Audited]:
    return list(audit(accounts, (ALICE, BOB), [source], book, config, recorder, lambda: NOW))


def test_sources_come_before_accounts(book: RuleBook, config: Config, recorder: Record) -> None:
    """Each source's own scope is audited once, then each account, and the intent is recorded before all."""
    made = recorder()
    source = Told([found(), done()])
    results = run(source, book, config, made, (ALICE, BOB))
    assert [result.account for result in results] == [None, ALICE, BOB]
    assert results[0].reading.scope.kind == "source"
    assert source.prepared == [ALICE, BOB]
    assert source.read == ["alice", "bob"]
    started = [b'"audit_started"' in line for _, line in made.ledger.records()]
    assert started[1:4] == [True, True, True]
    assert sum(started) == 3


def test_verdicts_come_with_how_they_stand(book: RuleBook, config: Config, recorder: Record) -> None:
    """With a ledger, findings come with status and time, old ones too."""
    made = recorder()
    first = run(Told([found(), done()]), book, config, made)[1]
    assert {finding.name for finding in first.findings} == {"external_redirect_everything"}
    second = run(Told([gap()]), book, config, made)[1]
    assert second.findings == ()
    assert second.standings is not None
    assert [standing.status for standing in second.standings] == ["open"]
    third = run(Told([done()]), book, config, made)[1]
    assert third.standings is not None
    assert [standing.status for standing in third.standings] == ["resolved"]


def test_without_a_ledger_nothing_stands(book: RuleBook, config: Config) -> None:
    """`--no-record` judges, and says nothing about when anything was first seen."""
    result = run(Told([found(), done()]), book, config)[1]
    assert result.findings
    assert result.standings is None
    assert result.unrecorded is None


def test_a_ledger_that_fails_does_not_take_the_verdicts_with_it(
    book: RuleBook, config: Config, recorder: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where recording fails after judging, the findings are there with the error beside them, for every account."""
    made = recorder()
    error = LedgerError("the disk is full", "free space")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(made, "finish_all", fail)
    results = run(Told([found(), done()]), book, config, made, (ALICE, BOB))
    assert [result.unrecorded for result in results] == [error] * 3
    assert all(result.findings for result in results[1:2])
    assert all(result.standings is None for result in results)


def test_evidence_that_cannot_be_kept_does_not_take_the_verdicts_with_it(
    book: RuleBook, config: Config, recorder: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob that cannot be written is an error beside the findings, and no record claims that it was kept."""
    made = recorder()
    error = LedgerUnsound("the blob differs")

    def fail(_: bytes) -> str:
        raise error

    monkeypatch.setattr(made, "keep", fail)
    results = run(Told([found(), done()]), book, config, made)
    assert results[0].unrecorded is None
    assert results[1].unrecorded is error
    assert results[1].findings
    assert not any(b'"audit_finished"' in line and b'"account"' in line for _, line in made.ledger.records())


def test_a_missing_secret_is_noticed_before_anything_is_connected_to(
    book: RuleBook, config: Config, recorder: Record
) -> None:
    """Nothing is recorded or read where a secret is missing, and the error names the key."""
    made = recorder()

    class Missing(Told):
        def prepare(self, accounts: object) -> None:
            raise SecretError("is empty", "put it on the first line")

    source = Missing([done()])
    with pytest.raises(SecretError, match=r"agent\.toml: source\[0\]\.login\.secret: is empty"):
        run(source, book, config, made)
    assert source.read == []
    assert len(list(made.ledger.records())) == 1


def right_of(name: str, kind: str = "user") -> Observed:
    entry = Delegation(
        scope=SCOPE, source="sieve", check="sieve_scripts", observed=NOW, via="imap_acl", folder="INBOX", grantee=name,
        grantee_kind=kind, rights=("read",),  # type: ignore[arg-type]  # each is one
    )  # fmt: skip
    return Observed(evidence=entry, raw=name.encode())


def test_names_that_no_directory_lists_are_told(book: RuleBook, config: Config, recorder: Record) -> None:
    """Users with rights who are nobody's account are listed, colleagues under any name and groups are not."""
    made = recorder()
    items = [
        right_of("mallory"),
        right_of("BOB"),
        right_of("bob@example.org"),
        right_of("$staff", "group"),
        right_of("anyone", "anyone"),
    ]
    result = run(Told([*items, done()]), book, config, made)[1]
    assert result.unknown_names == ("mallory",)
    assert any(b'"unknown_names":["mallory"]' in line for _, line in made.ledger.records())


def test_gaps_are_accepted_by_any_name_of_the_account() -> None:
    """Key, login and addresses name an account; a source's own gaps go by the source's name."""
    accepted = CoverageSettings(
        accepted=tuple(
            Accepted(source="sieve", scope=scope, check=check, reason="r", until=NOW.date())
            for scope, check in (
                ("ALICE", "a"),
                ("login:alice", "b"),
                ("alice@example.org", "c"),
                ("sieve", "d"),
            )
        )
    )
    config = Config(path=Path("agent.toml"), coverage=accepted)
    of_alice = acceptance(config, ALICE, lambda: NOW)
    assert [bool(of_alice("sieve", check)) for check in "abcd"] == [True, True, True, False]
    of_source = acceptance(config, Told(), lambda: NOW)
    assert [bool(of_source("sieve", check)) for check in "abcd"] == [False, False, False, True]
    assert not any(acceptance(config, BOB, lambda: NOW)("sieve", check) for check in "abcd")


def test_an_account_is_judged_by_its_own_addresses(book: RuleBook, config: Config) -> None:
    """Mail that an owner sends to an own address outside is not a stranger's."""
    owner = Account(key=ALICE.key, login="alice", addresses=("alice@example.org", "eve@evil.example"))
    assert run(Told([found(flow()), done()]), book, config, accounts=(owner,))[1].findings == ()
    assert run(Told([found(flow()), done()]), book, config)[1].findings


@pytest.mark.parametrize(
    ("step", "commits"), [(timedelta(), [3]), (timedelta(seconds=1), [1, 1, 1])], ids=["quick", "slow"]
)
def test_what_comes_quickly_is_recorded_together(
    step: timedelta,
    commits: list[int],
    book: RuleBook,
    config: Config,
    recorder: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scopes that are read in one moment share a commit, and nobody waits for the record of a slow one."""
    made = recorder()
    recorded: list[int] = []
    finish = made.finish_all

    def counted(conclusions: Sequence[Conclusion], *, rules: frozenset[str]) -> None:
        recorded.append(len(conclusions))
        finish(conclusions, rules=rules)

    monkeypatch.setattr(made, "finish_all", counted)
    times = (NOW + turn * step for turn in count())
    source = Told([found(), done()])
    results = list(audit((ALICE, BOB), (ALICE, BOB), [source], book, config, made, lambda: next(times)))
    assert recorded == commits
    assert [result.account for result in results] == [None, ALICE, BOB]
    assert [result.standings is not None for result in results] == [True] * 3
    assert [len(result.standings or ()) for result in results][1] == 1


def test_no_commit_is_for_everybody(book: RuleBook, config: Config, recorder: Record) -> None:
    """However quickly accounts come, what is not yet recorded does not grow with their number."""
    made = recorder()
    many = tuple(Account(key=f"login:{one}", login=f"p{one}") for one in range(TOGETHER * 2))
    before = made.ledger.position().size
    audits = audit(many, many, [Told([done()])], book, config, made, lambda: NOW)
    sizes = [made.ledger.position().size for _ in audits]
    assert len(set(sizes)) == 3
    assert sizes[-1] > before


def test_everybody_is_known_by_all_names() -> None:
    """Log-in, addresses, and what a source calls somebody otherwise, in any case."""
    one = Account(key="login:a", login="Alice", addresses=("a@example.org",), names={"imap": "A.Doe"})
    assert everybody_of([one]).listed == {"alice", "a@example.org", "a.doe"}
