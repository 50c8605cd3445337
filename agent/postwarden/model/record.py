"""The ledger's records: one JSON object a line, told apart by `kind`, all with the same envelope."""

from typing import Literal, TypedDict

from msgspec import Struct

from postwarden.model.account import Account
from postwarden.model.finding import Fact, Finding
from postwarden.model.moment import Moment
from postwarden.model.reading import Coverage, OwnSession
from postwarden.model.scope import Scope
from postwarden.model.standing import Standing
from postwarden.model.window import Verdict


class Envelope(TypedDict):
    """What a run writes into every record of its own."""

    time: str
    run: str
    actor: str
    agent: str


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """The envelope: format version, time (see `moment.text`), run, who asked for it, which agent wrote it."""

    v: int = 1
    time: str
    run: str
    actor: str
    agent: str


class Before(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ledger that ended, and that another one goes on for: its name, its size and root (base64) at the end, its first
    verifier key, and the folder that it lay in. Its key has not signed this.
    """

    origin: str
    size: int
    root: str
    verifier_key: str
    folder: str


class LedgerOpened(Record, frozen=True, kw_only=True, tag="ledger_opened"):
    """`before` is the ledger that this one goes on for, where there was one, and `reason` why it could not go on itself."""

    origin: str
    verifier_key: str
    before: Before | None = None
    reason: str = ""


class KeyEpoch(Record, frozen=True, kw_only=True, tag="key_epoch"):
    """The last record of an epoch: `verifier_key` signs from here on, as the certificate of `epoch` says."""

    epoch: int
    verifier_key: str
    reason: str


class BlobsKept(Record, frozen=True, kw_only=True, tag="blobs_kept"):
    """The blobs that are new with this commit: from here on each must be there, or be erased by a record."""

    blobs: tuple[str, ...]


class BlobsErased(Record, frozen=True, kw_only=True, tag="blobs_erased"):
    """Somebody had these blobs erased: their names still stand for what they were, and nobody can read it any more."""

    blobs: tuple[str, ...]
    reason: str


class RecordsPruned(Record, frozen=True, kw_only=True, tag="records_pruned"):
    """The records before `stop` are removed after this, their hashes stay; all were older than `before_time`.

    What they came to follows in `state_carried` records with the same `stop`. `before` is what the first record said.
    """

    stop: int
    before_time: str
    before: Before | None = None
    reason: str


class ConfigurationChanged(Record, frozen=True, kw_only=True, tag="configuration_changed"):
    """`configuration` names the blob with agent.toml; `rules` maps rule stems to SHA-256 digests in one digest."""

    configuration: str
    rules: str


class AccountSeen(Record, frozen=True, kw_only=True, tag="account_seen"):
    """First sight of an account, or a change of its names."""

    account: Account


class AuditStarted(Record, frozen=True, kw_only=True, tag="audit_started"):
    """Written before the first connection: from here on, sessions of ours may be found in logs."""

    scope: Scope
    sources: tuple[str, ...]


class SweepStarted(Record, frozen=True, kw_only=True, tag="sweep_started"):
    """The daemon's intent to audit all of these at these sources: the same as `audit_started` for each.

    A list of many names is in the blob `listed`, as the JSON of `scopes`, and `scopes` is empty; `count` is how many.
    """

    count: int
    scopes: tuple[Scope, ...] = ()
    listed: str | None = None
    sources: tuple[str, ...]


class SessionsOpened(Record, frozen=True, kw_only=True, tag="sessions_opened"):
    """Sessions that we just opened, written while they last: in logs they are told from a stranger's by this."""

    sessions: tuple[OwnSession, ...]


class AuditFinished(Record, frozen=True, kw_only=True, tag="audit_finished"):
    """What was read, what was not, what the evidence was, and which sessions were ours.

    `unknown_names` have rights to the account and belong to no account that a directory lists.
    """

    scope: Scope
    coverage: tuple[Coverage, ...]
    sessions: tuple[OwnSession, ...] = ()
    unknown_names: tuple[str, ...] = ()


class HeldGrant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grant as it was when it was read: its key (see `evidence.Grant`), its application's name, and what it allows."""

    key: tuple[str, str, str, str]
    name: str
    facts: tuple[Fact, ...] = ()


class GrantsChanged(Record, frozen=True, kw_only=True, tag="grants_changed"):
    """What is new, different or gone among the grants of a scope since they were last read.

    `check` of `source` gave them. Until `complete` was true once, what is `added` may have been there long before
    we looked. `changed` holds them as they are now, `words` says what happened to whom.
    """

    scope: Scope
    source: str
    check: str
    complete: bool
    added: tuple[HeldGrant, ...] = ()
    changed: tuple[HeldGrant, ...] = ()
    removed: tuple[tuple[str, str, str, str], ...] = ()
    words: tuple[str, ...] = ()


class FindingOpened(Record, frozen=True, kw_only=True, tag="finding_opened"):
    finding: Finding


class FindingChanged(Record, frozen=True, kw_only=True, tag="finding_changed"):
    """`changes` says in words what is different."""

    finding: Finding
    changes: tuple[str, ...]


class FindingResolved(Record, frozen=True, kw_only=True, tag="finding_resolved"):
    id: str
    reason: str


class FindingAcknowledged(Record, frozen=True, kw_only=True, tag="finding_acknowledged"):
    """`until` is a time as `moment.text` writes it, or None for no end."""

    id: str
    reason: str
    until: str | None = None


class FindingReopened(Record, frozen=True, kw_only=True, tag="finding_reopened"):
    id: str
    reason: str


class FindingAnswered(Record, frozen=True, kw_only=True, tag="finding_answered"):
    """What somebody said of an access window: that its sessions were the owner's, or that they were not.

    `scope` and `subject` say whose window and which. `by` is who said so, `channel` how, in the words of the caller.
    `sessions` is how many sessions the window had, and `cited` names the blobs that list them: it was of these that somebody
    spoke, and no later ones. `until` is when the answer ends, None where it does not. `worthless` says why it counts for
    nothing, None where it counts. What follows for the finding is in records of their own.
    """

    id: str
    scope: Scope
    subject: str
    verdict: Verdict
    by: str
    channel: str
    reason: str = ""
    worthless: str | None = None
    until: str | None = None
    sessions: int
    cited: tuple[str, ...] = ()


class Notified(Record, frozen=True, kw_only=True, tag="notified"):
    """What became of telling others: `records` are those whose changes were sent, or could not be.

    `began` says that the notifier was new, and that only what comes after these records is for it. `message` says
    why sending failed.
    """

    notifier: str
    records: tuple[int, ...]
    outcome: Literal["began", "delivered", "failed"]
    message: str = ""


class HistoryDay(Record, frozen=True, kw_only=True, tag="history_day"):
    """A day of arrival is closed: what came on it into the history, and the digest of that (see `history.days`).

    `day` is written YYYY-MM-DD, in UTC; `counts` are rows by table; `first` and `latest` are the earliest and latest time
    of what they tell, None where nothing came.
    """

    day: str
    counts: dict[str, int]
    digest: str
    first: str | None = None
    latest: str | None = None


class HistoryPruned(Record, frozen=True, kw_only=True, tag="history_pruned"):
    """The rows that came before this day were removed from the history, as configured; their digests stay in the ledger."""

    before: str
    counts: dict[str, int]


class HuntMade(Record, frozen=True, kw_only=True, tag="hunt_made"):
    """Somebody looked in the history for indicators, or the daemon did (`reason` says so).

    `indicators` are the kinds and values (the first ones; `more_indicators` counts the rest), `digest` is SHA-256 over
    all of them, a line each. `since` and `until` bound the time of the sessions. `sessions` were found in `accounts`; `gaps` say
    what of that time was not read.
    """

    indicators: tuple[tuple[str, str], ...]
    more_indicators: int = 0
    digest: str
    since: str | None = None
    until: str | None = None
    sessions: int
    accounts: tuple[str, ...] = ()
    more_accounts: int = 0
    gaps: tuple[str, ...] = ()
    reason: str


class HistoryExported(Record, frozen=True, kw_only=True, tag="history_exported"):
    """Sessions or transfers of the history were handed out: of which accounts (none: all) and time, how many, and SHA-256 of
    the bytes.
    """

    of: Literal["sessions", "transfers"] = "sessions"
    accounts: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    count: int
    digest: str
    reason: str


class ExportMade(Record, frozen=True, kw_only=True, tag="export_made"):
    """Records of this ledger were handed out with their proofs: of which account (None: all) and time, and how many.

    `size` is that of the checkpoint that covers them, `digest` SHA-256 of the export's file SHA256SUMS, which names
    every other file.
    """

    format: Literal["jsonl", "csv", "tlog-tiles"]
    account: str | None = None
    since: str | None = None
    until: str | None = None
    count: int
    size: int
    digest: str


class Recovery(Record, frozen=True, kw_only=True, tag="recovery"):
    """Bytes beyond the last checkpoint were put aside: `file` in quarantine, with length and SHA-256."""

    file: str
    segment: int
    offset: int
    length: int
    digest: str


class CarriedFinding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding as it stood, and which records were about it."""

    standing: Standing
    records: tuple[int, ...]


class CarriedAnswer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer as it was recorded, and the record's index."""

    record: int
    answer: FindingAnswered


class CarriedSweep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a scope's sweeps at a source had gone (see `findings.sweeps`); times are microseconds since 1970."""

    scope: Scope
    source: str
    finished: int
    clean: int | None
    failures: int
    reason: str | None
    could: str
    lost: str


class CarriedGrants(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A grant that a scope held by one check of one source (None: none is told here), since when it was known, and whether
    it was there before that check was read whole for the first time. `whole`: it was, once.
    """

    scope: Scope
    source: str
    check: str
    grant: HeldGrant | None = None
    first: Moment | None = None
    initial: bool = False
    whole: bool = False


class CarriedNotifier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to which record a notifier was told, and what could not be sent to it so far."""

    name: str
    seen: int
    undelivered: tuple[int, ...] = ()


class CarriedList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a blob of a `state_carried` record holds: lists that name everybody."""

    accounts: tuple[Account, ...] = ()
    sweeps: tuple[CarriedSweep, ...] = ()
    grants: tuple[CarriedGrants, ...] = ()
    sessions: tuple[OwnSession, ...] = ()


class StateCarried(Record, frozen=True, kw_only=True, tag="state_carried"):
    """A part of all that was known when the records before `stop` were removed, for whoever derives it anew.

    Lists that name everybody are in the blob `listed`, as the JSON of a `CarriedList`, which can be erased; `count` is how
    many entries it has.
    """

    stop: int
    findings: tuple[CarriedFinding, ...] = ()
    answers: tuple[CarriedAnswer, ...] = ()
    configuration: ConfigurationChanged | None = None
    history_days: tuple[HistoryDay, ...] = ()
    history_pruned: str | None = None
    notifiers: tuple[CarriedNotifier, ...] = ()
    listed: str | None = None
    count: int = 0


class LedgerFull(Record, frozen=True, kw_only=True, tag="ledger_full"):
    """The ledger's disk had no room: for how many `records` (or a blob) of how many bytes in all, and the error in words."""

    records: int
    length: int
    error: str


AnyRecord = (
    LedgerOpened
    | ConfigurationChanged
    | AccountSeen
    | AuditStarted
    | SweepStarted
    | SessionsOpened
    | AuditFinished
    | GrantsChanged
    | FindingOpened
    | FindingChanged
    | FindingResolved
    | FindingAcknowledged
    | FindingReopened
    | FindingAnswered
    | Notified
    | HistoryDay
    | HistoryPruned
    | HuntMade
    | HistoryExported
    | ExportMade
    | Recovery
    | KeyEpoch
    | BlobsKept
    | BlobsErased
    | RecordsPruned
    | StateCarried
    | LedgerFull
)
