"""Looking for indicators in the history: what was found, since when, and what could not be looked at."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

from msgspec import Struct

from postwarden.access.visits import visits
from postwarden.config.settings import Config
from postwarden.findings.life import transitions
from postwarden.history.history import History
from postwarden.history.reading import Wanted
from postwarden.history.standing import NOT_LOOKED
from postwarden.history.storing import DAY
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.encoding import encodable, encode
from postwarden.model.evidence import Access
from postwarden.model.finding import Finding
from postwarden.model.indicator import Indicator
from postwarden.model.reading import Observed
from postwarden.model.record import AccountSeen, Envelope, HuntMade, Record
from postwarden.model.scope import Scope, account_scope, source_scope
from postwarden.model.session import Session
from postwarden.pipeline.collect import Part, conclude
from postwarden.pipeline.history_days import day_text
from postwarden.pipeline.judge import RuleBook, judge
from postwarden.pipeline.log_sources import has_log
from postwarden.pipeline.record import MAX_LINE, Recorder

#: The check that a finding of a hunt is of.
HISTORY = "history"
#: Names, indicators, accounts and gaps that a record lists; the others are counted.
MOST = 50
#: Sessions of one hit that visits are counted of: beyond that the number is at least so many.
COUNTED = 10_000
#: Different addresses and clients that a hit tells.
TOLD = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Hit(Struct, frozen=True, kw_only=True):
    """One account, or a name that no directory knows, and one indicator.

    `first` is the first session that was let in (a refused one where there is no other), `last` the time of the latest.
    `visits` counts connections of one client within minutes as one.
    """

    account: Account | None
    name: str
    indicator: Indicator
    first: Session
    last: int
    sessions: int
    visits: int
    refused: int
    addresses: tuple[str, ...]
    clients: tuple[str, ...]

    @property
    def entered(self) -> bool:
        """Whether any session was let in."""
        return self.sessions > 0


class Hunt(Struct, frozen=True, kw_only=True):
    """What a hunt came to. `since` and `until` are those asked for, in milliseconds since 1970; `gaps` are sentences."""

    indicators: tuple[Indicator, ...]
    since: int | None
    until: int | None
    hits: tuple[Hit, ...]
    gaps: tuple[str, ...]


def hunt(
    history: History,
    indicators: Sequence[Indicator],
    accounts: Iterable[Account],
    config: Config,
    *,
    now: int,
    since: int | None = None,
    until: int | None = None,
) -> Hunt:
    """Looks for each indicator in all sessions of that time; times are in milliseconds since 1970."""
    by_name = names_of(accounts)
    hits: list[Hit] = []
    for indicator in indicators:
        found: dict[str, _Sum] = {}
        for session in history.read.sessions(_wanted(indicator, since, until)):
            account = by_name.get(session.name.casefold())
            key = account.key if account is not None else f"\n{session.name.casefold()}"
            found.setdefault(key, _Sum(account, session.name, indicator)).add(session)
        hits += [one.hit() for one in found.values()]
    hits.sort(key=lambda hit: (not hit.entered, hit.first.time))
    return Hunt(
        indicators=tuple(indicators),
        since=since,
        until=until,
        hits=tuple(hits),
        gaps=tuple(_gaps(history, config, now, since, until)),
    )


def names_of(accounts: Iterable[Account]) -> dict[str, Account]:
    """The accounts by each name that a log may have for them, folded; a name of two is nobody's."""
    found: dict[str, Account | None] = {}
    for account in accounts:
        for name in {account.login, *account.addresses, *account.names.values()}:
            folded = name.casefold()
            found[folded] = account if found.get(folded, account) == account else None
    return {name: account for name, account in found.items() if account is not None}


class _Sum:
    """Adds up the sessions of one hit."""

    def __init__(self, account: Account | None, name: str, indicator: Indicator) -> None:
        self._account, self._name, self._indicator = account, name, indicator
        self._first: Session | None = None
        self._last = 0
        self._sessions = self._refused = 0
        self._entered: list[Session] = []
        self._addresses: dict[str, None] = {}
        self._clients: dict[str, None] = {}

    def add(self, session: Session) -> None:
        refused = session.end == "refused"
        self._refused += refused
        self._sessions += not refused
        if not refused and len(self._entered) < COUNTED:
            self._entered.append(session)
        first = self._first
        if first is None or (refused, session.time) < (first.end == "refused", first.time):
            self._first = session
        self._last = max(self._last, session.time)
        for known, value in ((self._addresses, session.address), (self._clients, session.client)):
            if value is not None and len(known) < TOLD:
                known[value] = None

    def hit(self) -> Hit:
        assert self._first is not None
        return Hit(
            account=self._account,
            name=self._name,
            indicator=self._indicator,
            first=self._first,
            last=self._last,
            sessions=self._sessions,
            visits=sum(1 for _ in visits(self._entered)),
            refused=self._refused,
            addresses=tuple(self._addresses),
            clients=tuple(self._clients),
        )


