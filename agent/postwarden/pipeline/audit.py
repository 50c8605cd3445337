"""One audit of some accounts: collect, judge, record, one account after another."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from postwarden.config.settings import Config
from postwarden.connectors import Source
from postwarden.errors import LedgerError, PostwardenError
from postwarden.findings.life import Standing
from postwarden.model.account import Account
from postwarden.model.finding import Finding
from postwarden.model.scope import account_scope, source_scope
from postwarden.pipeline.collect import Acceptance, Reading, collect_account, collect_source
from postwarden.pipeline.judge import RuleBook, judge
from postwarden.pipeline.record import Recorder


class Audited(Struct, frozen=True, kw_only=True):
    """What one audit of one scope gave.

    `findings` are the verdicts of this audit; `standings` all that stands for the scope afterwards, old ones
    too, or None where nothing was recorded; `unrecorded` why recording failed, after the judging.
    """

    account: Account | None
    reading: Reading
    findings: tuple[Finding, ...]
    standings: tuple[Standing, ...] | None = None
    unrecorded: PostwardenError | None = None


def audit(
    accounts: Sequence[Account],
    sources: Sequence[Source],
    book: RuleBook,
    config: Config,
    recorder: Recorder | None,
    clock: Callable[[], datetime],
) -> Iterator[Audited]:
    """Audits the sources themselves, then each account, and yields each as soon as it is done.

    With a recorder, the intent is in the ledger before the first connection. A ledger that fails after an
    account was judged does not take the verdicts with it: the error comes beside them. Raises SecretError or
    ConfigError before anything is connected to.
    """
    for source in sources:
        source.prepare(accounts)
    names = tuple(source.name for source in sources)
    if recorder is not None:
        scopes = [source_scope(name) for name in names]
        scopes += [account_scope(account.key) for account in accounts]
        recorder.start(scopes, names)
    keeper = _Keeper(recorder) if recorder is not None else None
    for source in sources:
        reading = collect_source(source, acceptance(config, source, clock), keeper)
        yield _conclude(None, reading, book, config, keeper)
    for account in accounts:
        reading = collect_account(account, sources, acceptance(config, account, clock), keeper)
        yield _conclude(account, reading, book, config, keeper)


class _Keeper:
    """Keeps raw evidence in the ledger; after the first failure it keeps nothing more and says why."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.failure: LedgerError | None = None

    def __call__(self, raw: bytes) -> str | None:
        if self.failure is None:
            try:
                return self.recorder.keep(raw)
            except LedgerError as exc:
                self.failure = exc
        return None


def _conclude(
    account: Account | None, reading: Reading, book: RuleBook, config: Config, keeper: _Keeper | None
) -> Audited:
    findings = judge(reading, account, config.domains, book)
    if keeper is None:
        return Audited(account=account, reading=reading, findings=findings)
    try:
        if keeper.failure is not None:
            raise keeper.failure
        keeper.recorder.finish(reading, findings, account=account, rules=book.ids)
    except LedgerError as exc:
        keeper.failure = exc
        return Audited(account=account, reading=reading, findings=findings, unrecorded=exc)
    return Audited(
        account=account,
        reading=reading,
        findings=findings,
        standings=tuple(keeper.recorder.store.findings(reading.scope)),
    )


def acceptance(config: Config, about: Account | Source, clock: Callable[[], datetime]) -> Acceptance:
    """Which gaps of an account, or of a source itself, the administrator accepts today."""
    if isinstance(about, Account):
        names = frozenset({about.key.casefold(), about.login.casefold(), *about.addresses})
    else:
        names = frozenset({about.name.casefold()})

    def accepted(source: str, check: str) -> str | None:
        return config.accepted_reason(source, names, check, clock())

    return accepted
