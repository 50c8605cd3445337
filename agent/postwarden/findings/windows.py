"""What the findings on access windows have beyond others: a time of their own, and values that others are looked for by."""

from datetime import datetime

from postwarden.model import moment
from postwarden.model.finding import Finding
from postwarden.model.standing import Standing

#: The rule name of the detector of access windows; its subjects begin with `WINDOW`.
ACCESS_WINDOW, WINDOW = "access_window", "window"
#: Names of facts.
FIRST_ACCESS, SESSIONS, ADDRESSES = "first access", "sessions", "addresses"


def is_window(finding: Finding) -> bool:
    """Whether this is a finding on an access window."""
    return finding.name == ACCESS_WINDOW and finding.subject[:1] == (WINDOW,) and len(finding.subject) == 2


def values(finding: Finding, name: str) -> tuple[str, ...]:
    """The values of a fact; none where the finding does not have it."""
    return next((fact.values for fact in finding.facts if fact.name == name), ())


def time_of(standing: Standing) -> datetime:
    """Where a finding stands in a list by time: a window at its first access, any other when it was first opened."""
    first = values(standing.finding, FIRST_ACCESS) if is_window(standing.finding) else ()
    return moment.parse(first[0]) if first else standing.first_seen