def _wanted(indicator: Indicator, since: int | None, until: int | None) -> Wanted:
    match indicator.kind:
        case "ip" | "network":
            return Wanted(networks=(ip_network(indicator.value),), since=since, until=until)
        case "client":
            return Wanted(client=indicator.value, since=since, until=until)
        case "app":
            return Wanted(application=indicator.value, since=since, until=until)


def _gaps(history: History, config: Config, now: int, since: int | None, until: int | None) -> Iterator[str]:
    """What of that time the history does not have."""
    known = history.read.sources()
    kept = now // DAY - config.history.days
    begins = history.read.first_day()
    if begins is not None and begins < kept and (since is None or since < kept * DAY):
        yield f"lines that came before {day_text(kept)} were removed, as configured"
    for _, entry in config.watched:
        if has_log(entry) and (entry.name not in known or known[entry.name].first is None):
            yield f"{entry.name}: nothing was read from it yet"
    for name, standing in known.items():
        if standing.first is None:
            continue
        if since is not None and since < standing.first:
            yield f"{name}: nothing before {_time(standing.first)}"
        elif since is None:
            yield f"{name}: goes back to {_time(standing.first)}, and not further"
        if standing.looked is None:
            yield f"{name}: nobody has read it to its end yet"
        elif standing.looked < min(until or now, now) - NOT_LOOKED:
            yield f"{name}: nobody has read it since {_time(standing.looked)}"
        for trouble in standing.troubles:
            yield f"{name}: {trouble.message}"
        if standing.unread:
            yield f"{name}: {standing.unread} of {standing.lines} lines were not understood"
        for one in history.read.mishaps(name):
            # It was noticed then; what is lost may be older, and nobody knows by how much.
            if one.lost and (since is None or one.time >= since):
                yield f"{name}: {_time(one.time)}: {one.words}"


def record_hunt(
    recorder: Recorder, made: Hunt, reason: str, book: RuleBook, config: Config, clock: Callable[[], datetime]
) -> tuple[Finding, ...]:
    """Signs who looked for what and why, and opens a finding for each hit that was let in."""
    findings: dict[Scope, list[Finding]] = {}
    now = clock()
    for hit in made.hits:
        if hit.entered:
            for finding in _judged(recorder, hit, book, config, now):
                findings.setdefault(finding.scope, []).append(finding)

    def decide(envelope: Envelope) -> Iterator[Record]:
        yield hunt_made(made, reason, envelope)
        for account in {
            hit.account.key: hit.account for hit in made.hits if hit.account and hit.entered
        }.values():
            if recorder.store.account(account.key) != account:
                yield AccountSeen(**envelope, account=account)
        for scope, judged in findings.items():
            known = {standing.finding.id: standing for standing in recorder.store.findings(scope)}
            # What was found before and not looked for today is as it was.
            yield from transitions(
                judged, known, complete=frozenset(), rules=frozenset(), now=now, envelope=envelope
            )

    recorder.write(decide)
    return tuple(finding for judged in findings.values() for finding in judged)


def _judged(
    recorder: Recorder, hit: Hit, book: RuleBook, config: Config, now: datetime
) -> tuple[Finding, ...]:
    source = hit.first.source
    scope = account_scope(hit.account.key) if hit.account is not None else source_scope(source)
    access = Access(
        scope=scope, source=source, check=HISTORY, observed=moment.utc(now), session=hit.first,
        indicator=hit.indicator.text,
    )  # fmt: skip
    part = Part(source=source, checks=(), items=[Observed(evidence=access, raw=encode(hit.first))])
    reading = conclude(scope, [part], lambda _source, _check: None, recorder.keep)
    return judge(reading, hit.account, config.domains, book)


def hunt_made(made: Hunt, reason: str, envelope: Envelope) -> HuntMade:
    """The record of a hunt, with as many names as a line has room for."""
    for most, characters in ((MOST, 200), (10, 100), (3, 60)):
        record = _hunt_made(made, reason, envelope, most, characters)
        if len(encode(record)) <= MAX_LINE:
            break
    return record


def _hunt_made(made: Hunt, reason: str, envelope: Envelope, most: int, characters: int) -> HuntMade:
    texts = [one.text for one in made.indicators]
    accounts = sorted({hit.account.key for hit in made.hits if hit.account is not None and hit.entered})
    return HuntMade(
        **envelope,
        indicators=tuple((one.kind, one.value[:characters]) for one in made.indicators[:most]),
        more_indicators=max(0, len(made.indicators) - most),
        digest=hashlib.sha256("".join(text + "\n" for text in texts).encode()).hexdigest(),
        since=_time(made.since) if made.since is not None else None,
        until=_time(made.until) if made.until is not None else None,
        sessions=sum(hit.sessions for hit in made.hits),
        accounts=tuple(key[:characters] for key in accounts[:most]),
        more_accounts=max(0, len(accounts) - most),
        gaps=tuple(gap[:characters] for gap in made.gaps[:most]),
        reason=encodable(reason[:1000]),
    )


def _time(milliseconds: int) -> str:
    return moment.text(_EPOCH + timedelta(milliseconds=milliseconds))
