"""The mailboxes with which Exchange watches itself, which would drown everything else in its logs."""

import re

from postwarden.formats.server_logs.endpoints import is_public

#: `HealthMailbox` and the beginning of an id, as Exchange 2013 and later name them, with or without a domain.
_HEALTH = re.compile(r"(?:[^\\/@]+[\\/])?HealthMailbox[0-9a-f]{7,32}(?:@[^@]*)?", re.IGNORECASE)


def is_probe(name: str, address: str | None) -> bool:
    """Whether Exchange itself comes under this name.

    It does so from the servers; the same name from a public address is somebody who has its password.
    """
    return is_health_mailbox(name) and not (address is not None and is_public(address))


def is_health_mailbox(name: str) -> bool:
    # Most names are none, and this is asked for every line.
    return "ealth" in name.lower() and _HEALTH.fullmatch(name) is not None
