"""What reached the lab's Dovecot, from the JSON events in its log."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from postwarden.lab.lab import Command

_EVENT = re.compile(r"^\S+ stats: Info: (\{.*\})$")
_LOG_IN = re.compile(
    r"^\S+ (?:imap|managesieve)-login: Info: Login: user=<[^>]*>, auth_user=<([^>]*)>.*session=<([^>]*)>"
)
_PROTOCOLS: dict[str, Literal["imap", "managesieve"]] = {
    "imap_command_finished": "imap",
    "managesieve_command_finished": "managesieve",
}


def commands(lines: Iterable[str]) -> Iterator[Command]:
    """The commands that a log tells of, in its order.

    Dovecot writes no event for what comes before the log-in (CAPABILITY, STARTTLS, AUTHENTICATE), nor for CAPABILITY,
    NOOP and LOGOUT of ManageSieve.
    """
    auth_users: dict[str, str] = {}
    for line in lines:
        if log_in := _LOG_IN.match(line):
            auth_users[log_in[2]] = log_in[1]
        elif event := _EVENT.match(line):
            row = json.loads(event[1])
            if row["event"] in _PROTOCOLS:
                fields = row["fields"]
                yield Command(
                    protocol=_PROTOCOLS[row["event"]],
                    user=fields["user"],
                    auth_user=auth_users.get(fields["session"], fields["user"]),
                    name=fields["cmd_name"],
                    arguments=fields.get("cmd_args", ""),
                    session=fields["session"],
                )
