"""The applications that reach a scope's mail, each with its grants there and the verdict on it."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from postwarden.grants.assessment import Assessment
from postwarden.grants.risk import FirstSeenTimes, assess
from postwarden.grants.tables import GrantTables
from postwarden.model.application import Dated, FirstSeen
from postwarden.model.evidence import Evidence, Grant, GrantType


class Judged(Struct, frozen=True, kw_only=True):
    """What one application has in one scope by one kind of grant, and since when as far as anybody tells.

    Of `since`, `initial` means that it was there when we first looked, and may be far older. `granted_by` is who let
    in what `since` is the date of.
    """

    grants: tuple[Grant, ...]
    assessment: Assessment
    since: Dated | FirstSeen | None
    granted_by: str | None


def applications(
    evidence: Iterable[Evidence], tables: GrantTables, names: frozenset[str], first_seen: FirstSeenTimes
) -> tuple[Judged, ...]:
    """The riskiest first; an application without a grant is none of them. `names` as `grants.names.people` gives them."""
    found: dict[tuple[str, GrantType, str], list[Grant]] = {}
    for item in evidence:
        if isinstance(item, Grant) and item.grant_type != "registered":
            found.setdefault((item.provider, item.grant_type, item.application.id), []).append(item)
    judged = [_judged(grants, tables, names, first_seen) for grants in found.values()]
    return tuple(sorted(judged, key=lambda one: -one.assessment.risk))


def _judged(
    grants: Sequence[Grant], tables: GrantTables, names: frozenset[str], first_seen: FirstSeenTimes
) -> Judged:
    since, author = _since(grants, first_seen)
    return Judged(
        grants=tuple(grants),
        assessment=assess(grants, tables, names, first_seen),
        since=since,
        granted_by=author,
    )


def _since(
    grants: Sequence[Grant], first_seen: FirstSeenTimes
) -> tuple[Dated | FirstSeen | None, str | None]:
    """The youngest date that the source gives, else when we first saw one of them; and who let that one in."""
    told = [(one.granted, one.granted_by) for one in grants if one.granted is not None]
    if told:
        return max(told, key=lambda one: one[0].time)
    seen = [(first_seen[one.key], one.granted_by) for one in grants if one.key in first_seen]
    return max(seen, key=lambda one: one[0].time, default=(None, None))
