"""What the history says about a log and about an account: evidence and gaps for judging."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from postwarden.access.networks import weaknesses
from postwarden.access.own import match
from postwarden.config.settings import Config
from postwarden.connectors.log_files.source import (
    ACCESS_WINDOWS,
    ADDRESSES,
    LOG_FILES,
    LOG_LINES,
    OWN_SESSIONS,
    PLACES,
    LogFiles,
)
from postwarden.errors import HistoryError, Reason
from postwarden.findings.own_sessions import KEPT, OwnSessions
from postwarden.formats.server_logs import Shows
from postwarden.history.history import History, open_history
from postwarden.history.reading import Wanted
from postwarden.history.standing import NOT_LOOKED, Standing
from postwarden.history.storing import DAY
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.encoding import encode
from postwarden.model.evidence import Access, Change, Setting
from postwarden.model.reading import CheckDone, Gap, Item, NotSupported, Observed, OwnSession
from postwarden.model.scope import Scope, account_scope, source_scope
from postwarden.model.session import Session
from postwarden.pipeline.committing import STORE
from postwarden.pipeline.own_identities import own_identities
from postwarden.pipeline.places import open_networks
from postwarden.pipeline.scored import scored_until

#: How long a mishap of a log is spoken of. What it means for a finding stays until somebody acknowledges it.
SPOKEN_OF = timedelta(days=30)
#: Addresses and mishaps that one audit tells of.
MOST = 10
#: Milliseconds for which sessions of our identity are compared with ours.
COMPARED = (KEPT - timedelta(hours=1)) // timedelta(milliseconds=1)
#: Seconds for which the names in the history are remembered.
REMEMBERED = 60.0

_CURE = (
    "let the log show the client: PROXY protocol (haproxy_trusted_networks) behind a load balancer, login_trusted_networks "
    "and a webmail that forwards the address, the X-Forwarded-For field in IIS; or name it in [networks] own"
)


class _Names(Struct, frozen=True, kw_only=True):
    """The names in the history by their folded form, as read at a time on the steady clock."""

    at: float
    folded: dict[str, tuple[str, ...]]


class HistoryRecall:
    """Fills the port `connectors.log_files.recall`. Threads may share it."""

    def __init__(
        self, state: Path, config: Config, clock: Callable[[], datetime], steady: Callable[[], float]
    ) -> None:
        self._state, self._config, self._clock, self._steady = state, config, clock, steady
        self._names: _Names | None = None
        self._lock = threading.Lock()

    def of_source(self, source: LogFiles) -> Iterator[Item]:
        scope, now = source_scope(source.name), self._clock()
        standing = Standing()
        try:
            with open_history(self._state) as history:
                standing = history.read.sources().get(source.name, standing)
                yield from self._files(source, scope, history, standing, now)
                yield from _lines(source, scope, history, standing, now)
                yield from self._addresses(source, scope, history)
                yield from self._used_by_name(source, scope, history, standing)
        except (HistoryError, sqlite3.Error) as exc:
            for check in (LOG_FILES, LOG_LINES, ADDRESSES):
                hint = exc.hint if isinstance(exc, HistoryError) else "run the command again"
                yield _gap(
                    source, scope, check, "unreachable", f"the history could not be asked: {exc}", hint
                )
        yield from self._places(source, scope)
        yield from self._scored(source, scope, standing)
        yield from self._visible(source, scope, standing)

    def _places(self, source: LogFiles, scope: Scope) -> Iterator[Item]:
        """Without a database an address has no country or network: shown, and not incomplete."""
        networks = open_networks(self._config)
        if networks.country is not None and networks.network is not None:
            yield CheckDone(scope=scope, source=source.name, check=PLACES)
            return
        yield NotSupported(
            scope=scope, source=source.name, check=PLACES, message="; ".join(weaknesses(networks))
        )

    def _scored(self, source: LogFiles, scope: Scope, standing: Standing) -> Iterator[Item]:
        """Whether what came from this log was judged by habits: finally, or at least looked at."""
        try:
            progress = scored_until(self._state)
        except HistoryError as exc:
            yield _gap(source, scope, ACCESS_WINDOWS, "unreachable", str(exc), exc.hint)
            return
        latest = standing.latest
        if latest is not None and (
            progress is None or progress.looked < min(latest, _ms(self._clock())) - NOT_LOOKED
        ):
            since = f"since {_time(progress.looked)}" if progress is not None else "yet"
            yield _gap(
                source, scope, ACCESS_WINDOWS, "unreachable", f"nobody has judged its sessions by habits {since}",
                "run the daemon, or postwarden history read",
            )  # fmt: skip
        yield CheckDone(scope=scope, source=source.name, check=ACCESS_WINDOWS)

    def _used_by_name(
        self, source: LogFiles, scope: Scope, history: History, standing: Standing
    ) -> Iterator[Item]:
        """Sessions in which our identity is the account itself, as a service account is in front of Exchange."""
        identities = own_identities(self._config, source.options.servers).values()
        wanted = {_bare(one) for one in identities if one is not None}
        names = tuple(
            name for known in self._known(history).values() for name in known if _bare(name) in wanted
        )
        ours, since = self._recorded(None, source.options.servers)
        if since is None or not names:
            return
        yield from self._unexplained(
            source, scope, history, standing, ours, Wanted(names=names, since=_ms(since))
        )

    def _unexplained(
        self,
        source: LogFiles,
        scope: Scope,
        history: History,
        standing: Standing,
        ours: Sequence[OwnSession],
        wanted: Wanted,
    ) -> Iterator[Item]:
        """Those of the sessions that no record explains, and that a late line cannot explain any more."""
        now = _ms(self._clock())
        oldest = now - COMPARED
        # Many logs have whole seconds only.
        since = max((wanted.since or 0) // 1000 * 1000, oldest)
        seen = [
            one
            for one in history.read.sessions(
                replace(wanted, since=since, sources=(source.name,), refused=False)
            )
            if one.begun is not None
        ]
        bound = now - _lateness(source, standing)
        for session in match(ours, seen).unexplained:
            if session.time <= bound:
                yield _observed(source, scope, session, self._clock())

    def of_account(self, source: LogFiles, account: Account) -> Iterator[Item]:
        scope = account_scope(account.key)
        done = CheckDone(scope=scope, source=source.name, check=OWN_SESSIONS)
        identities = frozenset(
            one for one in own_identities(self._config, source.options.servers).values() if one is not None
        )
        if not identities:
            yield NotSupported(
                scope=scope, source=source.name, check=OWN_SESSIONS,
                message="no server of ours writes this log, or none that we have an identity of our own at",
            )  # fmt: skip
            return
        if not source.shows().identity:
            yield NotSupported(
                scope=scope, source=source.name, check=OWN_SESSIONS,
                message="the log does not show who logged in as whom (see the source's own gap)",
            )  # fmt: skip
            return
        try:
            with open_history(self._state) as history:
                standing = history.read.sources().get(source.name, Standing())
                names = self._names_of(source, account, history)
                ours, since = self._recorded(account.key, source.options.servers)
                if since is not None and names:
                    wanted = Wanted(names=names, identities=tuple(identities), since=_ms(since))
                    yield from self._unexplained(source, scope, history, standing, ours, wanted)
                yield done
        except (HistoryError, sqlite3.Error) as exc:
            yield _gap(
                source, scope, OWN_SESSIONS, "unreachable", f"the history could not be asked: {exc}",
                exc.hint if isinstance(exc, HistoryError) else "run the command again",
            )  # fmt: skip

    def _files(
        self, source: LogFiles, scope: Scope, history: History, standing: Standing, now: datetime
    ) -> Iterator[Item]:
        milliseconds = _ms(now)
        if standing.looked is None or milliseconds - standing.looked > NOT_LOOKED:
            since = f"since {_time(standing.looked)}" if standing.looked is not None else "yet"
            yield _gap(
                source, scope, LOG_FILES, "unreachable", f"nobody has read this log {since}",
                "run the daemon, or postwarden history read",
            )  # fmt: skip
        for trouble in standing.troubles:
            yield _gap(source, scope, LOG_FILES, trouble.reason, trouble.message, trouble.hint, trouble.path)
        for one in history.read.mishaps(source.name, milliseconds - SPOKEN_OF // timedelta(milliseconds=1)):
            if one.lost:
                yield _gap(
                    source, scope, LOG_FILES, "malformed", f"{_time(one.time)}: {one.words}", _KEEP, one.path
                )
            change = Change(
                scope=scope, source=source.name, check=LOG_FILES, observed=moment.utc(now), happened=_moment(one.time),
                operation=f"log_{one.mishap}", about=one.path, detail=one.words,
            )  # fmt: skip
            yield Observed(evidence=change, raw=f"{one.mishap} {one.path} {one.time}\n{one.words}\n".encode())
        silent = _silence(source, standing, milliseconds)
        setting = Setting(
            scope=scope,
            source=source.name,
            check=LOG_FILES,
            observed=moment.utc(now),
            name="log_silent",
            value=silent,
        )
        yield Observed(evidence=setting, raw=f"log_silent = {silent}\n".encode())
        yield CheckDone(scope=scope, source=source.name, check=LOG_FILES)

    def _addresses(self, source: LogFiles, scope: Scope, history: History) -> Iterator[Item]:
        networks = open_networks(self._config)
        shared = [
            one
            for one in history.read.shared(self._config.history.shared, source.name)
            if (place := networks.locate(one.address)) is None or place.address_class != "own"
        ]
        for one in shared[:MOST]:
            yield _gap(
                source, scope, ADDRESSES, "unsupported",
                f"{one.names} accounts came from {one.address} in one day, with {_clients(one.clients)}: their sessions have a time "
                "and a client, and no place",
                _CURE, one.address,
            )  # fmt: skip
        if len(shared) > MOST:
            yield _gap(
                source,
                scope,
                ADDRESSES,
                "unsupported",
                f"and {len(shared) - MOST} more such addresses",
                _CURE,
            )
        yield CheckDone(scope=scope, source=source.name, check=ADDRESSES)

    def _visible(self, source: LogFiles, scope: Scope, standing: Standing) -> Iterator[Item]:
        """Whether this log can show our own sessions at all."""
        identities = own_identities(self._config, source.options.servers)
        if not identities:
            yield NotSupported(
                scope=scope, source=source.name, check=OWN_SESSIONS,
                message="servers is empty: no session in this log is compared with our own",
            )  # fmt: skip
            return
        shows: Shows = source.shows()
        if None in identities.values():
            own = ", ".join(sorted(name for name, identity in identities.items() if identity is None))
            yield _gap(
                source, scope, OWN_SESSIONS, "unsupported",
                f"{own} is read with each account's own password: nobody can tell our sessions from the owner's",
                "use a master user of your own",
            )  # fmt: skip
        elif not shows.identity:
            yield _gap(
                source, scope, OWN_SESSIONS, "unsupported",
                "the log does not show who logged in as whom: a use of our identity by others cannot be seen", shows.cure,
            )  # fmt: skip
        elif not shows.port:
            yield _gap(
                source, scope, OWN_SESSIONS, "unsupported",
                "the log does not show the client's port: our sessions are told by account and time only, which is weak",
                shows.cure,
            )  # fmt: skip
        elif _lateness(source, standing) >= COMPARED:
            yield _gap(
                source, scope, OWN_SESSIONS, "unsupported",
                f"lines of this log may come {_lateness(source, standing) // DAY} days late, and our sessions are compared for "
                f"{KEPT.days} days: what is not ours cannot be told in time",
                "let the log arrive sooner; where it does, set lateness of the source",
            )  # fmt: skip
        else:
            yield CheckDone(scope=scope, source=source.name, check=OWN_SESSIONS)

    def _names_of(self, source: LogFiles, account: Account, history: History) -> tuple[str, ...]:
        """The account's names as the logs write them."""
        known = self._known(history)
        wanted = {account.login_at(source.name), account.login, *account.addresses, *account.names.values()}
        return tuple(sorted({name for one in wanted for name in known.get(one.casefold(), ())}))

    def _known(self, history: History) -> dict[str, tuple[str, ...]]:
        """The names in the history by their folded form, read once a minute."""
        with self._lock:
            if self._names is None or self._steady() - self._names.at > REMEMBERED:
                folded: dict[str, tuple[str, ...]] = {}
                for name in history.read.names():
                    folded[name.casefold()] = (*folded.get(name.casefold(), ()), name)
                self._names = _Names(at=self._steady(), folded=folded)
            return self._names.folded

    def _recorded(
        self, account: str | None, servers: tuple[str, ...]
    ) -> tuple[list[OwnSession], datetime | None]:
        """The sessions that the ledger has of us, and since when it has any."""
        base = sqlite3.connect(f"{(self._state / STORE).as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            own = OwnSessions(base)
            return list(own.of(account, servers)), own.since()
        finally:
            base.close()


_KEEP = "keep rotated logs until they were read; with logrotate, prefer create to copytruncate"


def _lines(
    source: LogFiles, scope: Scope, history: History, standing: Standing, now: datetime
) -> Iterator[Item]:
    allowed = source.options.unread
    if standing.unread_lately * 1000 > standing.lines_lately * allowed:
        shapes = history.read.unread(source.name, _ms(now) // DAY - 1, 3)
        # The lines themselves stay here: this goes into the ledger for good.
        samples = "; ".join(f"{one.count} of the shape {one.shape!r}" for one in shapes)
        yield _gap(
            source, scope, LOG_LINES, "malformed",
            f"{standing.unread_lately} of the last {standing.lines_lately} lines were not understood: {samples}",
            "look at format and format_options of the source; postwarden history shows the shapes",
        )  # fmt: skip
    if standing.doubtful:
        yield _gap(
            source, scope, LOG_LINES, "malformed",
            f"the times of {standing.doubtful} lines can be meant in two ways; the likelier one was taken",
            "let the log write the year and the zone: log_timestamp in Dovecot, RFC 3339 times in rsyslog",
        )  # fmt: skip
    yield CheckDone(scope=scope, source=source.name, check=LOG_LINES)


def _lateness(source: LogFiles, standing: Standing) -> int:
    """Milliseconds after which a line of this log has come: as configured, or as measured."""
    given = source.options.lateness
    return given * 1000 if given is not None else standing.lateness


def _silence(source: LogFiles, standing: Standing, now: int) -> str:
    if standing.arrived is None:
        return "no line yet"
    if now - max(standing.latest or 0, standing.arrived) > source.options.silent_after * 3_600_000:
        return f"no line since {_time(standing.arrived)}"
    return "none"


def _observed(source: LogFiles, scope: Scope, session: Session, now: datetime) -> Observed:
    access = Access(
        scope=scope,
        source=source.name,
        check=OWN_SESSIONS,
        observed=moment.utc(now),
        session=session,
        own="unexplained",
    )
    return Observed(evidence=access, raw=encode(session))


def _gap(
    source: LogFiles,
    scope: Scope,
    check: str,
    reason: Reason,
    message: str,
    hint: str | None,
    part: str | None = None,
) -> Gap:
    return Gap(
        scope=scope, source=source.name, check=check, reason=reason, message=message, part=part, hint=hint
    )


def _clients(count: int) -> str:
    return f"{count} different clients" if count > 1 else "clients that the log does not tell"


def _bare(name: str) -> str:
    """A log-in without its domain, folded."""
    return name.casefold().rpartition("\\")[2].partition("@")[0]


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC)


def _time(milliseconds: int) -> str:
    return moment.text(_moment(milliseconds))
