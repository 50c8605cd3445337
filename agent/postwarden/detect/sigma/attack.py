"""ATT&CK technique ids out of Sigma tags, in the numbering of ATT&CK v19.

Version 19 moved "Impair Defenses" (T1562) to "Disable or Modify Tools" (T1685); rules in the wild still carry
the old ids, which are taken as aliases.
"""

import re

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)

#: Old id → v19 id, as SigmaHQ's own rules were moved.
ALIASES = {"T1562": "T1685", "T1562.008": "T1685.002"}


def techniques(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The techniques that the tags name, in their order; tactics and other tags are left out."""
    found = (match[1].upper() for tag in tags if (match := _TECHNIQUE.fullmatch(tag)))
    return tuple(dict.fromkeys(ALIASES.get(technique, technique) for technique in found))
