"""Stage three: what was read and judged goes into the ledger, decided under its lock."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from postwarden.errors import LedgerError
from postwarden.findings.life import transitions
from postwarden.findings.sweeps import Sweeps
from postwarden.ledger.checkpoint import Position
from postwarden.ledger.creation import create
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
    Before,
    ConfigurationChanged,
    Envelope,
    FindingAcknowledged,
    LedgerOpened,
    Record,
    SessionsOpened,
    SweepStarted,
)
from postwarden.model.scope import Scope
from postwarden.model.standing import Standing
from postwarden.pipeline.collect import MAX_GAPS, Reading
from postwarden.pipeline.committing import Committer, Keys, line
from postwarden.pipeline.holdings import grant_records

#: Bytes of a line that we fill; the ledger takes 65,535.
MAX_LINE = 60_000
#: Unknown names that one record lists.
MAX_NAMES = 100
MAX_NAME_BYTES = 8_000

#: Sessions that one record names.
MAX_SESSIONS = 100

_RECORD = msgspec.json.Decoder(AnyRecord)


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


class Recorder(Committer):
    """Writes what was read and judged, one run's records."""

    def configuration(self, raw: bytes, rules: str) -> None:
        """Records which configuration and rules are in force, where they are not the last ones recorded."""
        blob = self.keep(raw)

        def decide(_: Position) -> list[Record]:
            last = self.store.configuration()
            if last is not None and (last.configuration, last.rules) == (blob, rules):
                return []
            return [ConfigurationChanged(**self.envelope(), configuration=blob, rules=rules)]

        self.commit(decide)

    def start(self, scopes: Sequence[Scope], sources: Sequence[str]) -> None:
        """Records the intent, before anything is connected to."""
        self.commit(
            lambda _: [
                AuditStarted(**self.envelope(), scope=scope, sources=tuple(sources)) for scope in scopes
            ]
        )

    def start_sweep(self, intents: Mapping[tuple[str, ...], Sequence[Scope]]) -> None:
        """The same for many scopes at once, by their sources."""
        records = [self._intent(tuple(scopes), sources) for sources, scopes in intents.items()]
        self.commit(lambda _: records)

    def _intent(self, scopes: tuple[Scope, ...], sources: tuple[str, ...]) -> SweepStarted:
        """A record that names who is to be audited, or where they are many, the blob that does: it can be erased."""
        record = SweepStarted(**self.envelope(), count=len(scopes), scopes=scopes, sources=sources)
        if len(scopes) <= MAX_NAMES and len(encode(record)) <= MAX_LINE:
            return record
        return replace(record, scopes=(), listed=self.keep(encode(scopes)))

    def opened(self, sessions: Sequence[OwnSession]) -> None:
        """Records sessions that were just opened, if there are any; may be called in any thread."""
        if not sessions:
            return
        self.commit(
            lambda _: [
                SessionsOpened(**self.envelope(), sessions=tuple(sessions[index : index + MAX_SESSIONS]))
                for index in range(0, len(sessions), MAX_SESSIONS)
            ]
        )

    def finish_all(self, conclusions: Sequence[Conclusion], *, rules: frozenset[str]) -> None:
        """Records coverage, evidence and what the verdicts mean for findings, for scopes of which no two are the same.

        It is one commit.
        """
        self.commit(lambda _: [record for one in conclusions for record in self._records_of(one, rules)])
        self.refresh()

    def _records_of(self, one: Conclusion, rules: frozenset[str]) -> Iterator[Record]:
        common = self.envelope()
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

        self.commit(decide)

    def write(self, decide: Callable[[Envelope], Iterable[Record]]) -> None:
        """Records what `decide` says, which is asked under the ledger's lock."""
        self.commit(lambda _: decide(self.envelope()))
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
                    **self.envelope(),
                    id=standing.finding.id,
                    reason=reason,
                    until=moment.text(until) if until else None,
                )
            ]

        self.commit(decide)
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


def create_ledger(
    state: Path,
    *,
    origin: str,
    run: str,
    actor: str,
    agent: str,
    now: datetime,
    before: Before | None = None,
    reason: str = "",
    keys: Keys | None = None,
) -> str:
    """Creates the ledger in the state folder, with its first record; returns the verifier key.

    `before` is the ledger that it goes on for, `reason` why.
    """
    time = moment.text(now)
    keys = keys or Keys()

    def first(verifier_key: str) -> bytes:
        return line(
            LedgerOpened(
                time=time,
                run=run,
                actor=actor,
                agent=agent,
                origin=origin,
                verifier_key=verifier_key,
                before=before,
                reason=reason,
            )
        )

    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise LedgerError(
            f"the state folder {state} cannot be made: {exc.strerror}", "set [state] folder"
        ) from exc
    made = create(
        state / "ledger",
        state / "private",
        origin=origin,
        time=time,
        first=first,
        unlock=keys.unlock,
        second=keys.second,
    )
    return made.verifier_key
