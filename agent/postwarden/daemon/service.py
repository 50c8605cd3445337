"""One life of the daemon: start, ticks, signals, watchdog, end."""

import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from postwarden import __version__, logs
from postwarden.config.locate import state_folder
from postwarden.config.settings import Config
from postwarden.daemon import running, systemd
from postwarden.daemon.board import Board
from postwarden.daemon.books import Books
from postwarden.daemon.clock import Clock
from postwarden.daemon.policy import InForce, Policy, load_policy, with_accounts
from postwarden.daemon.running import Running
from postwarden.daemon.sweeper import Sweeper
from postwarden.errors import (
    ConfigError,
    HistoryError,
    LedgerError,
    LedgerUnsound,
    LedgerUnsynced,
    PostwardenError,
)
from postwarden.pipeline.deliver import Courier
from postwarden.pipeline.directory import unasked
from postwarden.pipeline.log_sources import has_logs
from postwarden.pipeline.record import Recorder
from postwarden.pipeline.unsound_alarm import tell_unsound

#: Seconds from tick to tick, with an interval of more than 100 seconds.
TICK = 5.0
#: Seconds that the last records get at the end.
LAST_RECORDS = 5.0
#: Seconds without a tick, without the end of any reading while there are some, and with a failing ledger, after
#: which systemd hears no more from us.
LATE_TICK, LATE_READING, LATE_LEDGER = 60.0, 1800.0, 120.0

#: Seconds from one look at the logs to the next, where something comes and where nothing does; and that the last one gets:
#: what it has not stored is read again.
LISTEN, LISTEN_LEAST, LAST_LINES = 1.0, 8.0, 5.0

#: Seconds from one look for what notifiers are to be told to the next, and that the last notice gets at the end:
#: what is not recorded by then is sent again.
TELL, LAST_NOTICE = 2.0, 2.0

#: Seconds after the start that witnesses and others who take their time are first told.
FIRST_CHECKPOINT = 5.0
#: Who tells of a ledger that is not sound.
ACTOR = "postwarden run"

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

#: Opens the recorder on the state folder of a configuration.
OpenRecorder = Callable[[Config], Recorder]


