"""A finding as it stands: what its records came to."""

from typing import Literal

from msgspec import Struct

from postwarden.model.finding import Finding
from postwarden.model.moment import Moment
from postwarden.model.window import Verdict

Status = Literal["open", "acknowledged", "resolved"]


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """Who silenced a finding, why, and until when (None: until it changes)."""

    actor: str
    reason: str
    time: Moment
    until: Moment | None = None


class GivenAnswer(Struct, frozen=True, kw_only=True):
    """What was last said of an access window that counts: by whom, over which channel, recorded by whom, and until when."""

    verdict: Verdict
    by: str
    channel: str
    actor: str
    time: Moment
    until: Moment | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """A finding as it stands: `first_seen` when it was first opened, `since` when it came to its status.

    An `answer` outlives the acknowledgement that came with it.
    """

    finding: Finding
    status: Status
    first_seen: Moment
    since: Moment
    acknowledgement: Acknowledgement | None = None
    answer: GivenAnswer | None = None
