"""The threads that wait for servers: so many in all, and of each source no more than it bears.

They are daemon threads: one that waits for a server is left behind when the program ends. Nothing is written here.
"""

import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from postwarden import logs
from postwarden.daemon.board import Board, Opened
from postwarden.model.account import Account
from postwarden.model.reading import Gap, OwnSession
from postwarden.model.scope import Scope
from postwarden.pipeline.collect import Part, read_account
from postwarden.pipeline.directory import ACCOUNTS, Told, ask

#: Readings that wait to be recorded at most; then the readers wait, so that memory is bounded.
AHEAD = 256


class Work(Struct, frozen=True, kw_only=True):
    """One scope to read: an account at its sources, or a source itself (`account` is None)."""

    scope: Scope
    account: Account | None
    sources: tuple[str, ...]


class Read(Struct, frozen=True, kw_only=True):
    """What came of it; `told` are the accounts of a source that was asked for them."""

    work: Work
    parts: tuple[Part, ...]
    told: Told | None = None


class Busy(Struct, frozen=True, kw_only=True):
    """One reading that is under way since `since`, on the steady clock."""

    work: Work
    since: float


class Readers:
    """Reads what is offered, in its order as far as the limits allow, and puts it into `results`."""

    def __init__(self, board: Board, most: int, steady: Callable[[], float]) -> None:
        self.results: queue.Queue[Read] = queue.Queue(maxsize=AHEAD)
        #: Sessions of ours that were just opened, to be recorded while they last.
        self.opened: queue.SimpleQueue[OwnSession] = queue.SimpleQueue()
        self._board, self._steady = board, steady
        self._change = threading.Condition()
        self._waiting: dict[tuple[str, ...], deque[Work]] = {}
        self._taken: Counter[str] = Counter()
        self._busy: dict[int, Busy] = {}
        self._most = 0
        self._stopped = False
        self.last_end = steady()
        self._log = logs.get("daemon")
        self.resize(most)

    def resize(self, most: int) -> None:
        """Allows so many readings at once; threads are never taken away, they only rest."""
        with self._change:
            for number in range(self._most, most):
                threading.Thread(target=self._run, args=(number,), name=f"read-{number}", daemon=True).start()
            self._most = max(self._most, most)
            self._allowed = most

    def offer(self, works: Iterable[Work]) -> None:
        with self._change:
            for work in works:
                self._waiting.setdefault(work.sources, deque()).append(work)
            self._change.notify_all()

    def stop(self) -> None:
        """Begins nothing more; what is under way is left behind."""
        with self._change:
            self._stopped = True
            self._waiting.clear()
            self._change.notify_all()

    @property
    def waiting(self) -> int:
        with self._change:
            return sum(len(works) for works in self._waiting.values())

    def busy(self) -> list[Busy]:
        with self._change:
            return list(self._busy.values())

    def _run(self, number: int) -> None:
        while (work := self._next(number)) is not None:
            try:
                told = self._ask(work)
                parts = tuple(self._read(work))
            finally:
                self._leave(number, work)
            if told is not None:
                parts = (told.part, *parts)
            self.results.put(Read(work=work, parts=parts, told=told))

    def _next(self, number: int) -> Work | None:
        with self._change:
            while not self._stopped:
                work = self._free()
                if work is not None:
                    self._taken.update(work.sources)
                    self._busy[number] = Busy(work=work, since=self._steady())
                    return work
                self._change.wait()
            return None

    def _free(self) -> Work | None:
        """The next work whose sources all bear one more."""
        if len(self._busy) >= self._allowed:
            return None
        connections = self._board.connections()
        for group, works in self._waiting.items():
            if works and all(self._taken[name] < connections.get(name, 1) for name in group):
                # The other groups get their turn next.
                self._waiting[group] = self._waiting.pop(group)
                return works.popleft()
        return None

    def _leave(self, number: int, work: Work) -> None:
        with self._change:
            self._taken.subtract(work.sources)
            del self._busy[number]
            self.last_end = self._steady()
            self._change.notify()

    def _ask(self, work: Work) -> Told | None:
        """The accounts of a source that is to be asked for them, whenever it is read itself."""
        opened = self._board.get(work.sources[0]) if work.account is None else None
        if opened is None or not self._board.is_directory(opened.source.name):
            return None
        try:
            return ask(opened.source)
        except Exception:  # noqa: BLE001 - as below
            self._log.exception("bug_while_listing", source=opened.source.name)
            part = not_read(work.scope, opened.source.name, (ACCOUNTS,))
            return Told(accounts=None, part=part)

    def _read(self, work: Work) -> Iterator[Part]:
        for name in work.sources:
            opened = self._board.get(name)
            if opened is not None:
                part = self._part(work, opened)
                if work.account is not None:
                    opened.heard(part)
                yield part

    def _part(self, work: Work, opened: Opened) -> Part:
        source = opened.source
        try:
            if work.account is not None:
                (part,) = read_account(work.account, [source], self.opened.put)
                return part
            return Part(
                source=source.name,
                checks=source.source_checks,
                grade=source.grade,
                grades=source.grades,
                items=tuple(source.read_source()),
            )
        except Exception:  # noqa: BLE001 - a mailbox that we stumble over must not end the watch over all others
            self._log.exception("bug_while_reading", source=source.name, scope=work.scope.key)
            checks = source.checks if work.account is not None else source.source_checks
            return not_read(work.scope, source.name, checks)


def not_read(scope: Scope, source: str, checks: tuple[str, ...]) -> Part:
    """A gap for every check, where a bug of ours kept us from reading or judging."""
    return Part(
        source=source,
        checks=checks,
        items=tuple(
            Gap(
                scope=scope,
                source=source,
                check=check,
                reason="malformed",
                message="reading it ran into a bug of ours",
                hint="the log has the traceback; please report it",
            )
            for check in checks
        ),
    )
