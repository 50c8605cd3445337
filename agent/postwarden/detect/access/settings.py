"""What the judging of sessions is set to: every number that is not measured on the account itself."""

from msgspec import Struct

HOUR = 3_600_000
DAY = 24 * HOUR


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Milliseconds where not said otherwise.

    `threshold` is the weight in decibans from which a stay is a window: the odds that somebody else was in must have
    grown by so much. A stay ends after a `pause` without a session. `half_life` is after which a habit counts half, in
    days. An anomaly belongs to an open
    window within `belongs` of its last access from the same network, within `alike` from the same country, and within
    `at_once` from anywhere.
    """

    threshold: int = 24
    pause: int = 2 * HOUR
    half_life: float = 120.0
    belongs: int = 60 * DAY
    alike: int = 14 * DAY
    at_once: int = DAY
    settle: int = HOUR
    #: Days of use after which a new network or place is a habit: where the owner evidently moved there, and where nothing tells.
    days_moved: int = 3
    days_unclear: int = 30
    #: After so long without use, what is on trial was a journey.
    journey: int = 30 * DAY
    dormant: int = 60 * DAY


#: Changes of what is learnt or weighed change this: habits of another version are made anew from the history.
VERSION = 1
