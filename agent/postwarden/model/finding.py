"""Findings: one rule's verdict on one subject in one scope."""

from typing import Literal

from msgspec import Struct

from postwarden.model.scope import Scope

Level = Literal["informational", "low", "medium", "high", "critical"]

#: Levels from harmless to worst (Sigma's).
LEVELS: tuple[Level, ...] = ("informational", "low", "medium", "high", "critical")


def at_least(level: Level, threshold: Level) -> bool:
    """Whether `level` is `threshold` or worse."""
    return LEVELS.index(level) >= LEVELS.index(threshold)


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """One thing about the subject that matters to the verdict; a change of it is a change of the finding."""

    name: str
    values: tuple[str, ...]


class CheckRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """A check of a source that a verdict rests on."""

    source: str
    check: str


class Finding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule's verdict on one subject in one scope.

    `rule` is the rule's UUID, `name` its file stem; `subject` identifies what was judged within the scope;
    `checks` must all have been read fully before absence means resolved; `why` are plain sentences;
    `evidence` names blobs; `attack` has ATT&CK ids; `advice` says what to do, preserving first. `quiet` says that it is listed
    and not sent, since the week's budget of alarms is spent.
    """

    id: str
    rule: str
    name: str
    title: str
    level: Level
    scope: Scope
    subject: tuple[str, ...]
    checks: tuple[CheckRef, ...]
    facts: tuple[Fact, ...] = ()
    why: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    attack: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    quiet: bool = False
