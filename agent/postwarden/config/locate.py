"""Finding agent.toml and the state folder, and trusting them.

A configuration decides where secrets come from and which programs run for them, so it is used only where
it and its folder belong to root or the caller and nobody else can write them.
"""

import os
import stat
from pathlib import Path

from postwarden.config.settings import MAX_BYTES, Config, decode
from postwarden.errors import ConfigError, UsageError

FILE = "agent.toml"
SYSTEM = Path("/etc/postwarden")
SYSTEM_STATE = Path("/var/lib/postwarden")


def candidates() -> tuple[Path, ...]:
    """Where agent.toml is looked for, in this order, without `--config`."""
    return (Path.cwd() / FILE, user_config(), SYSTEM / FILE)


def user_config() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "postwarden" / FILE


def find(explicit: str | None) -> Path:
    """The configuration to use; raises UsageError where there is none, ConfigError where it is not trusted."""
    if explicit is not None:
        path = Path(explicit)
        if not _is_there(path):
            raise UsageError(f"{explicit} does not exist", "postwarden init --config writes one")
        return _trusted(path)
    for path in candidates():
        if _is_there(path):
            return _trusted(path)
    places = ", ".join(str(path) for path in candidates())
    raise UsageError(f"no agent.toml found (looked at {places})", "postwarden init writes one")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as exc:
        words = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise ConfigError(
            f"cannot be looked at: {words}", "name another place with --config", path=str(path)
        ) from exc


def _trusted(path: Path) -> Path:
    """The file itself, where links lead to: its folder is where relative paths start."""
    check_trust(path)
    return path.resolve()


def load(explicit: str | None) -> Config:
    """Finds, trusts, reads and decodes agent.toml."""
    return load_with_text(explicit)[0]


def load_with_text(explicit: str | None) -> tuple[Config, bytes]:
    """The same, with the bytes that were decoded: the file may change at any time."""
    path = find(explicit)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as exc:
        raise ConfigError(
            f"cannot be read: {exc.strerror}", "check its owner and mode", path=str(path)
        ) from exc
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", "is it the right file?", path=str(path))
    return decode(raw, path), raw


def check_trust(path: Path) -> None:
    """Raises ConfigError unless the file and its folder are root's or ours and nobody else's to write."""
    real = path.resolve()
    for place in (real, real.parent):
        try:
            status = place.stat()
        except OSError as exc:
            raise ConfigError(
                f"cannot be read: {exc.strerror}", "check its owner and mode", path=str(place)
            ) from exc
        if status.st_uid not in {0, os.geteuid()}:
            raise ConfigError(
                f"is not trusted: {place} belongs to another user (uid {status.st_uid})",
                f"chown it to yourself, or copy it to {user_config()}",
                path=str(path),
            )
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(
                f"is not trusted: others can write {place} (mode {stat.S_IMODE(status.st_mode):04o})",
                f"chmod go-w {place}",
                path=str(path),
            )


def state_folder(config: Config) -> Path:
    """Where the ledger, its key and the state store live."""
    if config.state.folder is not None:
        return config.folder / config.state.folder
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":", 1)[0])
    if config.path.resolve().parent == SYSTEM:
        return SYSTEM_STATE
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "postwarden"
