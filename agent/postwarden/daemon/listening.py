"""Following the logs: what is new goes into the history, days that are over into the ledger."""

import threading
from datetime import date
from pathlib import Path

from postwarden import logs
from postwarden.daemon.books import Books
from postwarden.daemon.clock import Clock
from postwarden.daemon.policy import InForce, Policy
from postwarden.errors import ConfigError, HistoryBusy
from postwarden.history.history import History, open_history
from postwarden.pipeline.history_days import close_days, prune
from postwarden.pipeline.hunting import hunt, record_hunt
from postwarden.pipeline.indicator_folder import read_folder
from postwarden.pipeline.judging_access import judge_access, scoring_for, telling_for
from postwarden.pipeline.log_readers import LogReader, log_readers
from postwarden.pipeline.scoring import Scoring

#: Seconds between two looks whether a day is over.
DAYS = 600.0
#: Seconds that a service with much to tell is read before the other logs have their turn.
AT_ONCE = 10.0
#: Seconds between two looks at what is new by habits, and after which whose addresses are is looked up anew.
SCORED, TOLD = 5.0, 600.0
#: The reason that stands in the record of a hunt by the daemon.
DAILY = "daily, for the folder of indicators"


class Listening:
    """Called by one thread."""

    def __init__(self, in_force: InForce, books: Books, clock: Clock, state: Path) -> None:
        self._in_force, self._books, self._clock, self._state = in_force, books, clock, state
        self._policy: Policy | None = None
        self._readers: tuple[LogReader, ...] = ()
        self._closed_at = float("-inf")
        self._history: History | None = None
        self._hunted: date | None = None
        self._scoring: Scoring | None = None
        self._scored_at = self._told_at = float("-inf")
        self._log = logs.get("daemon")

    def turn(self, ended: threading.Event) -> bool:
        """One look at every log, or less where the daemon ends; whether something was new.

        Raises HistoryError and LedgerError.
        """
        self._follow_policy()
        if not self._readers:
            return False
        history = self._opened()
        try:
            with history.writing() as storing:
                lines = 0
                for reader in self._readers:
                    for step in reader.turn(history, storing):
                        lines += step.lines
                        if ended.is_set():
                            return True
                self._look_at_days(history)
            self._score(history)
        except HistoryBusy:
            # A command reads the logs just now; the next look finds what it left.
            return False
        return lines > 0

    def close(self) -> None:
        if self._history is not None:
            self._history.close()

    def _opened(self) -> History:
        if self._history is not None and not self._history.is_in_place():
            self._log.warning("history_replaced")
            self._history.close()
            self._history = None
        if self._history is None:
            self._history = open_history(self._state, create=True)
        return self._history

    def _score(self, history: History) -> None:
        """What is new is judged by each account's habits."""
        steady, policy = self._clock.steady(), self._in_force.policy
        if steady - self._scored_at < SCORED:
            return
        accounts = {one.key: one for one in policy.accounts.values()}
        if self._scoring is None:
            self._scoring = scoring_for(self._state, policy.config, accounts, history)
            self._told_at = steady
        elif steady - self._told_at >= TOLD:
            self._scoring.telling = telling_for(policy.config, accounts, history)
            self._told_at = steady
        turn = judge_access(
            self._scoring, history, self._books.held, accounts, policy.config, self._clock.now
        )
        self._scored_at = self._clock.steady()
        if turn.anew:
            self._log.info("scored_anew", sessions=turn.scored, windows=len(turn.windows))

    def _look_at_days(self, history: History) -> None:
        if self._clock.steady() - self._closed_at < DAYS:
            return
        config = self._in_force.policy.config
        with self._books.held() as recorder:
            close_days(history, recorder, self._clock.now())
            prune(history, recorder, self._clock.now(), config.history.days)
        self._closed_at = self._clock.steady()
        self._hunt(history)

    def _hunt(self, history: History) -> None:
        """Once a day, what is in the folder of indicators is looked for in all of the history."""
        policy = self._in_force.policy
        today = self._clock.now().date()
        if policy.config.history.indicators is None or self._hunted == today:
            return
        read = read_folder(policy.config.folder / policy.config.history.indicators, self._clock.now())
        for problem in read.problems:
            self._log.warning("indicators_not_read", problem=problem)
        if read.indicators:
            now = int(self._clock.now().timestamp() * 1000)
            made = hunt(history, read.indicators, policy.accounts.values(), policy.config, now=now)
            with self._books.held() as recorder:
                record_hunt(recorder, made, DAILY, policy.book, policy.config, self._clock.now)
            self._log.info("hunted", indicators=len(read.indicators), hits=len(made.hits))
        self._hunted = today

    def _follow_policy(self) -> None:
        policy = self._in_force.policy
        if policy is self._policy:
            return
        before = self._policy
        self._policy = policy
        if before is not None and before.config == policy.config:
            return
        # Habits are made anew only where something changed that they depend on.
        self._scoring = None
        try:
            self._readers = log_readers(policy.config, self._clock.now, self._clock.steady, at_once=AT_ONCE)
        except ConfigError as exc:
            # The board refuses such a configuration; only a file that just changed can bring us here.
            self._log.error("logs_not_opened", error=str(exc), hint=exc.hint)
