"""What the demo writes for its lab: an agent.toml like a sysadmin's, and the secrets beside it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from postwarden.lab import Account, Archive, CloudLab, ExchangeAccount, ExchangeLab, Lab


def table(running: "Lab") -> str:
    """The secrets file: the master's password, or a line for each account."""
    if running.master is not None:
        return running.master.password + "\n"
    return "".join(f"{login}:{password}\n" for login, password in running.passwords.items())


#: What the lab's Dovecot writes into its log-in lines.
_ELEMENTS = (
    "user=<%u> auth_user=<%{auth_user}> orig_user=<%{orig_user}> method=%m rip=%r rport=%b lip=%l mpid=%e %c %k "
    "session=<%{session}>"
)

#: The names of the cloud's sources in the demo.
CLOUD = ("m365", "workspace", "sso")

#: What no interface of the providers shows to an identity that may not read mail.
_ACCEPTED = {
    "m365": ("app_passwords", "hidden_rules", "mailbox_forwarding", "mailbox_permissions", "exchange_roles"),
    "workspace": ("domain_wide",),
}


def secrets(
    running: "Lab | None", exchange: "ExchangeLab | None", cloud: "CloudLab | None"
) -> dict[str, str]:
    """The contents of the files with secrets, by name."""
    found = {"secrets": table(running)} if running is not None else {}
    if exchange is not None:
        found["exchange-secret"] = exchange.service.password + "\n"
    if cloud is not None:
        found["m365-secret"] = cloud.microsoft.client_secret + "\n"
        found["sso-secret"] = cloud.keycloak.client_secret + "\n"
        found["workspace-key.json"] = Path(cloud.google.key_file).read_text(encoding="utf-8")
    return found


def agent_toml(
    running: "Lab | None",
    exchange: "ExchangeLab | None",
    cloud: "CloudLab | None" = None,
    archives: "Sequence[Archive]" = (),
) -> str:
    """A configuration for the servers that run now: each account lies where its mail is."""
    logins = {one.login for one in cloud.organisation.of("keycloak")} if cloud is not None else set()
    internal: list[str] = []
    partners: list[str] = []
    accounts: list[str] = []
    sources = ""
    directories: tuple[str, ...] = ()
    # Where the server writes a log that we read, its accounts are looked for in it.
    logged = bool(archives) and running is not None and running.master is not None
    mail = ("imap", "sieve", *(("imap-log",) if logged else ()))
    if running is not None:
        internal += running.organisation.internal_domains
        partners += running.organisation.partners
        accounts += [
            _account(one, one.addresses, (*mail, "sso") if one.login in logins else mail)
            for one in running.organisation.accounts
        ]
        sources += _mail_server(running)
    if exchange is not None:
        # Their other addresses Exchange tells itself.
        accounts += [
            _account(one, one.addresses[:1], ("exchange",)) for one in exchange.organisation.accounts
        ]
        internal += exchange.organisation.internal_domains
        partners += exchange.organisation.partners
        sources += _exchange(exchange)
    if cloud is not None:
        internal += cloud.organisation.internal_domains
        partners += cloud.organisation.partners
        sources += _cloud(cloud)
        # The realm's people are the mail server's, which are listed where it runs.
        directories = CLOUD if running is None else CLOUD[:2]
    if running is not None and logged:
        sources += _log(running)
    if archives:
        sources += _archives(archives, logged=logged)
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
directories = {_list(directories)}

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


def _cloud(cloud: "CloudLab") -> str:
    microsoft, google, keycloak = cloud.microsoft, cloud.google, cloud.keycloak
    login = microsoft.token_url.partition(f"/{microsoft.tenant_id}")[0]
    ca_file = _text(str(cloud.ca_file))
    accepted = "".join(
        f"""
[[coverage.accepted]]
source = "{source}"
scope = "*"
check = "{check}"
reason = "its provider shows it to nobody, or only over an undocumented interface"
until = 2099-12-31
"""
        for source, checks in _ACCEPTED.items()
        for check in checks
    )
    return f"""
[[source]]
name = "m365"
kind = "graph"
tenant = "{microsoft.tenant_id}"
urls = {{ login = "{login}", graph = "{microsoft.graph_url}", exchange = "{microsoft.exchange_url}" }}
ca_file = {ca_file}
login = {{ client_id = "{microsoft.client_id}", secret = {{ file = "m365-secret" }} }}

[[source]]
name = "workspace"
kind = "google"
urls = {{ token = "{google.token_url}", admin = "{google.admin_url}", gmail = "{google.gmail_url}" }}
ca_file = {ca_file}
list_tokens = true
login = {{ key = {{ file = "workspace-key.json" }}, admin = "{google.admin}" }}

[[source]]
name = "sso"
kind = "keycloak"
url = "{keycloak.url}"
realm = "{keycloak.realm}"
ca_file = {ca_file}
login = {{ client_id = "{keycloak.client_id}", secret = {{ file = "sso-secret" }} }}
{accepted}"""


def _log(running: "Lab") -> str:
    return f"""
[[source]]
name = "imap-log"
kind = "log_files"
files = [{_text(str(running.log_file))}]
format = "dovecot"
servers = ["imap", "sieve"]
lateness = 1
format_options = {{ login_elements = {_text(_ELEMENTS)} }}
"""


def _archives(archives: "Sequence[Archive]", *, logged: bool) -> str:
    first = archives[0].written
    accepted = "".join(
        f"""
[[coverage.accepted]]
source = "{name}"
scope = "*"
check = "{check}"
reason = "{reason}"
until = 2099-12-31
"""
        for name, check, reason in (
            *((("imap-log", "addresses", "everybody is on this machine"),) if logged else ()),
            ("imap-archive", "addresses", "the webmail's log is read too, and phones share their provider's"),
            ("exchange-log", "addresses", "phones share their provider's"),
            ("webmail", "addresses", "phones share their provider's"),
            ("imap-archive", "log_lines", "in the hour that the clocks were set back times are doubtful"),
        )
    )
    sources = "".join(
        f"""
[[source]]
name = "{one.name}"
kind = "log_files"
files = [{_text(one.files)}]
format = "{one.format}"
zone = "Europe/Berlin"
arrival = "copied"
silent_after = 8784
format_options = {{ {", ".join(f"{key} = {_text(value)}" for key, value in one.format_options.items())} }}
"""
        for one in archives
    )
    return f"""
[networks]
own = {_list(("10.20.0.0/16", *archives[0].offices))}
countries = {{ files = [{_text(str(first.countries))}], licence = "made up" }}
systems = {{ files = [{_text(str(first.networks))}], licence = "made up" }}

[[history.known]]
name = "the back-up"
identities = ["backup"]

[[history.known]]
name = "the monitoring"
networks = ["10.20.0.9/32"]
{sources}{accepted}"""


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
