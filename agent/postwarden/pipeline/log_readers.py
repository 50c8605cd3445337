"""Who takes logs into the history: a reader for each source that has some."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from postwarden.config.settings import Config
from postwarden.connectors import open_source
from postwarden.connectors.log_files.source import LogFiles
from postwarden.connectors.rest.sign_ins import SignInSource
from postwarden.history.history import History
from postwarden.history.storing import Storing
from postwarden.pipeline.ingest import Ingester, Progress
from postwarden.pipeline.ingest_sign_ins import SignInIngester
from postwarden.pipeline.log_sources import has_log


class LogReader(Protocol):
    """Whatever takes what is new of one source into a history."""

    def turn(self, history: History, storing: Storing) -> Iterator[Progress]: ...


def log_readers(
    config: Config,
    clock: Callable[[], datetime],
    steady: Callable[[], float],
    *,
    at_once: float | None = None,
) -> tuple[LogReader, ...]:
    """A reader for each source that has logs, those of files first, since services let one wait; raises ConfigError.

    A service that has much to tell is left after `at_once` seconds, and goes on in the reader's next turn.
    """
    files: list[LogReader] = []
    services: list[LogReader] = []
    for index, entry in config.watched:
        if not has_log(entry):
            continue
        source = open_source(entry, index, config, clock)
        if isinstance(source, LogFiles):
            files.append(Ingester(source, clock))
        elif isinstance(source, SignInSource):
            services.append(SignInIngester(source, clock, steady, at_once))
    return (*files, *services)
