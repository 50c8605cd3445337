"""What comes out of reading a source: a stream of evidence, gaps and marks, in any order.

Every check of a source ends, for a scope, in one of three ways: `CheckDone`, at least one `Gap`, or
`NotSupported`. Unread is never clean: a check without any of them counts as a gap.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from postwarden.errors import Reason
from postwarden.model.evidence import Evidence
from postwarden.model.moment import Moment, require_utc
from postwarden.model.scope import Scope


class Observed(Struct, frozen=True, kw_only=True):
    """One piece of evidence with the raw bytes it was made from (without protocol tags, ids, times)."""

    evidence: Evidence
    raw: bytes


class Gap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A check that was not read, or not fully, and why.

    `part` names what is missing where it is not the whole check (a folder, a script, a line); `hint` is
    the next step for the administrator.
    """

    scope: Scope
    source: str
    check: str
    reason: Reason
    message: str
    part: str | None = None
    hint: str | None = None


class NotSupported(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server has no such feature: shown, and not incomplete."""

    scope: Scope
    source: str
    check: str
    message: str


class CheckDone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The check was read to its end for this scope (gaps beside it name parts that were not)."""

    scope: Scope
    source: str
    check: str


class OwnSession(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session that we opened ourselves, so that logs can be told apart from strangers' later."""

    source: str
    protocol: str
    identity: str
    account: str
    server: str
    local_address: str
    local_port: int
    opened: Moment

    def __post_init__(self) -> None:
        require_utc(self.opened)


class Excess(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A right that the source grants us and that an audit does not need."""

    scope: Scope
    source: str
    message: str
    hint: str


Item = Observed | Gap | NotSupported | CheckDone | OwnSession | Excess


#: What a source's code was tried against: servers of its kind in our tests, what their makers publish, or nothing.
Grade = Literal[
    "observed live",
    "checked against the published schema",
    "checked against published samples",
    "from documentation only",
]


#: For a source all of whose checks have its own grade.
SAME_GRADE: Mapping[str, Grade] = MappingProxyType({})


class Coverage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one check of one scope ended.

    `count` and `digest` describe the evidence set (SHA-256 over the sorted unique blob names, each with
    LF; None where nothing was recorded); `gaps` say what is missing; `accepted` is the administrator's
    reason for living with them; `grade` says what the code that read it was tried against.
    """

    scope: Scope
    source: str
    check: str
    status: Literal["read", "gap", "not_supported"]
    count: int = 0
    digest: str | None = None
    gaps: tuple[Gap, ...] = ()
    more_gaps: int = 0
    accepted: str | None = None
    note: str | None = None
    grade: Grade | None = None
