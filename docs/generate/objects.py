"""The shape of every object that `--json` and `inspect` print, one class for each, told apart by `type`."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from postwarden.daemon.running import Reading
from postwarden.errors import Reason
from postwarden.grants.assessment import Band
from postwarden.model.arrival import Mishap
from postwarden.model.event import Protocol
from postwarden.model.evidence import (
    Access,
    Change,
    Delegation,
    Folder,
    Grant,
    MailFlow,
    Setting,
)
from postwarden.model.finding import Finding, Level
from postwarden.model.indicator import Indicator
from postwarden.model.moment import Moment
from postwarden.model.reading import Coverage, Excess, Gap
from postwarden.model.record import AnyRecord, Before
from postwarden.model.standing import Acknowledgement, GivenAnswer, Status
from postwarden.pipeline.views import Own


class Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """One printed line."""


class FindingLine(Line, frozen=True, kw_only=True, tag="finding"):
    """A finding as it stands."""

    account: str | None
    status: Status | None
    first_seen: Moment | None
    since: Moment | None
    acknowledgement: Acknowledgement | None
    answer: GivenAnswer | None
    finding: Finding


class RecordLine(Line, frozen=True, kw_only=True, tag="record"):
    """A record of the ledger that concerns the finding above it."""

    index: int
    record: AnyRecord


class CoverageLine(Line, frozen=True, kw_only=True, tag="coverage"):
    """How one check of one scope ended."""

    account: str | None
    coverage: Coverage


class GapLine(Line, frozen=True, kw_only=True, tag="gap"):
    """A check that was not read, or not fully."""

    account: str | None
    gap: Gap


class ExcessLine(Line, frozen=True, kw_only=True, tag="excess"):
    """A right that a source grants us beyond need."""

    account: str | None
    excess: Excess


class GrantLine(Line, frozen=True, kw_only=True, tag="grant"):
    """An application that reaches an account's mail, or everybody's at a source, and the verdict on it."""

    account: str | None
    band: Band
    risk: int
    reach: int
    trust: int
    reasons: tuple[str, ...]
    since: Moment | None
    since_origin: Literal["api", "audit_log", "first_seen", "before_first_look"] | None
    grants: tuple[Grant, ...]


class GrantsChangedLine(Line, frozen=True, kw_only=True, tag="grants_changed"):
    """What is different among the grants of an account, or of a source, since they were last read."""

    account: str | None
    words: tuple[str, ...]


class SummaryLine(Line, frozen=True, kw_only=True, tag="summary"):
    """The audit as a whole; the last line."""

    accounts: int
    findings: int
    counted: int
    checks_read: int
    checks_not_read: int
    checks_not_supported: int
    unknown_names: tuple[str, ...]
    complete: bool
    recorded: bool
    errors: tuple[str, ...]


class ConfigurationLine(Line, frozen=True, kw_only=True, tag="configuration"):
    """The configuration that was found, with what it amounts to."""

    path: str
    state: str
    accounts: int
    sources: tuple[str, ...]
    notifiers: tuple[str, ...]
    rules: int
    internal_domains: tuple[str, ...]
    application_lists: dict[str, int]


class WarningLine(Line, frozen=True, kw_only=True, tag="warning"):
    """Something in the configuration that makes audits weaker than they look."""

    message: str


class Uncommitted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes beyond the checkpoint, as a crash leaves them."""

    records: int
    bytes: int
    digest: str


class Problem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that does not agree."""

    what: str
    first: int | None
    last: int | None


class ErasedBlob(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blob that is gone as a signed record says."""

    blob: str
    actor: str
    time: str
    record: int


