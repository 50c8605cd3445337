"""The life of a finding: what one audit of one scope means for what was known before. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from postwarden.model import moment
from postwarden.model.encoding import encode
from postwarden.model.finding import CheckRef, Fact, Finding
from postwarden.model.record import (
    Envelope,
    FindingChanged,
    FindingOpened,
    FindingReopened,
    FindingResolved,
    Record,
)
from postwarden.model.standing import Standing

#: Changes that a record tells, and characters of each.
MAX_CHANGES = 20
MAX_TEXT = 200
#: The first of these that stays within so many bytes is taken.
_LIMITS = ((MAX_CHANGES, MAX_TEXT), (MAX_CHANGES, 60), (5, 20))
MAX_BYTES = 24_000

EXPIRED = "the acknowledgement expired"


def transitions(
    judged: Sequence[Finding],
    known: Mapping[str, Standing],
    *,
    complete: frozenset[CheckRef],
    rules: frozenset[str],
    now: datetime,
    envelope: Envelope,
) -> Iterator[Record]:
    """The records that one audit of one scope gives rise to.

    `known` holds all findings of the scope. One that is not judged again resolves only where all checks that
    it rests on were read completely and its rule was among those applied: unread is never clean. A verdict on events rests
    on no check: what happened is never gone, and somebody has to acknowledge it. Since nothing judges it again, it reopens
    by itself when its acknowledgement expires.
    """
    seen: set[str] = set()
    for finding in judged:
        seen.add(finding.id)
        standing = known.get(finding.id)
        if standing is None:
            yield FindingOpened(**envelope, finding=finding)
            continue
        changes = _bounded(differences(standing.finding, finding))
        if changes or standing.finding.checks != finding.checks:
            # Without a change of the subject, only what the verdict rests on is remembered anew.
            yield FindingChanged(**envelope, finding=finding, changes=changes)
        why = _reopens(standing, changes, now)
        if why:
            yield FindingReopened(**envelope, id=finding.id, reason=why)
    for key, standing in sorted(known.items()):
        finding = standing.finding
        if key not in seen and not finding.checks and expired(standing, now):
            yield FindingReopened(**envelope, id=key, reason=EXPIRED)
        if (
            key not in seen
            and standing.status != "resolved"
            and finding.rule in rules
            and finding.checks
            and set(finding.checks) <= complete
        ):
            yield FindingResolved(**envelope, id=key, reason="a complete read no longer shows it")


def _reopens(standing: Standing, changes: tuple[str, ...], now: datetime) -> str | None:
    if standing.status == "resolved":
        return "it is there again"
    if standing.status == "acknowledged":
        if changes:
            return "it changed since it was acknowledged"
        if expired(standing, now):
            return EXPIRED
    return None


def expired(standing: Standing, now: datetime) -> bool:
    """Whether the acknowledgement, if there is one, has run out."""
    given = standing.acknowledgement
    return given is not None and given.until is not None and given.until <= moment.utc(now)


def _bounded(changes: Iterable[str]) -> tuple[str, ...]:
    """The changes, as far as they fit beside the finding into one record."""
    every = list(changes)
    for most, characters in _LIMITS:
        told = [text if len(text) <= characters else text[:characters] + "…" for text in every[:most]]
        if len(every) > most:
            told.append(f"and {len(every) - most} more changes")
        if len(encode(told)) <= MAX_BYTES:
            break
    return tuple(told)


def differences(before: Finding, after: Finding) -> Iterator[str]:
    """What is different between two verdicts on the same subject, in words."""
    if before.level != after.level:
        yield f"level was {before.level}, is {after.level}"
    yield from facts_changed(before.facts, after.facts)


def facts_changed(before: Sequence[Fact], after: Sequence[Fact]) -> Iterator[str]:
    """What is different between the facts of one thing at two times, in words."""
    old = {fact.name: fact.values for fact in before}
    new = {fact.name: fact.values for fact in after}
    for name in (*old, *(name for name in new if name not in old)):
        was, now = old.get(name, ()), new.get(name, ())
        if was != now:
            yield f"{name} was {_words(was)}, is {_words(now)}"


def _words(values: tuple[str, ...]) -> str:
    return ", ".join(values) if values else "nothing"
