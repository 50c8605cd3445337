"""Stage three: what was read and judged goes into the ledger, decided under its lock."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden import errors
from postwarden.errors import LedgerError
from postwarden.findings.life import transitions
from postwarden.findings.store import StateStore
from postwarden.findings.sweeps import Sweeps
from postwarden.ledger.creation import create
from postwarden.ledger.store import Edge, Ledger, Position, Quarantined, Unwritten, open_ledger
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.encoding import encode
from postwarden.model.finding import Finding
from postwarden.model.reading import OwnSession
from postwarden.model.record import (
    AccountSeen,
    AnyRecord,
    AuditFinished,
    AuditStarted,
    ConfigurationChanged,
    Envelope,
    FindingAcknowledged,
    LedgerFull,
    LedgerOpened,
    Record,
    Recovery,
    SessionsOpened,
    SweepStarted,
)
from postwarden.model.scope import Scope
from postwarden.model.standing import Standing
from postwarden.pipeline.collect import MAX_GAPS, Reading
from postwarden.pipeline.holdings import grant_records

STORE = "state.sqlite"

#: Bytes of a line that we fill; the ledger takes 65,535.
MAX_LINE = 60_000
#: Unknown names that one record lists.
MAX_NAMES = 100
MAX_NAME_BYTES = 8_000

#: Characters of an error that a record tells.
MAX_ERROR = 500

#: Sessions that one record names.
MAX_SESSIONS = 100

_RECORD = msgspec.json.Decoder(AnyRecord)


def line(record: Record) -> bytes:
    """The record as the ledger keeps it; what is signed is first decoded and compared."""
    encoded = encode(record)
    if _RECORD.decode(encoded) != record:
        raise AssertionError(f"a {type(record).__name__} does not survive its encoding")
    return encoded


def _fitted(record: AuditFinished) -> AuditFinished:
    """The record with as many gaps for each check as fit into a line; the others are counted."""
    for most in (MAX_GAPS, 5, 1, 0):
        coverage = tuple(
            replace(row, gaps=row.gaps[:most], more_gaps=row.more_gaps + max(0, len(row.gaps) - most))
            for row in record.coverage
        )
        fitted = replace(record, coverage=coverage)
        if len(encode(fitted)) <= MAX_LINE:
            break
    return fitted


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """As many unknown names as a record has room for; whoever grants rights chooses them."""
    for most, characters in ((MAX_NAMES, 64), (10, 64), (3, 20)):
        told = tuple(name[:characters] for name in names[:most])
        if len(encode(told)) <= MAX_NAME_BYTES:
            break
    return told


class Conclusion(Struct, frozen=True, kw_only=True):
    """What one scope came to, ready to be recorded.

    `unknown_names` have rights in the account and belong to nobody that the directory lists.
    """

    account: Account | None
    reading: Reading
    findings: tuple[Finding, ...]
    unknown_names: tuple[str, ...] = ()


class Recorder:
    """Writes one run's records. `clock` gives the time of each commit, which waits `wait` seconds for its turn.

    `progress` is called with the number of records read, where all of a long ledger must be read to open it.
    """

    def __init__(
        self,
        state: Path,
        *,
        run: str,
        actor: str,
        agent: str,
        clock: Callable[[], datetime],
        wait: float = 10.0,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._wait = wait
        # Sessions are recorded by the threads that open them, everything else by one thread.
        self._alone = threading.RLock()
        self._ledger: Ledger = open_ledger(
            state / "ledger", state / "private", hint=self._hint, progress=progress
        )
        self._path = state / STORE
        self._run, self._actor, self._agent, self._clock = run, actor, agent, clock
        self._known: StateStore | None = None
        self._new_blobs: dict[bytes, str] = {}
        self.refresh()

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def store(self) -> StateStore:
        assert self._known is not None
        return self._known

    def refresh(self) -> None:
        """Brings the state store up to the ledger."""
        self._commit(lambda _: [])

    def rebuild(self) -> None:
        """Makes the state store anew from the ledger."""

        def decide(_: Position) -> list[bytes]:
            self.store.rebuild()
            return []

        with self._alone:
            self._ledger.commit(decide, recovered=self._recovered, full=self._full)
        self.refresh()

    def keep(self, raw: bytes) -> str:
        """The name of the blob that keeps `raw`; an unchanged state reuses its blob."""
        with self._alone:
            known = self._new_blobs.get(raw) or self.store.blob_of(raw)
            if known is not None and self._ledger.has_blob(known):
                return known
            try:
                name = self._ledger.put_blob(raw)
            except errors.LedgerFull as exc:
                self._tell_full(exc, len(raw))
                raise
            self._new_blobs[raw] = name
            return name

    def configuration(self, raw: bytes, rules: str) -> None:
        """Records which configuration and rules are in force, where they are not the last ones recorded."""
        blob = self.keep(raw)

        def decide(_: Position) -> list[Record]:
            last = self.store.configuration()
            if last is not None and (last.configuration, last.rules) == (blob, rules):
                return []
            return [ConfigurationChanged(**self._common(), configuration=blob, rules=rules)]

        self._commit(decide)

    def start(self, scopes: Sequence[Scope], sources: Sequence[str]) -> None:
        """Records the intent, before anything is connected to."""
        self._commit(
            lambda _: [
                AuditStarted(**self._common(), scope=scope, sources=tuple(sources)) for scope in scopes
            ]
        )

    def start_sweep(self, intents: Mapping[tuple[str, ...], Sequence[Scope]]) -> None:
        """The same for many scopes at once, by their sources."""
        self._commit(
            lambda _: [
                record
                for sources, scopes in intents.items()
                for record in self._intents(tuple(scopes), sources)
            ]
        )

    def _intents(self, scopes: tuple[Scope, ...], sources: tuple[str, ...]) -> Iterator[SweepStarted]:
        record = SweepStarted(**self._common(), scopes=scopes, sources=sources)
        if len(scopes) > 1 and len(encode(record)) > MAX_LINE:
            middle = len(scopes) // 2
            yield from self._intents(scopes[:middle], sources)
            yield from self._intents(scopes[middle:], sources)
        else:
            yield record

    def opened(self, sessions: Sequence[OwnSession]) -> None:
        """Records sessions that were just opened, if there are any; may be called in any thread."""
        if not sessions:
            return
        self._commit(
            lambda _: [
                SessionsOpened(**self._common(), sessions=tuple(sessions[index : index + MAX_SESSIONS]))
                for index in range(0, len(sessions), MAX_SESSIONS)
            ]
        )

    def finish_all(self, conclusions: Sequence[Conclusion], *, rules: frozenset[str]) -> None:
        """Records coverage, evidence and what the verdicts mean for findings, for scopes of which no two are the same.

        It is one commit.
        """
        self._commit(lambda _: [record for one in conclusions for record in self._records_of(one, rules)])
        self.refresh()

    def _records_of(self, one: Conclusion, rules: frozenset[str]) -> Iterator[Record]:
        common = self._common()
        scope = one.reading.scope
        if one.account is not None and self.store.account(one.account.key) != one.account:
            yield AccountSeen(**common, account=one.account)
        yield _fitted(
            AuditFinished(
                **common,
                scope=scope,
                coverage=one.reading.coverage,
                sessions=one.reading.sessions,
                unknown_names=_named(one.unknown_names),
            )
        )
        yield from grant_records(one.reading, self.store.held, common)
        known = {standing.finding.id: standing for standing in self.store.findings(scope)}
        yield from transitions(
            one.findings,
            known,
            complete=one.reading.complete,
            rules=rules,
            now=self._clock(),
            envelope=common,
        )

    def change_sweeps(self, change: Callable[[Sweeps], None]) -> None:
        """Changes what is planned in the state store, under the ledger's lock."""

        def decide(_: Position) -> list[Record]:
            self.store.change_sweeps(change)
            return []

        self._commit(decide)

    def write(self, decide: Callable[[Envelope], Iterable[Record]]) -> None:
        """Records what `decide` says, which is asked under the ledger's lock."""
        self._commit(lambda _: decide(self._common()))
        self.refresh()

    def read(self, index: int) -> AnyRecord:
        """The record with this index; raises LedgerError where it cannot be decoded."""
        _, raw = next(self._ledger.records(index, index + 1))
        try:
            record: AnyRecord = _RECORD.decode(raw)
        except msgspec.DecodeError as exc:
            raise LedgerError(f"record {index} is not one that this postwarden knows: {exc}") from exc
        return record

    def acknowledge(self, prefix: str, *, reason: str, until: datetime | None) -> Standing:
        """Silences one finding.

        Raises LedgerError where the prefix names none or several, a resolved one, or one that was answered not to be the
        owner's.
        """

        def decide(_: Position) -> list[Record]:
            standing = self.one(prefix)
            if standing.status == "resolved":
                raise LedgerError(
                    f"the finding {standing.finding.id} is resolved", "only open findings are acknowledged"
                )
            if standing.answer is not None and standing.answer.verdict == "not_mine":
                raise LedgerError(
                    f"the finding {standing.finding.id} was answered: not mine, by {standing.answer.by}",
                    "no acknowledgement undoes that; the window stays until the case is over, and its sessions stay unlearnt",
                )
            return [
                FindingAcknowledged(
                    **self._common(),
                    id=standing.finding.id,
                    reason=reason,
                    until=moment.text(until) if until else None,
                )
            ]

        self._commit(decide)
        self.refresh()
        return self.one(prefix)

    def one(self, prefix: str) -> Standing:
        """The finding whose id starts with `prefix`."""
        found = self.store.finding(prefix) if prefix else []
        if len(found) != 1:
            raise LedgerError(
                f"{len(found) or 'no'} findings have an id that starts with {prefix!r}",
                "postwarden findings list --all shows the ids",
            )
        return found[0]

    def close(self) -> None:
        if self._known is not None:
            self._known.close()

    def _common(self) -> Envelope:
        return {
            "time": moment.text(self._clock()),
            "run": self._run,
            "actor": self._actor,
            "agent": self._agent,
        }

    def _commit(self, decide: Callable[[Position], Iterable[Record]]) -> None:
        with self._alone:
            self._commit_alone(decide)

    def _commit_alone(self, decide: Callable[[Position], Iterable[Record]]) -> None:
        def under_lock(position: Position) -> list[bytes]:
            known = self._open_store()
            known.catch_up(
                position.size,
                position.root,
                lambda start: self._ledger.records(start, position.size),
                self._ledger.blobs,
            )
            known.remember_blobs(self._new_blobs.items())
            known.remember_edge(self._ledger.boundary.size, self._ledger.boundary.peaks)
            self._new_blobs.clear()
            return [line(record) for record in decide(position)]

        try:
            self._ledger.commit(under_lock, recovered=self._recovered, full=self._full, wait=self._wait)
        except errors.LedgerFull as exc:
            self._tell_full(exc, 0)  # of its own records the ledger has told; the state store may be meant
            raise

    def _tell_full(self, failure: errors.LedgerFull, length: int) -> None:
        """Records that something beside the records, of so many bytes, found no room; once while it is so."""
        unwritten = Unwritten(0, length, failure.message)
        self._ledger.record_full(self._full, unwritten, recovered=self._recovered, wait=self._wait)

    def _open_store(self) -> StateStore:
        """The state store, opened by the first commit: the ledger's lock is held."""
        if self._known is None:
            self._known = StateStore(self._path)
        return self._known

    def _hint(self) -> Edge | None:
        """Where the ledger's last full segment ended when it was last written to, as the state store remembers."""
        edge = self._open_store().edge()
        return Edge(edge[0], 0, edge[1]) if edge else None

    def _full(self, unwritten: Unwritten) -> bytes:
        return line(
            LedgerFull(
                **self._common(),
                records=unwritten.count,
                length=unwritten.length,
                error=unwritten.why[:MAX_ERROR],
            )
        )

    def _recovered(self, tail: Quarantined) -> bytes:
        return line(
            Recovery(
                **self._common(),
                file=tail.name,
                segment=tail.segment,
                offset=tail.offset,
                length=tail.length,
                digest=tail.digest,
            )
        )


def create_ledger(state: Path, *, origin: str, run: str, actor: str, agent: str, now: datetime) -> str:
    """Creates the ledger in the state folder, with its first record; returns the verifier key."""
    time = moment.text(now)

    def first(verifier_key: str) -> bytes:
        return line(
            LedgerOpened(
                time=time, run=run, actor=actor, agent=agent, origin=origin, verifier_key=verifier_key
            )
        )

    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise LedgerError(
            f"the state folder {state} cannot be made: {exc.strerror}", "set [state] folder"
        ) from exc
    made = create(state / "ledger", state / "private", origin=origin, time=time, first=first)
    return made.verifier_key
