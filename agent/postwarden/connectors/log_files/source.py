"""The source kind `log_files`: which files, in which format, of which servers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from postwarden.connectors.log_files.following import COPIED, FINISHED, Follower, Unreadable
from postwarden.connectors.recall import RECALL
from postwarden.errors import ConfigError
from postwarden.formats.server_logs import (
    About,
    Decoder,
    Shows,
    grade_of,
    is_in_order,
    longest_line,
    open_log,
    shows,
)
from postwarden.model.account import Account
from postwarden.model.arrival import Cursor, Portion
from postwarden.model.reading import SAME_GRADE, Gap, Grade, Item
from postwarden.model.scope import Scope, account_scope, source_scope

#: Whether the files can be read and the log still comes; whether its lines are understood; whose addresses it has; which of
#: its sessions are ours.
LOG_FILES, LOG_LINES, ADDRESSES, OWN_SESSIONS = "log_files", "log_lines", "addresses", "own_sessions"
#: Whether the sessions that a log told were judged by habits.
ACCESS_WINDOWS = "access_windows"
#: Whether the databases are there that say where addresses are.
PLACES = "places"


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`files` are paths or patterns (`*`, `**`), the rotated ones with them; `format` says who wrote them.

    `zone` is the time zone of times that state none. `servers` names the sources whose servers write this log: their
    log-ins are ours. `arrival` says how it gets here. `lateness` is the seconds within which every line has come (measured
    where it is not given), `silent_after` the hours without a new line after which the log counts as stopped, `idle` the
    minutes between two requests without a session id that make them two sessions. More unread lines than `unread` in a
    thousand are a gap. `format_options` are the format's own.
    """

    files: tuple[str, ...]
    format: str
    zone: str = "UTC"
    servers: tuple[str, ...] = ()
    arrival: Literal["local", "mounted", "copied", "syslog", "journald"] = "local"
    lateness: Annotated[int, Meta(ge=1, le=30 * 86_400)] | None = None
    silent_after: Annotated[int, Meta(ge=1, le=24 * 366)] = 24
    idle: Annotated[int, Meta(ge=1, le=1_440)] = 30
    unread: Annotated[int, Meta(ge=0, le=1_000)] = 10
    format_options: dict[str, Any] = {}


class Recall(Protocol):
    """The port through which a log source says what its log has told, as evidence and gaps: whoever keeps the history
    fills it.
    """

    def of_source(self, source: "LogFiles") -> Iterator[Item]: ...

    def of_account(self, source: "LogFiles", account: Account) -> Iterator[Item]: ...


class LogFiles:
    """Logs in files. What is in them goes into the history; audits look there."""

    connections = 1
    remembers = True
    checks: tuple[str, ...] = (OWN_SESSIONS,)
    source_checks: tuple[str, ...] = (LOG_FILES, LOG_LINES, ADDRESSES, PLACES, OWN_SESSIONS, ACCESS_WINDOWS)
    grades: Mapping[str, Grade] = SAME_GRADE

    def __init__(
        self,
        name: str,
        options: Options,
        *,
        folder: Path,
        clock: Callable[[], datetime],
        memory: dict[str, Any],
    ) -> None:
        self.name, self.options, self.clock = name, options, clock
        self._recall: Recall | None = memory.get(RECALL)
        if not options.files:
            raise ConfigError("names no file", 'for example files = ["/var/log/dovecot.log*"]', key="files")
        try:
            ZoneInfo(options.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
            raise ConfigError(
                f"{options.zone!r} is no time zone", 'an IANA name, for example "Asia/Tokyo"', key="zone"
            ) from exc
        # The format's own options are wrong now or never.
        self.open_log(b"", None)
        self.grade: Grade = grade_of(options.format)
        self.in_order = is_in_order(options.format)
        self._follower = Follower(
            [str(folder / pattern) for pattern in options.files],
            longest_line(options.format),
            COPIED if options.arrival == "copied" else FINISHED,
        )

    def prepare(self, accounts: Sequence[Account]) -> None:
        """It needs no secret."""

    def read_source(self) -> Iterator[Item]:
        """How the log is, from what was stored of it."""
        if self._recall is None:
            return self._unread(source_scope(self.name), self.source_checks)
        return self._recall.of_source(self)

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the log says about an account that is worth judging."""
        if self._recall is None:
            return self._unread(account_scope(account.key), self.checks)
        return self._recall.of_account(self, account)

    def _unread(self, scope: Scope, checks: Sequence[str]) -> Iterator[Item]:
        for check in checks:
            yield Gap(
                scope=scope, source=self.name, check=check, reason="unreachable",
                message="nothing was read from this log: there is no history",
                hint="postwarden history read, or the daemon, reads logs; audit --no-record keeps none",
            )  # fmt: skip

    def shows(self) -> Shows:
        """What this log shows of log-ins."""
        return shows(self.options.format, self.options.format_options)

    def look(self, cursors: Sequence[Cursor], now: int) -> Iterator[Portion | Unreadable]:
        """What is new in the files; see `Follower.look`."""
        return self._follower.look(cursors, now)

    def open_log(self, state: bytes, modified: int | None) -> Decoder:
        """The decoder of one content, at its beginning or behind `state`; `modified` is its file's, in ms since 1970."""
        options = self.options
        try:
            return open_log(
                options.format,
                About(zone=options.zone, modified=modified, options=options.format_options),
                state,
            )
        except ConfigError as exc:
            key = exc.key if exc.key == "format" else ".".join(filter(None, ("format_options", exc.key)))
            raise ConfigError(exc.message, exc.hint, key=key) from exc
