"""Stage one: read a source about a scope, and say for each check how it ended."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from postwarden.connectors import Source
from postwarden.model.account import Account
from postwarden.model.evidence import Evidence
from postwarden.model.finding import CheckRef
from postwarden.model.reading import (
    SAME_GRADE,
    CheckDone,
    Coverage,
    Excess,
    Gap,
    Grade,
    Item,
    NotSupported,
    Observed,
    OwnSession,
)
from postwarden.model.scope import Scope, account_scope, source_scope

#: Gaps kept for one check of one scope in records; the rest is counted.
MAX_GAPS = 10

#: Why a gap of (source, check) is accepted by the administrator, or None.
Acceptance = Callable[[str, str], str | None]
#: Keeps raw bytes and names the blob, or None where that failed; None where nothing is recorded.
Keep = Callable[[bytes], str | None] | None
#: Is told of each session of ours as soon as it is open; None where nothing is recorded.
Opened = Callable[[OwnSession], None] | None


class Reading(Struct, frozen=True, kw_only=True):
    """All that was read about one scope."""

    scope: Scope
    evidence: tuple[Evidence, ...]
    coverage: tuple[Coverage, ...]
    gaps: tuple[Gap, ...] = ()
    sessions: tuple[OwnSession, ...] = ()
    excess: tuple[Excess, ...] = ()

    @property
    def complete(self) -> frozenset[CheckRef]:
        """The checks that were read to the end and without a gap."""
        return frozenset(
            CheckRef(source=row.source, check=row.check) for row in self.coverage if row.status == "read"
        )

    @property
    def incomplete(self) -> bool:
        """Whether something configured was unreadable that nobody accepted."""
        return any(row.status == "gap" and row.accepted is None for row in self.coverage)


class Part(Struct, frozen=True, kw_only=True):
    """What one source says about a scope: the checks that it should have ended, and what it gave."""

    source: str
    checks: tuple[str, ...]
    grade: Grade | None = None
    grades: Mapping[str, Grade] = SAME_GRADE
    items: Iterable[Item]


def read_account(account: Account, sources: Sequence[Source], opened: Opened = None) -> tuple[Part, ...]:
    """What those sources that have the account say about it, in memory; for any thread."""
    return tuple(
        Part(
            source=source.name,
            checks=source.checks,
            grade=source.grade,
            grades=source.grades,
            items=tuple(_told(source.read_account(account), opened)),
        )
        for source in sources
        if account.is_at(source.name)
    )


def _told(items: Iterable[Item], opened: Opened) -> Iterator[Item]:
    """The same, with each session told when it is there, and not when everything was read."""
    for item in items:
        if opened is not None and isinstance(item, OwnSession):
            opened(item)
        yield item


def collect_account(account: Account, sources: Sequence[Source], accepted: Acceptance, keep: Keep) -> Reading:
    """Everything that the sources say about an account."""
    return conclude(account_scope(account.key), read_account(account, sources), accepted, keep)


def collect_source(source: Source, accepted: Acceptance, keep: Keep, others: Sequence[Part] = ()) -> Reading:
    """What a source says about itself; `others` is what it was asked before."""
    part = Part(
        source=source.name,
        checks=source.source_checks,
        grade=source.grade,
        grades=source.grades,
        items=source.read_source(),
    )
    return conclude(source_scope(source.name), (*others, part), accepted, keep)


def conclude(scope: Scope, parts: Sequence[Part], accepted: Acceptance, keep: Keep) -> Reading:
    """Keeps the raw evidence, and says for each check how it ended."""
    evidence: list[Evidence] = []
    gaps: list[Gap] = []
    sessions: list[OwnSession] = []
    excess: list[Excess] = []
    done: set[tuple[str, str]] = set()
    unsupported: dict[tuple[str, str], str] = {}
    last: tuple[bytes, str | None] | None = None
    for part in parts:
        for item in part.items:
            match item:
                case Observed(evidence=found, raw=raw):
                    if keep is not None:
                        # What was read as one comes in a row, and is looked up once.
                        last = last if last is not None and last[0] == raw else (raw, keep(raw))
                        found = replace(found, blob=last[1])
                    evidence.append(found)
                case Gap():
                    gaps.append(item)
                case CheckDone(source=name, check=check):
                    done.add((name, check))
                case NotSupported(source=name, check=check, message=message):
                    unsupported[name, check] = message
                case OwnSession():
                    sessions.append(item)
                case Excess():
                    excess.append(item)
    coverage = []
    for part in parts:
        name = part.source
        for check in part.checks:
            row = _coverage(scope, name, check, evidence, gaps, done, unsupported, keep is not None)
            row = replace(row, grade=part.grades.get(check, part.grade))
            if row.status == "gap":
                row = replace(row, accepted=accepted(name, check))
            coverage.append(row)
            if row.status == "gap" and not any(gap.source == name and gap.check == check for gap in gaps):
                gaps.extend(row.gaps)
    return Reading(
        scope=scope,
        evidence=tuple(evidence),
        coverage=tuple(coverage),
        gaps=tuple(gaps),
        sessions=tuple(sessions),
        excess=tuple(excess),
    )


def _coverage(
    scope: Scope,
    source: str,
    check: str,
    evidence: Sequence[Evidence],
    gaps: Sequence[Gap],
    done: set[tuple[str, str]],
    unsupported: dict[tuple[str, str], str],
    recorded: bool,
) -> Coverage:
    found = [item for item in evidence if item.source == source and item.check == check]
    own_gaps = [gap for gap in gaps if gap.source == source and gap.check == check]
    if not own_gaps and (source, check) not in done and (source, check) not in unsupported:
        # Fail visible: a connector that says nothing about a check has not read it.
        own_gaps = [
            Gap(
                scope=scope,
                source=source,
                check=check,
                reason="malformed",
                message="the source ended without saying whether it was read",
                hint="this is a bug; please report it",
            )
        ]
    names = sorted({item.blob for item in found if item.blob})
    return Coverage(
        scope=scope,
        source=source,
        check=check,
        status="gap" if own_gaps else "not_supported" if (source, check) in unsupported else "read",
        count=len(names) if recorded else len(found),
        digest=evidence_digest(names) if recorded else None,
        gaps=tuple(own_gaps[:MAX_GAPS]),
        more_gaps=max(0, len(own_gaps) - MAX_GAPS),
        note=unsupported.get((source, check)),
    )


def evidence_digest(names: Sequence[str]) -> str:
    """The digest of an evidence set: SHA-256 over its sorted unique blob names, each with LF."""
    return hashlib.sha256("".join(name + "\n" for name in sorted(set(names))).encode()).hexdigest()
