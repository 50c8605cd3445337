"""Every error that postwarden raises on purpose; anything else is a bug (exit 70).

    PostwardenError(message, hint)          exit 2 unless said otherwise
    ├── UsageError                          the command line asks for something that cannot be
    ├── ConfigError(path, key, line)        agent.toml is missing, not trusted, or says something wrong
    │   └── SecretError                     a secret is missing, readable by others, or not usable
    ├── RuleError(path, line)               a rule file does not load
    ├── ConnectorError(reason)              a source did not let us read; becomes a gap, never ends a sweep
    ├── LedgerError                         the ledger or the state folder could not be used
    │   ├── LedgerBusy                      another writer held the lock for too long
    │   ├── LedgerFull                      its disk has no room left
    │   ├── LedgerUnsynced                  a sync failed: nothing more is written until somebody looked
    │   └── LedgerUnsound(record)           records, tree, checkpoint or keys do not agree: exit 4
    ├── HistoryError                        the history could not be used
    │   └── HistoryBusy                     another process writes it
    ├── LabError                            the demo's servers did not start
    └── NotifyError                         a delivery failed; recorded and retried

Messages are lower case, without a full stop, and name what failed; the hint names the next step.
Each module turns a library's exceptions into these at its own border (`raise … from exc`).
"""

from typing import Literal

#: Why a source did not let us read. `unsupported` is not a failure: the server lacks the feature.
Reason = Literal["unreachable", "refused", "forbidden", "unsupported", "malformed"]


class PostwardenError(Exception):
    """Base of all errors raised on purpose."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(PostwardenError):
    """The command line asks for something that cannot be done."""


class ConfigError(PostwardenError):
    """The configuration cannot be used.

    `path` is the file, `key` the path inside it (`source[0].host`), `line` a line number where the TOML
    parser gives one.
    """

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        *,
        path: str | None = None,
        key: str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.path = path
        self.key = key
        self.line = line

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class SecretError(ConfigError):
    """A secret is missing, readable by others, or not usable. The value itself is never in the message."""


class RuleError(PostwardenError):
    """A rule file does not load; `path` and `line` (1-based) say where."""

    def __init__(
        self, message: str, hint: str | None = None, *, path: str = "", line: int | None = None
    ) -> None:
        super().__init__(message, hint)
        self.path = path
        self.line = line

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else self.path
        return f"{place}: {self.message}" if place else self.message


class ConnectorError(PostwardenError):
    """A source did not let us read something; `reason` is the word that the gap carries."""

    def __init__(self, message: str, hint: str | None = None, *, reason: Reason) -> None:
        super().__init__(message, hint)
        self.reason: Reason = reason


class LedgerError(PostwardenError):
    """The ledger or the state folder could not be used."""


class LedgerBusy(LedgerError):
    """Another writer held the ledger's lock for longer than we wait."""


class LedgerFull(LedgerError):
    """The disk that the ledger lies on has no room left, or its owner's quota is used up."""


class LedgerUnsynced(LedgerError):
    """A sync failed: what was written may be lost, and nobody can tell what else is.

    It is never tried again, for the kernel may have forgotten the pages that it could not write.
    """


class LedgerUnsound(LedgerError):
    """Records, tree, checkpoint or keys do not agree with each other.

    `record` is the index of the first record that no sound checkpoint covers, where one can be named.
    """

    def __init__(self, message: str, hint: str | None = None, *, record: int | None = None) -> None:
        super().__init__(message, hint)
        self.record = record


class HistoryError(PostwardenError):
    """The history of accesses and transfers could not be used."""


class HistoryBusy(HistoryError):
    """Another process writes the history; what it has stored can be read."""


class LabError(PostwardenError):
    """A server of the lab did not start, or did not do what it was asked."""


class NotifyError(PostwardenError):
    """A delivery failed; it is recorded and tried again."""
