"""Commands from the lines of Dovecot's log."""

import json

from postwarden.lab import Command
from postwarden.lab.dovecot_log import commands

LOG_IN = (
    "2026-11-23T00:06:37+0000 managesieve-login: Info: Login: user=<alice>, auth_user=<auditor>, orig_user=<auditor>, "
    "method=PLAIN, rip=127.0.0.1, rport=33234, lip=127.0.0.2, mpid=17882, TLS, session=<oqg7ReZg0oF/AAAB>"
)


def event(name: str, **fields: str) -> str:
    return f"2026-11-23T00:06:37+0000 stats: Info: {json.dumps({'event': name, 'fields': fields})}"


def test_a_command_names_who_sent_it() -> None:
    """A command belongs to the mailbox's owner, and was sent by who logged in on its session."""
    line = event(
        "managesieve_command_finished",
        user="alice",
        session="oqg7ReZg0oF/AAAB",
        cmd_name="GETSCRIPT",
        cmd_args='"main"',
    )
    assert list(commands([LOG_IN, line])) == [
        Command("managesieve", "alice", "auditor", "GETSCRIPT", '"main"', "oqg7ReZg0oF/AAAB")
    ]


def test_a_command_may_have_no_arguments() -> None:
    """A command without arguments, on a session whose log-in was not seen, is the owner's own."""
    line = event("imap_command_finished", user="alice", session="x", cmd_name="NOOP")
    assert list(commands([line])) == [Command("imap", "alice", "alice", "NOOP", "", "x")]


def test_other_lines_are_no_commands() -> None:
    """Other events, and a message's subject that looks like an event, are passed over."""
    lines = [
        event("mail_opened", user="alice", session="x"),
        '2026-11-23T00:06:36+0000 imap(a)<1><x>: Info: save: subject=stats: Info: {"event": "imap_command_finished"}',
        "2026-11-23T00:06:37+0000 master: Warning: Killed with signal 15",
        "",
    ]
    assert list(commands(lines)) == []
