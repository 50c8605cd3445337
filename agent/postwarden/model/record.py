"""The ledger's records: one JSON object a line, told apart by `kind`, all with the same envelope."""

from typing import Literal, TypedDict

from msgspec import Struct

from postwarden.model.account import Account
from postwarden.model.finding import Fact, Finding
from postwarden.model.reading import Coverage, OwnSession
from postwarden.model.scope import Scope


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


class LedgerOpened(Record, frozen=True, kw_only=True, tag="ledger_opened"):
    origin: str
    verifier_key: str


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
    """The daemon's intent to audit all of these at these sources: the same as `audit_started` for each."""

    scopes: tuple[Scope, ...]
    sources: tuple[str, ...]


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


class Notified(Record, frozen=True, kw_only=True, tag="notified"):
    """What became of telling others: `records` are those whose changes were sent, or could not be.

    `began` says that the notifier was new, and that only what comes after these records is for it. `message` says
    why sending failed.
    """

    notifier: str
    records: tuple[int, ...]
    outcome: Literal["began", "delivered", "failed"]
    message: str = ""


class Recovery(Record, frozen=True, kw_only=True, tag="recovery"):
    """Bytes beyond the last checkpoint were put aside: `file` in quarantine, with length and SHA-256."""

    file: str
    segment: int
    offset: int
    length: int
    digest: str


AnyRecord = (
    LedgerOpened
    | ConfigurationChanged
    | AccountSeen
    | AuditStarted
    | SweepStarted
    | AuditFinished
    | GrantsChanged
    | FindingOpened
    | FindingChanged
    | FindingResolved
    | FindingAcknowledged
    | FindingReopened
    | Notified
    | Recovery
)
