"""Stages of accesses into sessions: a row at log-in, an ending when it is known, whatever file either stands in."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from postwarden.model.event import Access, Protocol

#: Sessions of one source whose end we wait for; of the oldest beyond that the end stays unknown.
MAX_OPEN = 200_000
#: Milliseconds that the line of a log-in may be stamped behind that of the session's end: two processes of a busy server
#: hand their lines to a third, which writes whole seconds as it comes to them.
DISORDER = 1_000
#: So many sessions that ended lately are remembered at least, for lines about them that come behind their end.
LATELY = 10_000

#: What keeps requests without session ids apart: name, address, client and protocol.
Key = tuple[str, str | None, str | None, Protocol]


class Ending(Struct, frozen=True, kw_only=True, gc=False):
    """The end of the session that is row `access`, told by the line at `at`. What nobody counted is None, as is the
    `time` of an end that nobody tells.
    """

    access: int
    at: int
    time: int | None
    reason: str | None = None
    requests: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    bodies: int | None = None
    body_bytes: int | None = None
    headers: int | None = None
    header_bytes: int | None = None
    deleted: int | None = None
    expunged: int | None = None


class Group(Struct, kw_only=True):
    """Requests without a session id that count as one session so far; `last` is the time of the latest."""

    access: int
    at: int
    last: int
    requests: int
    bytes_in: int | None
    bytes_out: int | None


class Joined(Struct, frozen=True, kw_only=True):
    """What events came to: new rows, endings of these or older ones, and beginnings whose end came before them.

    The latter are pairs: the row of the beginning, and that of the end, which had no beginning then.
    """

    rows: list[tuple[int, Access]]
    endings: list[Ending]
    late: list[tuple[int, int]]


class Changes(Struct, frozen=True, kw_only=True):
    """What is to be remembered over a restart: sessions and ends by their ids, groups by their keys; None where it is over."""

    sessions: dict[str, int | None]
    ends: dict[str, int | None]
    groups: dict[Key, Group | None]


class Joiner:
    """What is under way at one source. Rows are numbered from `next_row`; requests more than `idle` ms apart are two sessions."""

    def __init__(
        self,
        next_row: int,
        idle: int,
        sessions: Iterable[tuple[str, int]] = (),
        groups: Iterable[tuple[Key, Group]] = (),
        ends: Iterable[tuple[str, int, int]] = (),
    ) -> None:
        self.next_row = next_row
        self.idle = idle
        self.sessions: OrderedDict[str, int] = OrderedDict(sessions)
        self.groups: dict[Key, Group] = dict(groups)
        # Of each end without a beginning, its row and its time.
        self._ends: OrderedDict[str, tuple[int, int]] = OrderedDict(
            (session, (row, time)) for session, row, time in ends
        )
        # What ended lately, in two generations: what is left of the older one goes as a whole.
        self._lately: dict[str, int] = {}
        self._before: dict[str, int] = {}
        self._changed: dict[str, int | None] = {}
        self._changed_ends: dict[str, int | None] = {}
        self._touched: set[Key] = set()
        self._new: set[str] = set()

    def row_of(self, session: str | None) -> int | None:
        """The row of a session that is open, or was lately."""
        if session is None:
            return None
        return self.sessions.get(session) or self._lately.get(session) or self._before.get(session)

    def take(self, events: Iterable[Access], *, ends: bool = True) -> Joined:
        """What becomes of them; where the log does not tell ends (`ends`), none is waited for."""
        rows: list[tuple[int, Access]] = []
        endings: list[Ending] = []
        late: list[tuple[int, int]] = []
        sessions = self.sessions
        for event in events:
            stage, session, row = event.stage, event.session, self.next_row
            if stage == "begun":
                if session is not None and (row_of_end := self._end_behind(session, event.time)) is not None:
                    # An older file was read later; the end is known already.
                    late.append((row, row_of_end))
                elif session is not None and ends:
                    self._begin(session, row)
                elif session is not None:
                    self._remember(session, row)
            elif stage == "request":
                if (grouped := self._grouped(event, endings)) is not None:
                    rows.append(grouped)
                continue
            elif stage == "ended":
                begun = sessions.pop(session, None) if session is not None else None
                if begun is not None:
                    assert session is not None
                    self._end(session, begun)
                    endings.append(_ending(begun, event, event.time))
                    continue
                # Its beginning is not in what we have: a row of its own, which a beginning may still come to.
                endings.append(_ending(row, event, event.time))
                if session is not None:
                    self._ends[session] = row, event.time
                    self._changed_ends[session] = row
                    if len(self._ends) > MAX_OPEN:
                        self._changed_ends[self._ends.popitem(last=False)[0]] = None
            elif stage == "whole":
                ending = _ending(row, event, event.ended)
                if ending != Ending(access=ending.access, at=ending.at, time=None):
                    endings.append(ending)
            rows.append((row, event))
            self.next_row = row + 1
        return Joined(rows=rows, endings=endings, late=late)

    def expire(self, now: int) -> Iterator[Ending]:
        """The ends of groups whose last request is longer ago than `idle`, at `now` in the log's own time."""
        for key, group in list(self.groups.items()):
            if now - group.last > self.idle:
                del self.groups[key]
                self._touched.add(key)
                yield _end_of(group)

    def changes(self) -> Changes:
        """What was opened, changed or closed since this was last asked."""
        changes = Changes(
            sessions=self._changed,
            ends=self._changed_ends,
            groups={key: self.groups.get(key) for key in self._touched},
        )
        self._changed, self._changed_ends, self._touched, self._new = {}, {}, set(), set()
        return changes

    def _end_behind(self, session: str, begun: int) -> int | None:
        """The row of an end that came before its beginning did; one that was earlier is of another session of that id."""
        known = self._ends.pop(session, None)
        if known is None:
            return None
        self._changed_ends[session] = None
        row, time = known
        return row if begun <= time + DISORDER else None

    def _begin(self, session: str, row: int) -> None:
        if session not in self.sessions and session not in self._changed:
            self._new.add(session)
        self.sessions[session] = self._changed[session] = row
        if len(self.sessions) > MAX_OPEN:
            self._forget(self.sessions.popitem(last=False)[0])

    def _end(self, session: str, row: int) -> None:
        self._forget(session)
        self._remember(session, row)

    def _remember(self, session: str, row: int) -> None:
        """For lines about it that are still to come."""
        self._lately[session] = row
        if len(self._lately) >= LATELY:
            self._before, self._lately = self._lately, {}

    def _forget(self, session: str) -> None:
        """What began and ended since `changes` was last asked is no change."""
        if session in self._new:
            self._new.discard(session)
            del self._changed[session]
        else:
            self._changed[session] = None

    def _grouped(self, event: Access, endings: list[Ending]) -> tuple[int, Access] | None:
        key = (event.name, event.address, event.client, event.protocol)
        group = self.groups.get(key)
        self._touched.add(key)
        if group is not None and abs(event.time - group.last) <= self.idle:
            group.last = max(group.last, event.time)
            group.at = event.at
            group.requests += 1
            group.bytes_in = _sum(group.bytes_in, event.bytes_in)
            group.bytes_out = _sum(group.bytes_out, event.bytes_out)
            return None
        if group is not None:
            endings.append(_end_of(group))
        self.groups[key] = Group(
            access=self.next_row,
            at=event.at,
            last=event.time,
            requests=1,
            bytes_in=event.bytes_in,
            bytes_out=event.bytes_out,
        )
        self.next_row += 1
        return self.next_row - 1, event


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _end_of(group: Group) -> Ending:
    return Ending(
        access=group.access,
        at=group.at,
        time=group.last,
        requests=group.requests,
        bytes_in=group.bytes_in,
        bytes_out=group.bytes_out,
    )


def _ending(row: int, event: Access, time: int | None) -> Ending:
    return Ending(
        access=row,
        at=event.at,
        time=time,
        reason=event.reason,
        bytes_in=event.bytes_in,
        bytes_out=event.bytes_out,
        bodies=event.bodies,
        body_bytes=event.body_bytes,
        headers=event.headers,
        header_bytes=event.header_bytes,
        deleted=event.deleted,
        expunged=event.expunged,
    )
