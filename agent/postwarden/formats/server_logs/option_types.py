"""A format's options, as they stand in agent.toml, as a value of its own type."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from postwarden.errors import ConfigError

_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.+)`")


class NoOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The options of a format that has none."""


def options_of(format_name: str, given: Mapping[str, object], kind: Any) -> Any:
    """The options as a value of `kind`, a type or a union; raises ConfigError with the wrong one's name as key."""
    try:
        return msgspec.convert(dict(given), kind)
    except msgspec.ValidationError as exc:
        said = str(exc)
        place, unknown = _PLACE.search(said), _UNKNOWN.search(said)
        parts = [place[1] if place else "", unknown[1] if unknown else ""]
        words = _PLACE.sub("", said).replace("Object", "the options").replace("`", "'")
        raise ConfigError(
            f"the format {format_name}: {words[:1].lower()}{words[1:]}",
            "look at the format's options in the documentation",
            key=".".join(part for part in parts if part) or "options",
        ) from exc