class Service:
    """The daemon on the configuration at `path`."""

    def __init__(self, path: Path, open_recorder: OpenRecorder, clock: Clock | None = None) -> None:
        self._path, self._open_recorder = path, open_recorder
        self._clock = clock or Clock()
        self._log = logs.get("daemon")
        self._stop = self._reload = False
        self._failure: BaseException | None = None
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._recording = threading.Event()
        self._ended = threading.Event()
        self._last_tick = self._last_fed = self._clock.steady()

    def run(self) -> None:
        """Sweeps until SIGTERM or SIGINT.

        Raises ConfigError or RuleError where it cannot begin, LedgerUnsound where the ledger is not sound, and
        LedgerUnsynced where a sync of it failed.
        """
        policy = load_policy(str(self._path))
        self._state = state_folder(policy.config)
        board = Board(self._clock.now, self._clock.steady, self._remember)
        board.adopt(policy)
        self._in_force, self._board = InForce(policy), board
        self._courier = Courier(policy.notifiers, self._clock.steady)
        self._books = Books(lambda: self._open_recorder(policy.config), self._begin, self._clock.steady)
        with self._signals(), self._alarmed():
            with self._books.held():
                # Whose state folder it is has been looked at.
                pass
            try:
                with running.alone(self._state):
                    self._sweeper = Sweeper(self._in_force, board, self._books, self._clock, self._state)
                    self._live()
            finally:
                self._books.close()
            if self._failure is not None:
                raise self._failure

    @contextmanager
    def _alarmed(self) -> Iterator[None]:
        """A ledger that is not sound ends the daemon, and is told without a record: none may be signed."""
        try:
            yield
        except LedgerUnsound as exc:
            tell_unsound(
                exc,
                self._policy.notifiers,
                self._state / "ledger",
                origin=self._policy.config.ledger.origin or "",
                now=self._clock.now(),
                actor=ACTOR,
                agent=f"postwarden/{__version__}",
            )
            raise

    def _live(self) -> None:
        self._started = self._clock.now()
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        # It warns of each tick that is left out because the last one still runs; late ticks are our own watch's business.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._schedule(scheduler)
        self._recording.set()
        recorder = threading.Thread(target=self._record, name="record", daemon=True)
        recorder.start()
        courier = threading.Thread(target=self._notify, name="notify", daemon=True)
        courier.start()
        listener = threading.Thread(target=self._listen, name="logs", daemon=True)
        listener.start()
        threading.Thread(target=self._publish, name="checkpoints", daemon=True).start()
        scheduler.start()
        self._tell("READY=1", "STATUS=sweeping")
        self._log.info(
            "started",
            accounts=len(self._policy.accounts),
            sources=len(self._policy.sources),
            rules=len(self._policy.book.rules),
        )
        try:
            self._watch(scheduler, recorder)
        finally:
            self._end(scheduler, recorder, courier, listener)

    def _watch(self, scheduler: BackgroundScheduler, recorder: threading.Thread) -> None:
        period = systemd.watchdog_seconds()
        beat = min(1.0, period / 3) if period is not None else 1.0
        while not self._stop and self._failure is None:
            select.select([self._wake_read], [], [], beat)
            with suppress(BlockingIOError):
                os.read(self._wake_read, 64)
            if self._reload:
                self._reload = False
                self._load_anew(scheduler)
            steady = self._clock.steady()
            if steady - self._last_tick > 2 * self._tick_seconds + 1:
                # The scheduler waits by the wall clock, which was set back.
                with suppress(JobLookupError):
                    scheduler.modify_job("tick", next_run_time=datetime.now(UTC))  # noqa: TID251 - APScheduler's own clock
            if period is not None and steady - self._last_fed >= period / 3 and self._is_well(recorder):
                self._last_fed = steady
                self._tell("WATCHDOG=1")

    def _is_well(self, recorder: threading.Thread) -> bool:
        """Whether ticks come, readings end and the ledger takes records."""
        steady, readers = self._clock.steady(), self._sweeper.readers
        stuck = bool(readers.busy()) and steady - readers.last_end > LATE_READING
        late = steady - self._last_tick > LATE_TICK + self._tick_seconds
        return recorder.is_alive() and not stuck and not late and self._books.failing_for < LATE_LEDGER

    def _end(
        self,
        scheduler: BackgroundScheduler,
        recorder: threading.Thread,
        courier: threading.Thread,
        listener: threading.Thread,
    ) -> None:
        failure = self._failure
        why = f"STATUS=stopped: {_one_line(failure)}" if failure is not None else "STATUS=stopping"
        self._tell("STOPPING=1", why)
        self._sweeper.readers.stop()
        scheduler.shutdown(wait=True)
        self._recording.clear()
        self._ended.set()
        recorder.join(LAST_RECORDS)
        courier.join(LAST_NOTICE)
        listener.join(LAST_LINES)
        if failure is not None:
            self._log.error("stopped", error=_one_line(failure))
        else:
            self._log.info("stopped")

    def _tick(self) -> None:
        with self._guarded("tick_failed"):
            self._sweeper.take()
            self._say()
        self._last_tick = self._clock.steady()

    def _record(self) -> None:
        """The thread that records: while there is something, and once more at the end."""
        while self._failure is None:
            found = False
            with self._guarded("not_recorded"):
                # Where the ledger does not take it, what was read is still due, and comes again.
                found = self._sweeper.record_some(wait=0.5 if self._recording.is_set() else 0)
            if not found and not self._recording.is_set():
                return

    def _notify(self) -> None:
        """The thread that tells the notifiers what changed; sending holds no lock of the ledger."""
        while not self._ended.wait(TELL) and self._failure is None:
            with self._guarded("notices_not_recorded"):
                for one in self._courier.turn(self._books.held, self._state):
                    if one.failure is not None:
                        self._log.warning(
                            "notice_failed",
                            notifier=one.delivery.to.name,
                            notice=one.delivery.notice.key,
                            error=one.failure,
                        )

    def _publish(self) -> None:
        """The thread that tells witnesses and others who take their time; it holds no lock of the ledger."""
        wait = FIRST_CHECKPOINT
        while not self._ended.wait(wait) and self._failure is None:
            with self._guarded("checkpoint_not_out"):
                with self._books.held() as recorder:
                    out = recorder.out
                out.tell_all()
                wait = out.outside.every * 60.0

    def _listen(self) -> None:
        """The thread that follows the logs, where there are any; what it stores needs no lock of the ledger."""
        while not has_logs(self._policy.config):
            if self._ended.wait(LISTEN_LEAST) or self._failure is not None:
                return
        # Who has no logs does not carry what reads them.
        from postwarden.daemon.listening import Listening

        listening = Listening(self._in_force, self._books, self._clock, self._state)
        wait = LISTEN
        while not self._ended.is_set() and self._failure is None:
            with self._guarded("logs_not_read"):
                # Where nothing comes, looking is more seldom.
                wait = LISTEN if listening.turn(self._ended) else min(2 * wait, LISTEN_LEAST)
            self._ended.wait(wait)
        listening.close()

    def _remember(self, policy: Policy) -> dict[str, Any]:
        """What sources remember from the beginning: those with logs the history, as far as it is asked."""
        if not has_logs(policy.config):
            return {}
        from postwarden.pipeline.reading_logs import memory_of

        return memory_of(policy.config, self._state, self._clock.now, self._clock.steady)

    @contextmanager
    def _guarded(self, event: str) -> Iterator[None]:
        """A ledger that cannot be written now is waited for; a failed sync, and whatever else fails, ends the daemon."""
        try:
            yield
        except LedgerUnsound as exc:
            self._fail(exc)
        except LedgerUnsynced as exc:
            if self._failure is None:
                self._log.critical("ledger_not_synced", error=str(exc), hint=exc.hint)
            self._fail(exc)
        except (LedgerError, HistoryError) as exc:
            self._log.error(event, error=str(exc), hint=exc.hint)
        except BaseException as exc:  # noqa: BLE001 - it is raised again by the thread that can tell
            self._fail(exc)

    def _fail(self, exc: BaseException) -> None:
        self._failure = self._failure or exc
        self._wake()

    def _load_anew(self, scheduler: BackgroundScheduler) -> None:
        """SIGHUP: the new configuration and rules, or, where they are broken, the old ones still."""
        with suppress(OSError):
            systemd.reloading()
        begin = self._clock.steady()
        try:
            policy = load_policy(str(self._path))
            self._refuse_other_state(policy)
            self._board.adopt(policy)
        except PostwardenError as exc:
            self._sweeper.refused = str(exc)
            self._log.error("configuration_refused", error=str(exc), hint=exc.hint)
            self._sweeper.forget()
        else:
            self._in_force.policy = policy
            self._courier = Courier(policy.notifiers, self._clock.steady)
            self._sweeper.refused = None
            self._sweeper.adopt()
            with self._guarded("configuration_not_recorded"), self._books.held() as recorder:
                self._begin(recorder)
            self._schedule(scheduler)
            self._log.info(
                "configuration_in_force",
                seconds=round(self._clock.steady() - begin, 3),
                rules=len(policy.book.rules),
                digest=policy.book.digest,
            )
        self._tell("READY=1")

    def _refuse_other_state(self, policy: Policy) -> None:
        config, old = policy.config, self._policy.config
        if state_folder(config) != self._state or config.ledger != old.ledger:
            raise ConfigError(
                "names another state folder, or changes [ledger]",
                "restart postwarden for that",
                path=str(config.path),
                key="state",
            )

    def _begin(self, recorder: Recorder) -> None:
        """What each opened ledger is told first: what is in force, and what is to be swept."""
        self._recall(recorder)
        policy, now = self._policy, self._clock.now()
        recorder.configuration(policy.raw, policy.book.digest)
        self._courier.begin(recorder)
        recorder.change_sweeps(lambda sweeps: sweeps.plan(policy.wanted(), now, policy.interval))

    def _recall(self, recorder: Recorder) -> None:
        """Until a source has told its accounts, those count that it told when it was last asked."""
        policy = self._policy
        names = [entry.source for entry in policy.config.accounts.entries if entry.source not in policy.told]
        if names:
            unknown = {name: unasked(name) for name in names}
            self._in_force.policy = with_accounts(
                policy, {**policy.told, **unknown}, recorder.store.accounts()
            )

    @property
    def _policy(self) -> Policy:
        return self._in_force.policy

    @property
    def _tick_seconds(self) -> float:
        return min(TICK, max(0.2, self._policy.config.daemon.interval / 20))

    def _schedule(self, scheduler: BackgroundScheduler) -> None:
        scheduler.add_job(
            self._tick,
            "interval",
            seconds=self._tick_seconds,
            id="tick",
            replace_existing=True,
            next_run_time=datetime.now(UTC) + timedelta(milliseconds=10),  # noqa: TID251 - APScheduler's own clock
        )

    def _say(self) -> None:
        """Writes what `postwarden status` and `systemctl status` show."""
        readers, steady = self._sweeper.readers, self._clock.steady()
        busy, waiting = readers.busy(), readers.waiting
        running.write(
            self._state,
            Running(
                pid=os.getpid(),
                started=self._started,
                time=self._clock.now(),
                queued=waiting,
                reading=tuple(
                    running.Reading(
                        scope=one.work.scope.key,
                        sources=one.work.sources,
                        seconds=max(0, int(steady - one.since)),
                    )
                    for one in busy
                ),
                configuration_refused=self._sweeper.refused,
            ),
        )
        refused = "; the configuration on the disk was refused" if self._sweeper.refused else ""
        self._tell(
            f"STATUS={len(self._policy.accounts)} accounts, {len(busy)} being read, {waiting} queued{refused}"
        )

    def _tell(self, *lines: str) -> None:
        try:
            systemd.tell(*lines)
        except OSError as exc:
            self._log.warning("systemd_not_told", error=str(exc))

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Our handlers only take a note: the loop that waits is woken through a pipe, and acts."""
        before = {number: signal.signal(number, self._heard) for number in _SIGNALS}
        woken = signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._reload = True
        else:
            self._stop = True

    def _wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake_write, b"\0")


def _one_line(failure: BaseException) -> str:
    return " ".join(str(failure).split())
