"""What an audit means for the exit code."""

from collections.abc import Sequence

from postwarden.cli.exits import CLEAN, FINDINGS, NOT_SOUND, UNREADABLE, USAGE
from postwarden.errors import LedgerUnsound
from postwarden.model.finding import Finding, Level, at_least
from postwarden.pipeline.audit import Audited


class Summary:
    """What one audited scope means for the exit code, without keeping its evidence."""

    __slots__ = (
        "account",
        "counted",
        "findings",
        "gaps",
        "incomplete",
        "read",
        "unknown",
        "unrecorded",
        "unsupported",
    )

    def __init__(self, audited: Audited, fail_on: Level) -> None:
        self.account = audited.account
        standing = open_findings(audited)
        self.findings = len(standing)
        self.counted = sum(at_least(finding.level, fail_on) for finding in standing)
        self.incomplete = audited.reading.incomplete
        rows = audited.reading.coverage
        self.read = sum(row.status == "read" for row in rows)
        self.gaps = sum(row.status == "gap" for row in rows)
        self.unsupported = sum(row.status == "not_supported" for row in rows)
        self.unknown = audited.unknown_names
        self.unrecorded = audited.unrecorded


def open_findings(audited: Audited) -> list[Finding]:
    """The findings that count: open and not acknowledged, old ones too."""
    if audited.standings is None:
        return list(audited.findings)
    return [standing.finding for standing in audited.standings if standing.status == "open"]


def exit_code(results: Sequence[Summary]) -> int:
    """4 > 2 > 1 > 3 > 0, as cli.exits says."""
    failures = [result.unrecorded for result in results if result.unrecorded is not None]
    if any(isinstance(failure, LedgerUnsound) for failure in failures):
        return NOT_SOUND
    if failures:
        return USAGE
    if any(result.counted for result in results):
        return FINDINGS
    return UNREADABLE if any(result.incomplete for result in results) else CLEAN
