"""The sources as they are open now.

A source is opened anew for each pass, since it remembers what failed in a pass: so a refused log-in is tried once an
interval, and with each refused pass more seldom. What lies on the disk, a secret or a certificate, is looked at
all the time, and a change of it opens the source at once.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from postwarden import logs
from postwarden.connectors import Source, open_source, prepare
from postwarden.daemon.policy import Policy
from postwarden.errors import ConfigError, SecretError
from postwarden.model.reading import CheckDone, Gap
from postwarden.pipeline.collect import Part
from postwarden.pipeline.directory import check_directories, entry_of

#: Intervals that a refused log-in rests at most, and seconds until an unreachable source is tried anew.
MOST_REST = 16
RETRY = 60.0

#: Keys of a source's options that name files.
_FILES = {"file", "table", "ca_file", "token_ca_file"}

Stamp = tuple[tuple[str, int, int, int], ...]


class Opened:
    """A source for one pass, and what came of it so far."""

    __slots__ = ("refused", "since", "source", "stamp", "unreachable", "worked")

    def __init__(self, source: Source, since: float, stamp: Stamp) -> None:
        self.source = source
        self.since = since
        self.stamp = stamp
        self.refused = self.unreachable = self.worked = False

    def heard(self, part: Part) -> None:
        """Takes in how the reading of an account ended; what a source says about itself may need no log-in."""
        reasons = {item.reason for item in part.items if isinstance(item, Gap)}
        if any(isinstance(item, CheckDone) for item in part.items):
            self.worked = True
        elif "refused" in reasons:
            self.refused = True
        elif "unreachable" in reasons:
            self.unreachable = True


class Board:
    """All sources of the policy in force. `steady` is a clock that nobody sets.

    `remember` gives what sources are to remember from the beginning, by their names.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        steady: Callable[[], float],
        remember: Callable[[Policy], dict[str, Any]] = lambda _: {},
    ) -> None:
        self._clock, self._steady, self._remember = clock, steady, remember
        self._policy: Policy | None = None
        self._open: dict[str, Opened] = {}
        self._refusals: dict[str, int] = {}
        # What sources keep from pass to pass; with another policy they begin anew.
        self._memory: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._log = logs.get("daemon")

    def adopt(self, policy: Policy) -> None:
        """Opens every source of a new policy; raises ConfigError, and keeps the old ones, where one cannot be."""
        memory = self._remember(policy)
        fresh = {entry.name: self._opened(policy, index, memory) for index, entry in policy.config.watched}
        if not fresh:
            raise ConfigError(
                "no source is configured",
                "uncomment a [[source]] and fill it in, then run postwarden check-config",
                path=str(policy.config.path),
            )
        check_directories(policy.config, [opened.source for opened in fresh.values()])
        with self._lock:
            self._policy, self._open, self._refusals, self._memory = policy, fresh, {}, memory

    def get(self, name: str) -> Opened | None:
        """The source as it is open, or None for one that is no longer configured."""
        return self._open.get(name)

    def is_directory(self, name: str) -> bool:
        """Whether the accounts of this source are taken from itself."""
        return self._policy is not None and entry_of(self._policy.config, name) is not None

    def connections(self) -> Mapping[str, int]:
        return {name: opened.source.connections for name, opened in self._open.items()}

    def look(self) -> None:
        """Opens anew what is to be: after its interval, or where its files changed."""
        with self._lock:
            assert self._policy is not None
            self._look(self._policy)

    def _look(self, policy: Policy) -> None:
        for index, entry in policy.config.watched:
            opened = self._open[entry.name]
            if _stamp(entry.options, policy.config.folder) != opened.stamp:
                self._refusals.pop(entry.name, None)
                self._log.info("source_changed", source=entry.name)
            elif self._steady() - opened.since < self._rest(
                entry.name, opened, policy.config.daemon.interval
            ):
                continue
            try:
                self._open[entry.name] = self._opened(policy, index, self._memory)
            except ConfigError as exc:
                # The one that is open goes on; what it reads, or cannot, is recorded as ever.
                self._log.error("source_not_opened", source=entry.name, error=str(exc), hint=exc.hint)
                opened.since = self._steady()
                opened.stamp = _stamp(entry.options, policy.config.folder)

    def _rest(self, name: str, opened: Opened, interval: float) -> float:
        """How long a source stays as it is, in seconds."""
        if opened.refused and not opened.worked:
            refusals = self._refusals.setdefault(name, 0)
            rest = interval * min(1 << min(refusals, 10), MOST_REST)
            if self._steady() - opened.since >= rest:
                self._refusals[name] = refusals + 1
            return rest
        if opened.worked:
            self._refusals.pop(name, None)
        elif opened.unreachable:
            return min(RETRY, interval)
        return interval

    def _opened(self, policy: Policy, index: int, memory: dict[str, Any]) -> Opened:
        entry = policy.config.sources[index]
        stamp = _stamp(entry.options, policy.config.folder)
        source = open_source(entry, index, policy.config, self._clock, memory)
        first = next((one for one in policy.accounts.values() if one.is_at(entry.name)), None)
        try:
            prepare([source], [first] if first is not None else [], policy.config)
        except SecretError as exc:
            # Each account's reading will say so; the other sources go on meanwhile.
            self._log.error("secret_missing", source=entry.name, error=exc.message, hint=exc.hint)
        return Opened(source, self._steady(), stamp)


def _stamp(options: Mapping[str, Any], folder: Path) -> Stamp:
    """Which files a source's options name, and how to tell that they changed; nothing is read."""
    return tuple(_look(path) for path in sorted(set(_files(options, folder))))


def _files(options: Mapping[str, Any], folder: Path) -> Iterator[Path]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _files(value, folder)
        elif isinstance(value, str) and key in _FILES:
            yield folder / value
        elif isinstance(value, str) and key == "credential":
            yield Path(os.environ.get("CREDENTIALS_DIRECTORY", "/")) / value


def _look(path: Path) -> tuple[str, int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), status.st_mtime_ns, status.st_size, status.st_ino
