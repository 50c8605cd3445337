"""One audit of some accounts: collect, judge, record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from msgspec.structs import replace

from postwarden.config.settings import Config
from postwarden.connectors import Source, prepare
from postwarden.errors import LedgerError, PostwardenError
from postwarden.findings.life import Standing
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation
from postwarden.model.scope import account_scope, source_scope
from postwarden.pipeline.at_once import read_accounts
from postwarden.pipeline.collect import Acceptance, Part, Reading, collect_source, conclude
from postwarden.pipeline.directory import Listing, check_directories, list_accounts
from postwarden.pipeline.judge import RuleBook, judge
from postwarden.pipeline.record import Conclusion, Recorder


class Audited(Conclusion, frozen=True, kw_only=True):
    """What one audit of one scope gave.

    `findings` are the verdicts of this audit; `standings` all that stands for the scope afterwards, old ones
    too, or None where nothing was recorded; `unrecorded` says why recording failed, after the judging.
    """

    standings: tuple[Standing, ...] | None = None
    unrecorded: PostwardenError | None = None


def audit(
    accounts: Sequence[Account],
    directory: Sequence[Account],
    sources: Sequence[Source],
    book: RuleBook,
    config: Config,
    recorder: Recorder | None,
    clock: Callable[[], datetime],
    listings: Mapping[str, Part] = MappingProxyType({}),
) -> Iterator[Audited]:
    """Audits the sources themselves, then the accounts, and yields each in its turn.

    `directory` has all accounts that are known, audited or not: names elsewhere are looked up in it. `listings`
    say how the sources that have accounts of their own ended in listing them.

    With a recorder, the intent is in the ledger before the first connection. A ledger that fails after an
    account was judged does not take the verdicts with it: the error comes beside them. Raises SecretError or
    ConfigError before anything is connected to.
    """
    prepare(sources, accounts, config)
    names = tuple(source.name for source in sources)
    if recorder is not None:
        scopes = [source_scope(name) for name in names]
        scopes += [account_scope(account.key) for account in accounts]
        recorder.start(scopes, names)
    keeper = _Keeper(recorder) if recorder is not None else None
    listed = names_of(directory)
    for source in sources:
        listing = listings.get(source.name)
        accepted = acceptance(config, source, clock)
        reading = collect_source(source, accepted, keeper, (listing,) if listing is not None else ())
        yield _record(judged(None, reading, listed, book, config), book, keeper)
    for account, parts in read_accounts(accounts, sources):
        reading = conclude(account_scope(account.key), parts, acceptance(config, account, clock), keeper)
        yield _record(judged(account, reading, listed, book, config), book, keeper)


def list_first(
    config: Config, sources: Sequence[Source], configured: Sequence[Account], recorder: Recorder | None
) -> Listing:
    """Every account; where sources list their own, they are asked, with the intent in the ledger before."""
    check_directories(config, sources)
    names = tuple(entry.source for entry in config.accounts.entries)
    if not names:
        return Listing(accounts=tuple(configured), parts={})
    prepare([source for source in sources if source.name in names], (), config)
    if recorder is not None:
        recorder.start([source_scope(name) for name in names], names)
    known = recorder.store.accounts() if recorder is not None else ()
    return list_accounts(config, sources, configured, known)


def judged(
    account: Account | None, reading: Reading, listed: frozenset[str], book: RuleBook, config: Config
) -> Audited:
    """The verdicts on what was read about one scope; `account` is None for scopes that are not accounts."""
    return Audited(
        account=account,
        reading=reading,
        findings=judge(reading, account, config.domains, book),
        unknown_names=_unknown(reading, listed) if account is not None else (),
    )


def names_of(directory: Sequence[Account]) -> frozenset[str]:
    """Every name that the directory has for anybody, case folded."""
    return frozenset(
        name.casefold()
        for account in directory
        for name in (account.login, *account.addresses, *account.names.values())
    )


def _unknown(reading: Reading, listed: frozenset[str]) -> tuple[str, ...]:
    """Users with rights in this account that no directory lists."""
    grantees = {
        item.grantee
        for item in reading.evidence
        if isinstance(item, Delegation) and item.grantee_kind == "user"
    }
    return tuple(sorted(name for name in grantees if name.casefold() not in listed))


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


def _record(audited: Audited, book: RuleBook, keeper: _Keeper | None) -> Audited:
    if keeper is None:
        return audited
    try:
        if keeper.failure is not None:
            raise keeper.failure
        keeper.recorder.finish(
            audited.reading,
            audited.findings,
            account=audited.account,
            unknown=audited.unknown_names,
            rules=book.ids,
        )
    except LedgerError as exc:
        keeper.failure = exc
        return replace(audited, unrecorded=exc)
    return replace(audited, standings=tuple(keeper.recorder.store.findings(audited.reading.scope)))


def acceptance(config: Config, about: Account | Source, clock: Callable[[], datetime]) -> Acceptance:
    """Which gaps of an account, or of a source itself, the administrator accepts today."""
    if isinstance(about, Account):
        names = frozenset({about.key.casefold(), about.login.casefold(), *about.addresses})
    else:
        names = frozenset({about.name.casefold()})

    def accepted(source: str, check: str) -> str | None:
        return config.accepted_reason(source, names, check, clock())

    return accepted
