"""One audit of some accounts: collect, judge, record."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from postwarden.config.settings import Config
from postwarden.connectors import Source, prepare
from postwarden.errors import LedgerError, PostwardenError
from postwarden.grants.names import people
from postwarden.grants.risk import FirstSeenTimes
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation
from postwarden.model.reading import OwnSession
from postwarden.model.scope import account_scope, source_scope
from postwarden.model.standing import Standing
from postwarden.pipeline.at_once import read_accounts
from postwarden.pipeline.collect import Acceptance, Part, Reading, collect_source, conclude
from postwarden.pipeline.directory import Listing, check_directories, list_accounts
from postwarden.pipeline.holdings import changes, first_seen
from postwarden.pipeline.judge import NOTHING_SEEN, RuleBook, judge
from postwarden.pipeline.record import Conclusion, Recorder

#: Scopes that one commit records at most, and how long it may wait for more: a commit costs the same for one.
TOGETHER, GATHER = 64, timedelta(seconds=0.25)


class Everybody(Struct, frozen=True, kw_only=True):
    """What judging one account takes from all of them.

    `listed` are all names that the directory has, `people` those that names of applications are compared with.
    """

    listed: frozenset[str]
    people: frozenset[str]


class Audited(Conclusion, frozen=True, kw_only=True):
    """What one audit of one scope gave.

    `findings` are the verdicts of this audit; `first_seen` says since when the scope's grants are known, and
    `changes` what is different among them since they were last read. `standings` is all that stands for the scope
    afterwards, old ones too, or None where nothing was recorded; `unrecorded` says why recording failed, after the
    judging.
    """

    first_seen: FirstSeenTimes = NOTHING_SEEN
    changes: tuple[str, ...] = ()
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
    everybody = everybody_of(directory)

    def of_each() -> Iterator[Audited]:
        for account, reading in _readings(accounts, sources, config, clock, keeper, listings):
            yield judged(account, reading, everybody, book, config, recorder, clock())

    yield from _recorded(of_each(), book, keeper, clock) if keeper is not None else of_each()


def _readings(
    accounts: Sequence[Account],
    sources: Sequence[Source],
    config: Config,
    clock: Callable[[], datetime],
    keeper: "_Keeper | None",
    listings: Mapping[str, Part],
) -> Iterator[tuple[Account | None, Reading]]:
    """What was read of each source itself, then of each account."""
    for source in sources:
        listing = listings.get(source.name)
        accepted = acceptance(config, source, clock)
        yield None, collect_source(source, accepted, keeper, (listing,) if listing is not None else ())
    for account, parts in read_accounts(accounts, sources, keeper.opened if keeper is not None else None):
        accepted = acceptance(config, account, clock)
        yield account, conclude(account_scope(account.key), parts, accepted, keeper)


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
    account: Account | None,
    reading: Reading,
    everybody: Everybody,
    book: RuleBook,
    config: Config,
    recorder: Recorder | None,
    now: datetime,
) -> Audited:
    """The verdicts on what was read about one scope; `account` is None for scopes that are not accounts.

    What the recorder knows of before says what is new.
    """
    known = recorder.store.held if recorder is not None else None
    seen = first_seen(reading, known, now)
    return Audited(
        account=account,
        reading=reading,
        findings=judge(reading, account, config.domains, book, names=everybody.people, first_seen=seen),
        unknown_names=_unknown(reading, everybody.listed) if account is not None else (),
        first_seen=seen,
    )


def everybody_of(directory: Sequence[Account]) -> Everybody:
    """Every name that the directory has for anybody, case folded, and those of people."""
    return Everybody(
        listed=frozenset(
            name.casefold()
            for account in directory
            for name in (account.login, *account.addresses, *account.names.values())
        ),
        people=people(directory),
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
    """Keeps raw evidence and our sessions in the ledger; after the first failure it keeps nothing more and says why."""

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

    def opened(self, session: OwnSession) -> None:
        """Records a session of ours while it lasts; called in any thread."""
        if self.failure is None:
            try:
                self.recorder.opened([session])
            except LedgerError as exc:
                self.failure = exc


def _recorded(
    audits: Iterator[Audited], book: RuleBook, keeper: _Keeper, clock: Callable[[], datetime]
) -> Iterator[Audited]:
    """The same, recorded: one that was long in coming by itself, those that come quickly together."""
    waiting: list[Audited] = []
    since = clock()
    for audited in audits:
        # What could not be kept is not recorded either; what came before it is.
        waiting.append(replace(audited, unrecorded=keeper.failure) if keeper.failure else audited)
        if len(waiting) == TOGETHER or clock() - since >= GATHER:
            yield from _record(waiting, book, keeper)
            waiting.clear()
            since = clock()
    yield from _record(waiting, book, keeper)


def _record(audits: Sequence[Audited], book: RuleBook, keeper: _Keeper) -> Iterator[Audited]:
    store = keeper.recorder.store
    sound = [one for one in audits if one.unrecorded is None]
    try:
        words = {one.reading.scope: changes(one.reading, store.held) for one in sound}
        if sound:
            keeper.recorder.finish_all(sound, rules=book.ids)
    except LedgerError as exc:
        keeper.failure = exc
        audits = [one if one.unrecorded is not None else replace(one, unrecorded=exc) for one in audits]
    for one in audits:
        if one.unrecorded is not None:
            yield one
        else:
            scope = one.reading.scope
            yield replace(one, changes=words[scope], standings=tuple(store.findings(scope)))


def acceptance(config: Config, about: Account | Source, clock: Callable[[], datetime]) -> Acceptance:
    """Which gaps of an account, or of a source itself, the administrator accepts today."""
    if isinstance(about, Account):
        names = frozenset({about.key.casefold(), about.login.casefold(), *about.addresses})
    else:
        names = frozenset({about.name.casefold()})

    def accepted(source: str, check: str) -> str | None:
        return config.accepted_reason(source, names, check, clock())

    return accepted