class RememberedBy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who saw the ledger before."""

    by: str
    size: int


class VerificationLine(Line, frozen=True, kw_only=True, tag="verification"):
    """Whether a ledger is sound."""

    ledger: str
    sound: bool
    origin: str | None
    size: int | None
    root: str | None
    verifier_key: str | None
    key_compared: bool
    compared_epoch: int | None
    epochs: int
    next_epoch: int | None
    pruned: int
    blobs: int
    erased: int
    erased_blobs: tuple[ErasedBlob, ...]
    remembered: tuple[RememberedBy, ...]
    remember_nothing: tuple[str, ...]
    unread: tuple[str, ...]
    stamps: tuple[str, ...]
    local_only: bool
    uncommitted: Uncommitted | None
    problems: tuple[Problem, ...]


class PredecessorLine(Line, frozen=True, kw_only=True, tag="predecessor"):
    """A ledger that the one before it in the output goes on for."""

    ledger: str
    origin: str
    size: int
    root: str
    verifier_key: str
    sound: bool | None
    unread: str | None
    problems: tuple[Problem, ...]


class EpochLine(Line, frozen=True, kw_only=True, tag="epoch"):
    """The time of one signing key."""

    epoch: int
    since: Moment
    begins: int
    verifier_key: str
    second_key: str | None


class PrunedLine(Line, frozen=True, kw_only=True, tag="pruned"):
    """Old records were removed."""

    stop: int
    segments: int


class ErasedLine(Line, frozen=True, kw_only=True, tag="erased"):
    """Blobs were erased."""

    blobs: tuple[str, ...]


class SucceededLine(Line, frozen=True, kw_only=True, tag="succeeded"):
    """A new ledger goes on for an old one."""

    verifier_key: str
    before: Before


class ProofLine(Line, frozen=True, kw_only=True, tag="proof"):
    """Whether a proof shows what it says."""

    file: str
    sound: bool
    index: int | None
    old: int | None
    origin: str | None
    size: int | None
    root: str | None
    epoch: int | None
    record: str | None
    key_compared: bool
    certificates_followed: bool
    problem: str | None


class ExportedLine(Line, frozen=True, kw_only=True, tag="export"):
    """What was handed out."""

    folder: str
    format: Literal["jsonl", "csv", "tlog-tiles"]
    records: int
    size: int
    root: str
    digest: str


class HistoryProblem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing about the history that does not agree with the ledger."""

    day: str
    problem: str


class HistoryVerificationLine(Line, frozen=True, kw_only=True, tag="history_verification"):
    """Whether the closed days of a history are as the ledger says."""

    history: str
    sound: bool
    days: int
    pruned: int
    problems: tuple[HistoryProblem, ...]


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines of one shape that were not understood."""

    shape: str
    count: int
    sample: str


class LogTrouble(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that could not be read at the last look."""

    path: str
    message: str
    hint: str | None


class LogMishap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened to a log."""

    time: Moment
    mishap: Mishap
    path: str
    words: str
    lost: bool


class LogLine(Line, frozen=True, kw_only=True, tag="log"):
    """How far one source's logs were read."""

    source: str
    arrival: str | None
    first: Moment | None
    latest: Moment | None
    arrived: Moment | None
    looked: Moment | None
    lines: int
    events: int
    unread: int
    doubtful: int
    delay: int | None
    lateness: int
    shapes: tuple[Shape, ...]
    unknown_names: tuple[str, ...]
    troubles: tuple[LogTrouble, ...]
    mishaps: tuple[LogMishap, ...]


class HabitsLine(Line, frozen=True, kw_only=True, tag="habits"):
    """How far sessions were scored by habits."""

    sessions: int
    accounts: int
    bytes: int
    looked: Moment | None
    horizon: Moment | None
    late: int


class RescoredLine(Line, frozen=True, kw_only=True, tag="rescored"):
    """The whole history was scored again."""

    sessions: int
    windows: int
    changed: tuple[str, ...]


class HitLine(Line, frozen=True, kw_only=True, tag="hit"):
    """An account that has sessions with an indicator; entered ones first, by the first access."""

    account: str
    indicator: Indicator
    first: Moment
    last: Moment
    sessions: int
    visits: int
    refused: int
    protocol: Protocol
    addresses: tuple[str, ...]
    clients: tuple[str, ...]
    country: str | None
    network: str | None
    hosting: str | None
    shared: bool
    known: str | None
    own: Own | None
    source: str


