"""Whether logs can be read and understood, tried on their newest lines without keeping anything."""

from collections.abc import Callable, Iterator
from datetime import datetime

from postwarden.connectors.log_files.following import Unreadable
from postwarden.connectors.log_files.source import (
    ACCESS_WINDOWS,
    ADDRESSES,
    LOG_FILES,
    LOG_LINES,
    OWN_SESSIONS,
    PLACES,
    LogFiles,
)
from postwarden.history.shapes import sample_of
from postwarden.model.account import Account
from postwarden.model.reading import CheckDone, Gap, Item, NotSupported
from postwarden.model.scope import account_scope, source_scope

#: Portions that are looked at: enough to see whether the format is right.
PORTIONS = 3


class TriedLogs:
    """Fills the port `connectors.log_files.source.Recall` for `check-config`."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def of_source(self, source: LogFiles) -> Iterator[Item]:
        scope = source_scope(source.name)
        lines = unread = tried = 0
        sample = b""
        for item in source.look((), int(self._clock().timestamp() * 1000)):
            if isinstance(item, Unreadable):
                yield Gap(
                    scope=scope, source=source.name, check=LOG_FILES, reason=item.error.reason,
                    message=item.error.message, hint=item.error.hint, part=item.path,
                )  # fmt: skip
                continue
            if not item.data:
                continue
            decoded = source.open_log(b"", item.cursor.modified // 1_000_000).decode(item.data, item.start)
            lines, unread = lines + decoded.lines, unread + len(decoded.unread)
            sample = sample or next((line for _, line in decoded.unread), b"")
            tried += 1
            if tried == PORTIONS:
                break
        if not lines:
            yield Gap(
                scope=scope, source=source.name, check=LOG_FILES, reason="unreachable",
                message=f"no line was found in {', '.join(source.options.files)}",
                hint="name the server's log, and let the service's user read it",
            )  # fmt: skip
        if unread * 1000 > lines * source.options.unread:
            yield Gap(
                scope=scope, source=source.name, check=LOG_LINES, reason="malformed",
                message=f"{unread} of {lines} lines were not understood, such as {sample_of(sample)!r}",
                hint="look at format and format_options of the source",
            )  # fmt: skip
        for check in (LOG_FILES, LOG_LINES):
            yield CheckDone(scope=scope, source=source.name, check=check)
        for check in (ADDRESSES, PLACES, OWN_SESSIONS, ACCESS_WINDOWS):
            yield NotSupported(scope=scope, source=source.name, check=check, message="an audit tells this")

    def of_account(self, source: LogFiles, account: Account) -> Iterator[Item]:
        yield NotSupported(
            scope=account_scope(account.key),
            source=source.name,
            check=OWN_SESSIONS,
            message="an audit tells this",
        )
