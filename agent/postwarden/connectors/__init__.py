"""Transport and authentication for each kind of source; a connector never judges.

To add a kind: one module with an `Options` type and a class with the methods of `Source`, and one line here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol

from postwarden.config.settings import Config, SourceEntry, convert
from postwarden.errors import ConfigError, SecretError
from postwarden.model.account import Account
from postwarden.model.reading import Grade, Item

#: Kind of source → module:class. The class's module has its `Options`.
KINDS = {
    "imap": "postwarden.connectors.imap:ImapSource",
    "managesieve": "postwarden.connectors.managesieve:ManageSieveSource",
    "ews": "postwarden.connectors.ews.source:EwsSource",
    "graph": "postwarden.connectors.graph.source:GraphSource",
    "google": "postwarden.connectors.google.source:GoogleSource",
    "keycloak": "postwarden.connectors.keycloak.source:KeycloakSource",
    "drop_folder": "postwarden.connectors.drop_folder:DropFolderSource",
    "log_files": "postwarden.connectors.log_files.source:LogFiles",
}


class Source(Protocol):
    """One configured place that evidence is read from.

    `checks` are what it can be asked about an account, `source_checks` what about itself. `prepare` looks at
    the secrets of the accounts to come and raises SecretError or ConfigError: those are the administrator's to
    mend before anything is connected to. The `read_` methods stream what they read; a server's failure is a
    Gap in the stream, never an exception. `grade` says what our code was tried against. Of `connections` more than one, `read_account` may run in as many
    threads at once.
    """

    name: str
    grade: Grade
    grades: Mapping[str, Grade]
    connections: int
    checks: tuple[str, ...]
    source_checks: tuple[str, ...]

    def prepare(self, accounts: Sequence[Account]) -> None: ...

    def read_source(self) -> Iterator[Item]: ...

    def read_account(self, account: Account) -> Iterator[Item]: ...


def open_source(
    entry: SourceEntry,
    index: int,
    config: Config,
    clock: Callable[[], datetime],
    memory: dict[str, Any] | None = None,
) -> Source:
    """The source that `[[source]]` number `index` describes; raises ConfigError with the key's path.

    `memory` is kept by the caller as long as it likes: a source that was open before asks only for what changed.
    """
    place = KINDS.get(entry.kind)
    if place is None:
        raise ConfigError(
            f"unknown kind {entry.kind!r}",
            f"kinds: {', '.join(KINDS)}",
            path=str(config.path),
            key=f"source[{index}].kind",
        )
    module, name = place.split(":")
    loaded = import_module(module)
    options = convert(entry.options, loaded.Options, path=str(config.path), prefix=f"source[{index}]")
    kind = getattr(loaded, name)
    kept = {}
    if getattr(kind, "remembers", False):
        kept["memory"] = memory.setdefault(entry.name, {}) if memory is not None else {}
    try:
        source: Source = kind(entry.name, options, folder=config.folder, clock=clock, **kept)
    except ConfigError as exc:
        raise _at(exc, config, f"source[{index}]") from exc
    return source


def open_sources(
    config: Config, clock: Callable[[], datetime], memory: dict[str, Any] | None = None
) -> tuple[Source, ...]:
    """Every source that audits read, in order; raises ConfigError where there is none."""
    if not config.watched:
        raise ConfigError(
            "no source is configured",
            "uncomment a [[source]] and fill it in, then run postwarden check-config",
            path=str(config.path),
        )
    return tuple(open_source(entry, index, config, clock, memory) for index, entry in config.watched)


def prepare(sources: Sequence[Source], accounts: Sequence[Account], config: Config) -> None:
    """Looks at all secrets before anything is connected to; raises SecretError with the key's path."""
    places = {entry.name: index for index, entry in enumerate(config.sources)}
    for source in sources:
        index = places.get(source.name, 0)
        try:
            source.prepare([account for account in accounts if account.is_at(source.name)])
        except ConfigError as exc:
            raise _at(exc, config, f"source[{index}].login.secret") from exc


def _at(exc: ConfigError, config: Config, prefix: str) -> ConfigError:
    key = ".".join(part for part in (prefix, exc.key) if part)
    kind = SecretError if isinstance(exc, SecretError) else ConfigError
    return kind(exc.message, exc.hint, path=str(config.path), key=key)
