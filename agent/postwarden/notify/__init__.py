"""Ways to tell others that a finding changed; whom, and what became of it, is the pipeline's business.

To add a kind: one module with an `Options` type and a class with the one method of `Notifier`, and one line here.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Protocol

from msgspec import Struct

from postwarden.config.settings import Config, convert
from postwarden.errors import ConfigError
from postwarden.model.finding import Level
from postwarden.notify.notice import Notice

#: Kind of notifier → module:class. The class's module has its `Options`.
KINDS = {
    "journal": "postwarden.notify.journal:JournalNotifier",
    "command": "postwarden.notify.command:CommandNotifier",
}


class Notifier(Protocol):
    """Tells somebody of one change; when `send` returns, it was taken. Raises NotifyError where it was not."""

    def send(self, notice: Notice) -> None: ...


class Attached(Struct, frozen=True, kw_only=True):
    """A notifier as it is configured: it gets changes of findings of `level` and worse."""

    name: str
    level: Level
    notifier: Notifier


def open_notifiers(config: Config) -> tuple[Attached, ...]:
    """Every `[[notify]]`, in order; raises ConfigError with the key's path. Nothing is sent."""
    found = []
    for index, entry in enumerate(config.notify):
        key, path = f"notify[{index}]", str(config.path)
        place = KINDS.get(entry.kind)
        if place is None:
            raise ConfigError(
                f"unknown kind {entry.kind!r}", f"kinds: {', '.join(KINDS)}", path=path, key=f"{key}.kind"
            )
        module, name = place.split(":")
        loaded = import_module(module)
        options = convert(entry.options, loaded.Options, path=path, prefix=key)
        make: Callable[..., Notifier] = getattr(loaded, name)
        try:
            notifier = make(options)
        except ConfigError as exc:
            raise ConfigError(exc.message, exc.hint, path=path, key=f"{key}.{exc.key}") from exc
        found.append(Attached(name=entry.name, level=entry.level, notifier=notifier))
    return tuple(found)
