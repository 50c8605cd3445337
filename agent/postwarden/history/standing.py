"""What a source of events is known to be like: how late its lines come, and where its time stands."""

from msgspec import Struct

from postwarden.errors import Reason

#: Delays are counted by the power of two that they stay below, in seconds; the last one is for all longer ones.
BUCKETS = 24
#: A default bound is never below this many milliseconds, or more where a source says so, and has seen at least so many fresh lines.
LEAST, ENOUGH = 300_000, 100
#: Lines after which older ones count half for what was not understood lately.
LATELY = 10_000
#: Where too few fresh lines were seen to measure a delay.
UNMEASURED = 3_600_000
#: After so many milliseconds without a look, nobody reads a log any more.
NOT_LOOKED = 2 * 3_600_000


class Trouble(Struct, frozen=True, kw_only=True):
    """A file that could not be read at the last look: `reason` is the word of a gap."""

    path: str
    reason: Reason
    message: str
    hint: str | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """One source, as far as it was stored.

    `first` and `latest` are the earliest and latest time of its events, `arrived` when the last line came; `delays` counts
    fresh events by `bucket_of` their delay. `lines`, `events`, `unread` and `doubtful` are totals. `looked` is when its files were last looked at, and `troubles` those that could not be
    read then. No default for the bound of its delay is below `least` milliseconds. Of the last `lines_lately` lines `unread_lately` were not understood. Times are in milliseconds since 1970.
    """

    first: int | None = None
    latest: int | None = None
    arrived: int | None = None
    delays: tuple[int, ...] = (0,) * BUCKETS
    lines: int = 0
    events: int = 0
    unread: int = 0
    doubtful: int = 0
    lines_lately: int = 0
    unread_lately: int = 0
    looked: int | None = None
    troubles: tuple[Trouble, ...] = ()
    least: int = LEAST

    @property
    def lateness(self) -> int:
        """Milliseconds within which nearly every event has come, from what was measured: twice what 99.9 % kept to."""
        seen = sum(self.delays)
        if seen < ENOUGH:
            return max(UNMEASURED, self.least)
        below = 0
        for bucket, count in enumerate(self.delays):
            below += count
            if below * 1000 >= seen * 999:
                return max(self.least, 2_000 << bucket)
        raise AssertionError("the counts add up to themselves")

    @property
    def delay(self) -> int | None:
        """The bound in seconds that half of the fresh events kept to, or None where none was seen."""
        seen, below = sum(self.delays), 0
        for bucket, count in enumerate(self.delays):
            below += count
            if seen and below * 2 >= seen:
                return 1 << bucket
        return None


def bucket_of(delay: int) -> int:
    """Which of the counts a delay in milliseconds belongs to; events from the future came at once."""
    return min(BUCKETS - 1, max(0, delay // 1000).bit_length())
