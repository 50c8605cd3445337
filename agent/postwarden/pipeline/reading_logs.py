"""One pass over all logs: into the history, days closed, old ones removed."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from postwarden.config.settings import Config
from postwarden.connectors.recall import RECALL
from postwarden.history.history import History, open_history
from postwarden.history.storing import Storing
from postwarden.pipeline.history_days import close_days, prune
from postwarden.pipeline.ingest import Progress
from postwarden.pipeline.log_readers import LogReader, log_readers
from postwarden.pipeline.log_sources import LOG_FILES, has_log
from postwarden.pipeline.recall import HistoryRecall
from postwarden.pipeline.recall_sign_ins import HistoryOfSignIns
from postwarden.pipeline.record import Recorder

#: Is told of each step.
Tell = Callable[[Progress], None]


def read_logs(
    config: Config, state: Path, recorder: Recorder, clock: Callable[[], datetime], tell: Tell
) -> None:
    """Takes in what is new in every log, and closes days that are over.

    Raises HistoryBusy where another process does so just now, HistoryError where it cannot be stored.
    """
    readers = log_readers(config, clock, monotonic)
    with open_history(state, create=True) as history, history.writing() as storing:
        turn(readers, history, storing, tell)
        close_days(history, recorder, clock())
        prune(history, recorder, clock(), config.history.days)


def turn(readers: Iterable[LogReader], history: History, storing: Storing, tell: Tell) -> None:
    """One look at each log."""
    for reader in readers:
        for step in reader.turn(history, storing):
            tell(step)


def memory_of(
    config: Config, state: Path, clock: Callable[[], datetime], steady: Callable[[], float]
) -> dict[str, Any]:
    """What sources with logs remember: the history, which answers for them."""
    of_files = HistoryRecall(state, config, clock, steady)
    of_services = HistoryOfSignIns(state, clock)
    return {
        entry.name: {RECALL: of_files if entry.kind == LOG_FILES else of_services}
        for _, entry in config.watched
        if has_log(entry)
    }
