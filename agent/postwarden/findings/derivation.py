"""From the ledger's records to what the state store knows: each record, in order, changes what is derived from it."""

import sqlite3
from collections.abc import Callable

import msgspec

from postwarden.errors import LedgerError, LedgerUnsound
from postwarden.findings.carried import restore
from postwarden.findings.delivered import Delivered
from postwarden.findings.held import Held
from postwarden.findings.own_sessions import OwnSessions
from postwarden.findings.sweeps import Sweeps
from postwarden.model import moment
from postwarden.model.record import (
    AccountSeen,
    AnyRecord,
    AuditFinished,
    BlobsErased,
    BlobsKept,
    ConfigurationChanged,
    FindingAcknowledged,
    FindingAnswered,
    FindingChanged,
    FindingOpened,
    FindingReopened,
    FindingResolved,
    GrantsChanged,
    HistoryDay,
    HistoryPruned,
    Notified,
    RecordsPruned,
    SessionsOpened,
    StateCarried,
)
from postwarden.model.standing import Acknowledgement, GivenAnswer, Standing

#: Gives the content of a blob, `None` where it is not there.
ContentOf = Callable[[str], bytes | None]

_RECORD = msgspec.json.Decoder(AnyRecord)
_STANDING = msgspec.json.Decoder(Standing)


def is_named(base: sqlite3.Connection, blob: str) -> bool:
    """Whether a record names this blob, and none says that it was erased."""
    found = base.execute("SELECT 1 FROM named_blob WHERE name = ?", (bytes.fromhex(blob),))
    return found.fetchone() is not None


class Derivation:
    """Takes in records, in the order of the ledger and in one transaction of `base`.

    `first` is the first record that is there, where those before it were removed and nothing is known of them: what
    they came to is in the records that say so.
    """

    def __init__(self, base: sqlite3.Connection, content_of: ContentOf, first: int | None) -> None:
        self._base, self._content_of, self._first = base, content_of, first
        #: Whose carried parts are taken in.
        self._restoring: int | None = None
        self._missing: set[str] = set()
        self._sweeps = Sweeps(base)
        self._delivered = Delivered(base)
        self._held = Held(base)
        self._own_sessions = OwnSessions(base)
        self._interval = self._sweeps.interval

    def take(self, index: int, line: bytes) -> None:
        """The next record; LedgerError where it is none that this version knows."""
        try:
            record = _RECORD.decode(line)
            time = moment.parse(record.time)
        except (msgspec.DecodeError, ValueError) as exc:
            raise LedgerError(
                f"record {index} is not one that this postwarden knows: {exc}",
                "use the version that wrote it, and run postwarden verify",
            ) from exc
        if self._first is not None:
            # What it came to is in the parts behind the record that says who removed those before it.
            if isinstance(record, RecordsPruned) and record.stop == self._first:
                self._restoring, self._first = record.stop, None
            return
        match record:
            case StateCarried(stop=stop) if stop in {0, self._restoring}:
                # 0: of a ledger that this one goes on for.
                if record.listed is not None and self._content_of(record.listed) is None:
                    self._missing.add(record.listed)
                restore(self._base, record, self._interval, self._content_of)
            case FindingOpened(finding=finding):
                self._put(Standing(finding=finding, status="open", first_seen=time, since=time), index)
            case FindingChanged(finding=finding):
                self._put(msgspec.structs.replace(self._get(finding.id, index), finding=finding), index)
            case FindingResolved(id=key):
                self._put(
                    msgspec.structs.replace(
                        self._get(key, index), status="resolved", since=time, acknowledgement=None
                    ),
                    index,
                )
            case FindingReopened(id=key):
                self._put(
                    msgspec.structs.replace(
                        self._get(key, index), status="open", since=time, acknowledgement=None
                    ),
                    index,
                )
            case FindingAcknowledged(id=key, reason=reason, until=until, actor=actor):
                given = Acknowledgement(
                    actor=actor, reason=reason, time=time, until=moment.parse(until) if until else None
                )
                self._put(
                    msgspec.structs.replace(
                        self._get(key, index), status="acknowledged", since=time, acknowledgement=given
                    ),
                    index,
                )
            case FindingAnswered():
                self._answered(record, index)
            case BlobsKept(blobs=names):
                self._base.executemany(
                    "INSERT OR IGNORE INTO named_blob VALUES (?)", ((bytes.fromhex(name),) for name in names)
                )
            case BlobsErased(blobs=names):
                self._base.executemany(
                    "DELETE FROM named_blob WHERE name = ?", ((bytes.fromhex(name),) for name in names)
                )
            case AccountSeen(account=account):
                self._base.execute(
                    "INSERT OR REPLACE INTO account VALUES (?, ?)",
                    (account.key, msgspec.json.encode(account)),
                )
            case SessionsOpened(sessions=sessions):
                self._own_sessions.add(sessions)
            case AuditFinished():
                self._sweeps.apply(record, time, self._interval)
                self._own_sessions.add(record.sessions)
            case GrantsChanged():
                self._held.apply(record, time)
            case Notified():
                self._delivered.apply(record)
            case HistoryDay(day=day):
                self._base.execute(
                    "INSERT OR REPLACE INTO history_day VALUES (?, ?)", (day, msgspec.json.encode(record))
                )
            case HistoryPruned(before=before):
                self._base.execute("INSERT INTO history_pruned VALUES (?)", (before,))
            case ConfigurationChanged():
                self._base.execute("DELETE FROM configuration")
                self._base.execute("INSERT INTO configuration VALUES (?)", (msgspec.json.encode(record),))
            case _:
                # The other kinds say what happened and leave nothing to look up here.
                return

    def close(self) -> None:
        """All records were taken; LedgerUnsound where something that they rest on is missing."""
        if self._first is not None:
            raise LedgerUnsound(
                f"the records before {self._first} are not there, and no record says who removed them",
                "run postwarden verify, and keep what is there as evidence",
            )
        for blob in self._missing:
            # What one carried is forgotten only where a record says that it was erased.
            if is_named(self._base, blob):
                raise LedgerUnsound(
                    f"the blob {blob}, which carries what removed records came to, is missing",
                    "run postwarden verify, and restore the ledger from a backup",
                )

    def _answered(self, record: FindingAnswered, index: int) -> None:
        standing = self._get(record.id, index)
        if record.worthless is None:
            given = GivenAnswer(
                verdict=record.verdict,
                by=record.by,
                channel=record.channel,
                actor=record.actor,
                time=moment.parse(record.time),
                until=moment.parse(record.until) if record.until else None,
            )
            standing = msgspec.structs.replace(standing, answer=given)
            self._base.execute("INSERT INTO answer VALUES (?, ?)", (index, msgspec.json.encode(record)))
        self._put(standing, index)

    def _get(self, key: str, index: int) -> Standing:
        row = self._base.execute("SELECT standing FROM finding WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise LedgerError(f"record {index} is about the finding {key}, which no record opened")
        standing: Standing = _STANDING.decode(row[0])
        return standing

    def _put(self, standing: Standing, index: int) -> None:
        finding = standing.finding
        self._base.execute(
            "INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?)",
            (
                finding.id,
                finding.scope.kind,
                finding.scope.key,
                standing.status,
                msgspec.json.encode(standing),
            ),
        )
        self._base.execute("INSERT OR IGNORE INTO history VALUES (?, ?)", (finding.id, index))