class HuntLine(Line, frozen=True, kw_only=True, tag="hunt"):
    """A hunt as a whole; the last line."""

    indicators: int
    hits: int
    findings: tuple[str, ...]
    gaps: tuple[str, ...]


class ExportLine(Line, frozen=True, kw_only=True, tag="session"):
    """A session as `history export` hands it out; the CSV form has the same columns, without `type`."""

    account: str
    name: str
    source: str
    protocol: Protocol
    begun: Moment | None
    ended: Moment | None
    end: Literal["ended", "open", "unknown", "refused"]
    address: str | None
    peer: str | None
    behind: str | None
    port: int | None
    server: str | None
    address_class: str | None
    country: str | None
    network: str | None
    hosting: str | None
    shared: bool
    client: str | None
    family: str | None
    application: str | None
    session: str | None
    identity: str | None
    known: str | None
    own: Own | None
    method: str | None
    encrypted: bool | None
    attempts: int
    reason: str | None
    requests: int | None
    bytes_in: int | None
    bytes_out: int | None
    bodies: int | None
    body_bytes: int | None
    headers: int | None
    header_bytes: int | None
    deleted: int | None
    expunged: int | None


class TransferLine(Line, frozen=True, kw_only=True, tag="transfer"):
    """A message that was handed over, as `history export --of transfers` hands it out."""

    source: str
    time: Moment
    sender: str
    recipients: tuple[str, ...]
    original: str | None
    message_id: str | None
    size: int | None
    direction: Literal["in", "out", "local"] | None
    outcome: Literal["delivered", "deferred", "failed", "expanded", "received"]
    name: str | None
    address: str | None
    queue: str | None


class RuleLine(Line, frozen=True, kw_only=True, tag="rule"):
    """A rule in force."""

    name: str
    id: str
    level: Level
    title: str
    category: str
    attack: tuple[str, ...]
    path: str


class ExampleLine(Line, frozen=True, kw_only=True, tag="example"):
    """How one example of a rule ended."""

    rule: str
    name: str
    must_match: bool
    passed: bool


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of a rule's condition, and the parts below it."""

    text: str
    matched: bool
    parts: tuple["Part", ...]


class ExplanationLine(Line, frozen=True, kw_only=True, tag="explanation"):
    """Why a rule matches one row, or not."""

    rule: str
    row: dict[str, str | int | bool | tuple[str, ...] | None]
    matched: bool
    parts: Part


class DaemonLine(Line, frozen=True, kw_only=True, tag="daemon"):
    """The daemon on this state folder, if one runs."""

    running: bool
    pid: int | None
    started: Moment | None
    time: Moment | None
    queued: int
    reading: tuple[Reading, ...]
    configuration_refused: str | None


class SourceLine(Line, frozen=True, kw_only=True, tag="source"):
    """How the accounts of one source stand, as the daemon last planned them."""

    source: str
    accounts: int
    never: int
    due: int
    overdue: int
    failing: int
    clean_since: Moment | None
    last: Moment | None


class FailingLine(Line, frozen=True, kw_only=True, tag="failing"):
    """A scope whose last sweep at a source left a gap that nobody accepted; the most stubborn ones first."""

    account: str
    source: str
    reason: Reason
    sweeps: int


class CheckpointPlaceLine(Line, frozen=True, kw_only=True, tag="checkpoint_place"):
    """A place that the ledger's checkpoints go to, and how far it was told."""

    place: str
    size: int | None
    time: Moment | None
    failure: str | None


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in the exported material."""

    file: str | None
    line: int | None


class InspectFinding(Finding, frozen=True, kw_only=True, tag_field="type", tag="finding"):
    """A verdict on one file: a finding's fields, and where it comes from."""

    rule_id: str
    account: str
    origin: Place


