"""What the demo writes for its lab: an agent.toml like a sysadmin's, and the secrets beside it."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postwarden.lab import Lab


def table(running: "Lab") -> str:
    """The secrets file: the master's password, or a line for each account."""
    if running.master is not None:
        return running.master.password + "\n"
    return "".join(f"{login}:{password}\n" for login, password in running.passwords.items())


def agent_toml(running: "Lab") -> str:
    """A configuration for the lab as it runs now."""
    organisation = running.organisation
    if running.master is not None:
        login = (
            f'{{ user = "{running.master.login}", act_as = "{{login}}", secret = {{ file = "secrets" }} }}'
        )
    else:
        login = '{ user = "{login}", secret = { table = "secrets" } }'
    accounts = "\n".join(
        f"  {{ login = {_text(account.login)}, name = {_text(account.name)}, "
        f"addresses = {json.dumps(account.addresses)} }},"
        for account in running.accounts
    )
    return f"""\
# Written by `postwarden demo`.
[organisation]
internal_domains = {json.dumps(organisation.internal_domains)}
partners = {json.dumps(organisation.partners)}

[accounts]
list = [
{accounts}
]

[ledger]
origin = "postwarden/demo"

[state]
folder = "state"

[[source]]
name = "imap"
kind = "imap"
host = "{running.host}"
port = {running.imaps_port}
ca_file = {_text(str(running.ca_file))}
login = {login}

[[source]]
name = "sieve"
kind = "managesieve"
host = "{running.host}"
port = {running.sieve_port}
ca_file = {_text(str(running.ca_file))}
login = {login}
"""


def _text(value: str) -> str:
    # A JSON string with ASCII off is a TOML basic string for every text without lone surrogates.
    return json.dumps(value, ensure_ascii=False)
