"""What is due goes out to the readers; what they read comes back, is judged and recorded."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from postwarden import logs
from postwarden.daemon import health
from postwarden.daemon.board import Board
from postwarden.daemon.books import Books
from postwarden.daemon.clock import Clock, Steps
from postwarden.daemon.health import Round, Troubles
from postwarden.daemon.policy import InForce, Policy, with_accounts
from postwarden.daemon.readers import Read, Readers, Work, not_read
from postwarden.errors import LedgerError
from postwarden.model.reading import OwnSession
from postwarden.model.scope import Scope
from postwarden.pipeline.audit import acceptance, judged
from postwarden.pipeline.collect import conclude
from postwarden.pipeline.record import Conclusion, Recorder

#: Works that are taken ahead of the readers: enough for one tick.
READY = 512
#: Scopes that one commit records at most, and seconds that it waits for more of them: a commit costs the same for one.
BATCH, GATHER = 256, 0.25
#: Seconds between two looks at the agent's own health.
HEALTH = 60.0


class Sweeper:
    """The two halves of a sweep. `take` and `record_some` are called by one thread each."""

    def __init__(self, in_force: InForce, board: Board, books: Books, clock: Clock, state: Path) -> None:
        self._in_force = in_force
        self.refused: str | None = None
        self.readers = Readers(board, in_force.policy.config.daemon.at_once, clock.steady)
        self._board, self._books, self._clock, self._state = board, books, clock, state
        self._lock = threading.Lock()
        self._in_hand: set[Scope] = set()
        self._round = Round(clock.steady())
        self._steps = Steps(clock)
        self._seen_steps: list[tuple[datetime, timedelta]] = []
        self._told: dict[tuple[str, str], str] = {}
        self._told_at = self._looked_at = float("-inf")
        self._log = logs.get("daemon")

    @property
    def policy(self) -> Policy:
        return self._in_force.policy

    def adopt(self) -> None:
        """Sweeps by the new policy that is in force from now on; the board has its sources already."""
        policy = self.policy
        self.readers.resize(policy.config.daemon.at_once)
        self._looked_at = float("-inf")

    def take(self) -> None:
        """One tick: what is due goes to the readers, with the intent in the ledger before."""
        self._board.look()
        with self._books.held() as recorder:
            # Reading up to the checkpoint also shows whether the ledger is still what it was.
            recorder.refresh()
            self._follow_clock(recorder)
            works = self._due(recorder)
            if works:
                recorder.start_sweep(_by_sources(works))
            with self._lock:
                self._in_hand.update(work.scope for work in works)
            self._look_at_health(recorder)
        self.readers.offer(works)

    def record_some(self, wait: float) -> bool:
        """Waits so many seconds for something that was read, and records what is there; False for nothing."""
        reads = self._reads(wait)
        opened = list(_drained(self.readers.opened))
        if not reads and not opened:
            return False
        policy = self.policy
        try:
            with self._books.held() as recorder:
                # Those of readings that have ended are in the records of these.
                ended = {
                    item
                    for read in reads
                    for part in read.parts
                    for item in part.items
                    if isinstance(item, OwnSession)
                }
                recorder.opened([one for one in opened if one not in ended])
                policy = self._listed(reads, policy, recorder)
                done = [self._conclude(read, policy, recorder) for read in reads if read.parts]
                if done:
                    recorder.finish_all(done, rules=policy.book.ids)
        finally:
            # What could not be recorded is still due.
            with self._lock:
                self._in_hand.difference_update(read.work.scope for read in reads)
        for one in done:
            self._round.add({row.source for row in one.reading.coverage}, one.reading.excess)
        return True

    def _reads(self, wait: float) -> list[Read]:
        """What was read, after so many seconds at most."""
        try:
            reads = [self.readers.results.get(timeout=wait)]
        except queue.Empty:
            return []
        if wait:
            # What else is read in this moment goes into the same commit.
            time.sleep(GATHER)
        while len(reads) < BATCH:
            try:
                reads.append(self.readers.results.get_nowait())
            except queue.Empty:
                break
        return reads

    def _listed(self, reads: Sequence[Read], policy: Policy, recorder: Recorder) -> Policy:
        """The policy with the accounts that sources just told; who is new is planned, who is gone no longer swept."""
        told = {read.work.scope.key: read.told for read in reads if read.told is not None}
        if not told or policy is not self.policy:
            return policy
        fresh = with_accounts(policy, {**policy.told, **told}, recorder.store.accounts())
        if fresh.accounts != policy.accounts:
            now = self._clock.now()
            recorder.change_sweeps(lambda sweeps: sweeps.plan(fresh.wanted(), now, fresh.interval))
            self._log.info("accounts_listed", sources=sorted(told), accounts=len(fresh.accounts))
        self._in_force.policy = fresh
        return fresh

    def _follow_clock(self, recorder: Recorder) -> None:
        step, now = self._steps.look(), self._clock.now()
        if step is not None:
            self._log.warning("clock_stepped", seconds=round(step.total_seconds()))
            self._seen_steps = [*self._seen_steps[-9:], (now, step)]
            self._looked_at = float("-inf")
            recorder.change_sweeps(lambda sweeps: sweeps.shift(step, now))
        if recorder.store.sweeps.ahead(now):
            recorder.change_sweeps(lambda sweeps: sweeps.pull_in(now))

    def _due(self, recorder: Recorder) -> list[Work]:
        room = READY - self.readers.waiting
        if room <= 0:
            return []
        with self._lock:
            in_hand = set(self._in_hand)
        policy = self.policy
        # A scope has a row for each of its sources.
        most = (room + len(in_hand)) * max(1, len(policy.sources))
        due = recorder.store.sweeps.due(self._clock.now(), most)
        works = (self._work(scope, policy) for scope in due if scope not in in_hand)
        return [work for work in works if work is not None][:room]

    def _work(self, scope: Scope, policy: Policy) -> Work | None:
        if scope.kind == "source":
            return Work(scope=scope, account=None, sources=(scope.key,))
        account = policy.accounts.get(scope.key)
        if account is None:
            return None
        return Work(scope=scope, account=account, sources=policy.sources_of(account))

    def _conclude(self, read: Read, policy: Policy, recorder: Recorder) -> Conclusion:
        work = read.work
        about = work.account
        if about is None:
            opened = self._board.get(work.scope.key)
            accepted = (
                acceptance(policy.config, opened.source, self._clock.now)
                if opened is not None
                else lambda _source, _check: None
            )
        else:
            accepted = acceptance(policy.config, about, self._clock.now)
        try:
            reading = conclude(work.scope, read.parts, accepted, recorder.keep)
            return judged(
                work.account,
                reading,
                policy.everybody,
                policy.book,
                policy.config,
                recorder,
                self._clock.now(),
            )
        except LedgerError:
            raise
        except Exception:  # noqa: BLE001 - a mailbox that we stumble over must not end the watch over all others
            self._log.exception("bug_while_judging", scope=work.scope.key)
            parts = [not_read(work.scope, part.source, part.checks) for part in read.parts]
            return Conclusion(
                account=work.account,
                reading=conclude(work.scope, parts, accepted, recorder.keep),
                findings=(),
            )

    def _look_at_health(self, recorder: Recorder) -> None:
        """Records how the agent is where that changed, and once an interval."""
        steady, policy = self._clock.steady(), self.policy
        interval = float(policy.config.daemon.interval)
        self._round.look(steady, interval, policy.sources)
        if steady - self._looked_at < min(HEALTH, interval / 2):
            return
        self._looked_at = steady
        now = self._clock.now()
        told = dict(
            health.settings(
                recorder.store,
                Troubles(steps=tuple(self._seen_steps), beyond_need=self._round.known, refused=self.refused),
                notifiers=[one.name for one in policy.notifiers],
                state=self._state,
                disk_low=policy.config.daemon.disk_low,
                now=now,
            )
        )
        if told == self._told and steady - self._told_at < interval:
            return
        reading = health.reading(told, origin=recorder.ledger.origin, now=now, keep=recorder.keep)
        done = judged(None, reading, policy.everybody, policy.book, policy.config, recorder, now)
        recorder.finish_all([done], rules=policy.book.ids)
        self._told, self._told_at = told, steady

    def forget(self) -> None:
        """Makes the next look at the health record it, whatever it was."""
        self._looked_at = float("-inf")


def _drained(sessions: "queue.SimpleQueue[OwnSession]") -> Iterator[OwnSession]:
    while True:
        try:
            yield sessions.get_nowait()
        except queue.Empty:
            return


def _by_sources(works: Sequence[Work]) -> dict[tuple[str, ...], list[Scope]]:
    found: dict[tuple[str, ...], list[Scope]] = {}
    for work in works:
        found.setdefault(work.sources, []).append(work.scope)
    return found