class InspectGap(Gap, frozen=True, kw_only=True, tag_field="type", tag="gap"):
    """A part of one file that was not understood."""

    origin: Place


class InspectSummary(Line, frozen=True, kw_only=True, tag="summary"):
    """All files together; the last line."""

    origin: Place
    read: int
    duplicates: int
    findings: int
    not_understood: dict[str, int]


def inspect_evidence(kind: type[Struct]) -> type[Struct]:
    """The shape of one kind of evidence as `inspect` prints it: its fields, its `type` and its place.

    A mail flow's own `origin` is called `flow_origin` there.
    """
    fields: list[Any] = [("type", Literal["evidence"]), ("origin", Place)]
    for field in msgspec.structs.fields(kind):
        name = "flow_origin" if field.name == "origin" else field.name
        default = () if field.required else (field.default,)
        fields.append((name, field.type, *default))
    return msgspec.defstruct(
        f"Inspect{kind.__name__}",
        fields,
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        tag_field="kind",
        tag=str(kind.__struct_config__.tag),
    )


EVIDENCE = (MailFlow, Delegation, Folder, Grant, Setting, Access, Change)
INSPECT_EVIDENCE = {kind: inspect_evidence(kind) for kind in EVIDENCE}

#: Name of the schema → its types (more than one where `kind` tells them apart), and the commands that print it.
OBJECTS: Mapping[str, tuple[tuple[type[Struct], ...], str]] = {
    "finding": (
        (FindingLine,),
        "`audit`, `findings list`, `findings show`, `findings ack`, `findings answer`",
    ),
    "record": ((RecordLine,), "`findings show`"),
    "coverage": ((CoverageLine,), "`audit`, `check-config`"),
    "gap": ((GapLine,), "`audit`, `check-config`"),
    "grant": ((GrantLine,), "`audit`"),
    "grants_changed": ((GrantsChangedLine,), "`audit`"),
    "summary": ((SummaryLine,), "`audit`"),
    "configuration": ((ConfigurationLine,), "`check-config`"),
    "warning": ((WarningLine,), "`check-config`"),
    "excess": ((ExcessLine,), "`check-config`"),
    "daemon": ((DaemonLine,), "`status`"),
    "source": ((SourceLine,), "`status`"),
    "failing": ((FailingLine,), "`status`"),
    "checkpoint_place": ((CheckpointPlaceLine,), "`status`"),
    "rule": ((RuleLine,), "`rules list`"),
    "example": ((ExampleLine,), "`rules test`"),
    "explanation": ((ExplanationLine,), "`rules explain`"),
    "verification": ((VerificationLine,), "`verify`"),
    "predecessor": ((PredecessorLine,), "`verify`"),
    "epoch": ((EpochLine,), "`key show` and `key rotate`"),
    "pruned": ((PrunedLine,), "`ledger prune`"),
    "erased": ((ErasedLine,), "`ledger erase`"),
    "succeeded": ((SucceededLine,), "`ledger succeed`"),
    "proof": ((ProofLine,), "`verify-proof`"),
    "export": ((ExportedLine,), "`export`"),
    "history_verification": ((HistoryVerificationLine,), "`verify --history`"),
    "log": ((LogLine,), "`history status`"),
    "habits": ((HabitsLine,), "`history status`"),
    "rescored": ((RescoredLine,), "`history rescore`"),
    "hit": ((HitLine,), "`hunt`, `findings answer`"),
    "hunt": ((HuntLine,), "`hunt`, `findings answer`"),
    "session": ((ExportLine,), "`history export`"),
    "transfer": ((TransferLine,), "`history export --of transfers`"),
    "inspect_evidence": (tuple(INSPECT_EVIDENCE.values()), "`inspect`"),
    "inspect_finding": ((InspectFinding,), "`inspect`"),
    "inspect_gap": ((InspectGap,), "`inspect`"),
    "inspect_summary": ((InspectSummary,), "`inspect`"),
}
