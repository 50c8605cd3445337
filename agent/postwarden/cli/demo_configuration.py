"""What the demo writes for its lab: an agent.toml like a sysadmin's, and the secrets beside it."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postwarden.lab import Account, ExchangeAccount, ExchangeLab, Lab


def table(running: "Lab") -> str:
    """The secrets file: the master's password, or a line for each account."""
    if running.master is not None:
        return running.master.password + "\n"
    return "".join(f"{login}:{password}\n" for login, password in running.passwords.items())


def agent_toml(running: "Lab | None", exchange: "ExchangeLab | None") -> str:
    """A configuration for the servers that run now: each account lies where its mail is."""
    internal: list[str] = []
    partners: list[str] = []
    accounts: list[str] = []
    sources = ""
    if running is not None:
        internal += running.organisation.internal_domains
        partners += running.organisation.partners
        accounts += [_account(one, one.addresses, ("imap", "sieve")) for one in running.organisation.accounts]
        sources += _mail_server(running)
    if exchange is not None:
        # Their other addresses Exchange tells itself.
        accounts += [
            _account(one, one.addresses[:1], ("exchange",)) for one in exchange.organisation.accounts
        ]
        internal += exchange.organisation.internal_domains
        partners += exchange.organisation.partners
        sources += _exchange(exchange)
    lines = "\n".join(accounts)
    return f"""\
# Written by `postwarden demo`.
[organisation]
internal_domains = {_list(dict.fromkeys(internal))}
partners = {_list(dict.fromkeys(partners))}

[accounts]
list = [
{lines}
]

[ledger]
origin = "postwarden/demo"

[state]
folder = "state"
{sources}"""


def _mail_server(running: "Lab") -> str:
    if running.master is not None:
        login = (
            f'{{ user = "{running.master.login}", act_as = "{{login}}", secret = {{ file = "secrets" }} }}'
        )
    else:
        login = '{ user = "{login}", secret = { table = "secrets" } }'
    return "".join(
        f"""
[[source]]
name = "{name}"
kind = "{kind}"
host = "{running.host}"
port = {port}
ca_file = {_text(str(running.ca_file))}
login = {login}
"""
        for name, kind, port in (
            ("imap", "imap", running.imaps_port),
            ("sieve", "managesieve", running.sieve_port),
        )
    )


def _exchange(exchange: "ExchangeLab") -> str:
    user = _text(exchange.service.login)
    return f"""
[[source]]
name = "exchange"
kind = "ews"
url = "{exchange.url}"
access = "impersonation"
ca_file = {_text(str(exchange.ca_file))}
login = {{ mechanism = "ntlm", user = {user}, secret = {{ file = "exchange-secret" }} }}
"""


def _account(
    account: "Account | ExchangeAccount", addresses: "Iterable[str]", sources: "Iterable[str]"
) -> str:
    return (
        f"  {{ login = {_text(account.login)}, name = {_text(account.name)}, "
        f"addresses = {_list(addresses)}, sources = {_list(sources)} }},"
    )


def _list(values: "Iterable[str]") -> str:
    return json.dumps(list(values))


def _text(value: str) -> str:
    # A JSON string with ASCII off is a TOML basic string for every text without lone surrogates.
    return json.dumps(value, ensure_ascii=False)
