"""What changed among the grants of a scope since they were last read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from postwarden.findings import held
from postwarden.findings.held import CHECKS, Held, Key
from postwarden.model.application import FirstSeen
from postwarden.model.evidence import Grant
from postwarden.model.finding import CheckRef
from postwarden.model.reading import Coverage
from postwarden.model.record import Envelope, GrantsChanged, HeldGrant
from postwarden.pipeline.collect import Reading


def first_seen(reading: Reading, known: Held | None, now: datetime) -> dict[Key, FirstSeen]:
    """Since when each grant of the reading is known; nothing, where nothing is recorded."""
    return known.first_seen(reading.scope, _grants(reading), now) if known is not None else {}


def changes(reading: Reading, known: Held) -> tuple[str, ...]:
    """What is new, different or gone among the grants of the reading, in words; at the first look, nothing."""
    nobody: Envelope = {"time": "", "run": "", "actor": "", "agent": ""}
    return tuple(words for record in grant_records(reading, known, nobody) for words in record.words)


def grant_records(reading: Reading, known: Held, envelope: Envelope) -> Iterator[GrantsChanged]:
    """The records of what is new, different or gone, for each check that gives grants and was read at all."""
    grants = _grants(reading)
    for row in reading.coverage:
        if row.check not in CHECKS or row.status == "not_supported":
            continue
        check = CheckRef(source=row.source, check=row.check)
        now: dict[Key, HeldGrant] = {
            held.key_of(one): held.held(one)
            for one in grants
            if (one.source, one.check) == (row.source, row.check)
        }
        yield from held.changes(
            now,
            known.at(reading.scope, check),
            scope=reading.scope,
            check=check,
            complete=row.status == "read",
            whole=_is_whole(row),
            first=not known.was_whole(reading.scope, check),
            envelope=envelope,
        )


def _is_whole(row: Coverage) -> bool:
    """Whether it was read to its end, but for what the provider shows nobody.

    That is a gap `unsupported` of a named part, at every read; whatever fails has another reason, or is all of the
    check. Gaps beyond those that are kept may be anything.
    """
    standing = all(gap.reason == "unsupported" and gap.part is not None for gap in row.gaps)
    return row.status == "read" or (row.status == "gap" and standing and not row.more_gaps)


def _grants(reading: Reading) -> Sequence[Grant]:
    return [item for item in reading.evidence if isinstance(item, Grant)]
