"""The commented agent.toml that `init` writes: the repository's own file, shipped in the package."""

import re
from pathlib import Path

from postwarden.errors import ConfigError

_ORIGIN = re.compile(r'^# origin = ".*"$', re.MULTILINE)


def text() -> str:
    """The shipped agent.toml."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "agent.toml"
    path = inside if inside.is_file() else package.parent.parent / "agent.toml"
    return path.read_text(encoding="utf-8")


def with_origin(origin: str) -> str:
    """The shipped agent.toml with the ledger's origin filled in; raises ConfigError for an unusable one."""
    if not origin or any(char.isspace() or char in '+"\\' or not char.isprintable() for char in origin):
        raise ConfigError(
            f"{origin!r} is no origin", "use a name without space, + or quotes, like a host's name"
        )
    filled, count = _ORIGIN.subn(f'origin = "{origin}"', text())
    if count != 1:
        raise AssertionError("the shipped agent.toml has no line for the origin")
    return filled
