"""Windows into findings: opened, grown, and taken back where all lines together say otherwise."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from postwarden.config.settings import Config
from postwarden.detect.access import verdict
from postwarden.findings.life import facts_changed
from postwarden.findings.windows import is_window, values
from postwarden.history.history import History
from postwarden.model import moment
from postwarden.model.account import Account
from postwarden.model.encoding import encode
from postwarden.model.finding import Fact, Finding, at_least
from postwarden.model.record import (
    AccountSeen,
    Envelope,
    FindingChanged,
    FindingOpened,
    FindingReopened,
    Record,
)
from postwarden.model.scope import Scope, account_scope, source_scope
from postwarden.model.standing import Standing
from postwarden.model.window import Window
from postwarden.pipeline.record import Recorder

#: Sessions that one blob lists, and blobs that a finding names.
LISTED, BLOBS = 1000, 60
WEEK = timedelta(days=7)


def record_windows(
    recorder: Recorder,
    windows: Sequence[Window],
    horizon: int,
    accounts: Mapping[str, Account],
    history: History,
    config: Config,
    clock: Callable[[], datetime],
) -> tuple[Finding, ...]:
    """Opens a finding for each new window, changes those that grew, and gives those that were opened or changed.

    `horizon` is until when sessions are scored finally. Raises LedgerError.
    """
    told: list[Finding] = []

    def decide(envelope: Envelope) -> Iterator[Record]:
        told.clear()
        now = clock()
        known = {one.finding.id: one for one in recorder.store.findings() if is_window(one.finding)}
        sent = sum(not one.finding.quiet and now - one.first_seen < WEEK for one in known.values())
        for window in windows:
            account = accounts.get(window.account)
            scope = account_scope(account.key) if account else source_scope(window.subject.partition(" ")[0])
            if account is not None and recorder.store.account(account.key) != account:
                yield AccountSeen(**envelope, account=account)
            for record in _records(window, scope, known, recorder, history, envelope, config, sent):
                if isinstance(record, FindingOpened | FindingChanged):
                    told.append(record.finding)
                    sent += isinstance(record, FindingOpened) and not record.finding.quiet
                yield record
        confirmed = {one.id for one in told}
        for standing in known.values():
            finding = standing.finding
            if finding.id not in confirmed and _is_refuted(standing, horizon):
                changes = ("with all lines in, it fits the account's habits",)
                yield FindingChanged(**envelope, finding=verdict.not_confirmed(finding), changes=changes)

    recorder.write(decide)
    return tuple(told)


def _records(
    window: Window,
    scope: Scope,
    known: Mapping[str, Standing],
    recorder: Recorder,
    history: History,
    envelope: Envelope,
    config: Config,
    sent: int,
) -> Iterator[Record]:
    standing = _standing_of(window, scope, known)
    subject = standing.finding.subject[1] if standing is not None else window.subject
    before = standing.finding if standing is not None else None
    finding = verdict.finding_of(
        window, scope, subject=subject, evidence=before.evidence if before is not None else ()
    )
    if before is None:
        kept = recorder.keep(_sessions(window, history, None))
        # What is grave is always told; beyond the week's budget the rest waits in the list.
        quiet = sent >= config.access.alarms_per_week and not at_least(finding.level, "high")
        yield FindingOpened(**envelope, finding=replace(finding, evidence=(kept,), quiet=quiet))
        return
    assert standing is not None
    finding = replace(finding, quiet=before.quiet and not at_least(finding.level, "high"))
    changes = tuple(_news(before, finding))
    if not changes and not _grew(before, finding):
        return
    kept = recorder.keep(_sessions(window, history, values(before, "last access")))
    if kept not in finding.evidence and len(finding.evidence) < BLOBS:
        finding = replace(finding, evidence=(*finding.evidence, kept))
    yield FindingChanged(**envelope, finding=finding, changes=changes)
    if changes and standing.status == "acknowledged":
        yield FindingReopened(**envelope, id=finding.id, reason="it changed since it was acknowledged")


def _standing_of(window: Window, scope: Scope, known: Mapping[str, Standing]) -> Standing | None:
    """The window's finding: its own, or one that a replay from another beginning would give another name."""
    own = known.get(verdict.finding_of(window, scope, subject=window.subject, evidence=()).id)
    if own is not None:
        return own
    for standing in known.values():
        finding = standing.finding
        first, last = (values(finding, name) for name in ("first access", "last access"))
        if (
            finding.scope == scope
            and first
            and last
            and _milliseconds(first[0]) <= window.last
            and _milliseconds(last[0]) >= window.first
            and not set(values(finding, "addresses")).isdisjoint(window.addresses)
        ):
            return standing
    return None


def _news(before: Finding, after: Finding) -> Iterator[str]:
    """What is different beyond that the window went on."""
    if before.level != after.level:
        yield f"level was {before.level}, is {after.level}"
    yield from facts_changed(_lasting(before), _lasting(after))


def _lasting(finding: Finding) -> tuple[Fact, ...]:
    return tuple(
        fact for fact in finding.facts if fact.name not in verdict.GROWING and fact.name != "first access"
    )


def _grew(before: Finding, after: Finding) -> bool:
    """Whether the window went on into another day, twice as far, or is final now."""
    if values(before, "scoring") != values(after, "scoring"):
        return True
    was, now = (
        (values(one, "last access")[0][:10], int(values(one, "sessions")[0])) for one in (before, after)
    )
    return (
        was[0] < now[0]
        or now[1] >= 2 * was[1]
        or values(before, "first access") > values(after, "first access")
    )


def _is_refuted(standing: Standing, horizon: int) -> bool:
    """Whether a window was opened before all lines were in, and did not open again when they were."""
    finding = standing.finding
    if values(finding, "scoring") != ("provisional",):
        return False
    last = values(finding, "last access")
    return bool(last) and _milliseconds(last[0]) + 3 * 3_600_000 < horizon


def _sessions(window: Window, history: History, after: tuple[str, ...] | None) -> bytes:
    """The window's sessions as the history has them, a line each; later ones than `after` where that is given."""
    since = _milliseconds(after[0]) if after else None
    lines = [encode(replace(window, cited=()))]
    lines += [
        encode(session)
        for session in history.read.numbered(window.cited[:LISTED])
        if since is None or session.time > since
    ]
    return b"\n".join(lines) + b"\n"


def _milliseconds(text: str) -> int:
    return int(moment.parse(text).timestamp() * 1000)
