"""How far the sign-ins of a service are in the history: a mark, and the ids of what the service may tell again."""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from postwarden.model.arrival import Cursor

#: What the content of a source's sign-ins begins with, before the source's name: there is no file that has first bytes.
HEAD = b"sign_ins:"
HOUR = 3_600
#: Bytes of an id's digest: of a million ids, two are alike once in 10^17 times.
DIGEST = 12
#: Ids that are kept: beyond that, the service's late records are given up, the oldest first.
MOST = 1_000_000


class Mark(Struct, frozen=True, kw_only=True):
    """Times in seconds since 1970, UTC.

    All that the service had of the time before `read_to` is stored. The time before `settled` is not asked for again:
    the service adds nothing to it. `seen` has the ids of what is stored of the time from there on, as digests one behind
    the other, by the hour that they belong to.
    """

    read_to: int
    settled: int
    seen: dict[int, bytes] = {}


_MARK = msgspec.msgpack.Decoder(Mark)


def head(source: str) -> bytes:
    return HEAD + source.encode()


def cursor_of(source: str, cursors: Iterable[Cursor]) -> Cursor | None:
    """The cursor behind the source's sign-ins, where there is one."""
    return next((one for one in cursors if one.head == head(source)), None)


def mark_of(cursor: Cursor) -> Mark:
    return _MARK.decode(cursor.state)


def seconds(time: datetime) -> int:
    return int(time.timestamp())


class Seen:
    """The ids that are stored, as far as the service may tell them again."""

    def __init__(self, kept: dict[int, bytes]) -> None:
        self._hours = {
            hour: {digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)}
            for hour, digests in kept.items()
        }
        self.count = sum(map(len, self._hours.values()))

    def add(self, identifier: str, time: int) -> bool:
        """Whether a record, of a time in seconds, is new; it is known from now on."""
        digest = hashlib.blake2b(identifier.encode(), digest_size=DIGEST).digest()
        known = self._hours.setdefault(time // HOUR, set())
        if digest in known:
            return False
        known.add(digest)
        self.count += 1
        return True

    def forget(self, before: int) -> None:
        """The hours that end before a time in seconds."""
        for hour in [hour for hour in self._hours if (hour + 1) * HOUR <= before]:
            self.count -= len(self._hours.pop(hour))

    def shrink(self, most: int) -> int | None:
        """Forgets the oldest hours until no more than so many are left; gives the end of those, in seconds, or None."""
        end = None
        for hour in sorted(self._hours):
            if self.count <= most:
                break
            self.count -= len(self._hours.pop(hour))
            end = (hour + 1) * HOUR
        return end

    def kept(self) -> dict[int, bytes]:
        return {hour: b"".join(sorted(known)) for hour, known in self._hours.items() if known}


def first_mark(now: int, kept: timedelta) -> Mark:
    """Where the first reading begins: as far back as the service keeps sign-ins."""
    begin = now - kept // timedelta(seconds=1)
    return Mark(read_to=begin, settled=begin)


def after_the_clock(mark: Mark, latest: int | None, now: int, kept: timedelta, lateness: timedelta) -> Mark:
    """The mark by a clock that was ahead of now when it was made: `latest` is the last sign-in that is stored, in seconds.

    What came between that and the mark was perhaps never asked for. The ids reach back from the latest sign-in by the
    lateness, however wrong the clock was (see `forgettable`).
    """
    if mark.read_to <= now:
        return mark
    first = first_mark(now, kept)
    if latest is None:
        return first
    settled = max(latest - lateness // timedelta(seconds=1), first.settled, min(mark.seen, default=0) * HOUR)
    return Mark(read_to=min(latest, now), settled=min(settled, now), seen=mark.seen)


def forgettable(settled: int, latest: int | None, lateness: timedelta) -> int:
    """The time before which ids are not needed any more, also where the clock turns out to be wrong."""
    if latest is None:
        return settled
    return min(settled, latest - lateness // timedelta(seconds=1))
