"""Whom the logs of our servers show when we log in there."""

from collections.abc import Iterable, Mapping
from typing import Any

from postwarden.config.settings import Config

_LOGIN = "{login}"


def own_identities(config: Config, servers: Iterable[str]) -> Mapping[str, str | None]:
    """The identity that each of these sources authenticates as; None where it is each account's own.

    With `user = "{login}*auditor"` the master user is `auditor`, with `act_as` it is `user`; of Exchange it is the
    service account, and of an application its id.
    """
    entries = {entry.name: entry for entry in config.sources}
    return {name: _identity(entries[name].options.get("login")) for name in servers if name in entries}


def _identity(login: Any) -> str | None:
    if not isinstance(login, Mapping):
        return None
    user = login.get("user", login.get("client_id", _LOGIN))
    if not isinstance(user, str):
        return None
    if _LOGIN not in user:
        return user
    # What is left is the master user with the separator before or behind it.
    return user.replace(_LOGIN, "").strip("*%+/|!#") or None
