"""The lab: real mail servers on the loopback interface, filled with one organisation, for the demo and the tests.

    with lab.start(folder) as running:
        running.host, running.imap_port, running.ca_file, running.credentials("naomi.sato")

Only this package's root is imported by others.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from postwarden.errors import LabError
from postwarden.lab import dovecot, pymap
from postwarden.lab.dovecot_config import Options
from postwarden.lab.lab import Command, Credentials, Lab, Server
from postwarden.lab.organisation import Account, Organisation, load

if TYPE_CHECKING:
    from postwarden.lab.archives import Archive as Archive
    from postwarden.lab.cloud import CloudLab as CloudLab
    from postwarden.lab.exchange import ExchangeLab as ExchangeLab
    from postwarden.lab.exchange.organisation import ExchangeAccount as ExchangeAccount

__all__ = [
    "Account",
    "Command",
    "Credentials",
    "Lab",
    "Organisation",
    "Server",
    "available",
    "organisation",
    "start",
    "start_cloud",
    "start_exchange",
    "write_archives",
]


def organisation() -> Organisation:
    """The organisation that every server of the lab is filled with."""
    return load()


def start_exchange(folder: Path, **options: Any) -> "ExchangeLab":
    """Start the lab's Exchange, with options of `postwarden.lab.exchange.start`; heavy to load, so only when asked."""
    from postwarden.lab import exchange

    return exchange.start(folder, **options)


def start_cloud(folder: Path, **options: Any) -> "CloudLab":
    """Start the lab's cloud, with options of `postwarden.lab.cloud.start`; heavy to load, so only when asked."""
    from postwarden.lab import cloud

    return cloud.start(folder, **options)


def write_archives(folder: Path, **accounts: Any) -> "tuple[Archive, ...]":
    """Four hundred days of logs, with the accounts of `postwarden.lab.archives.write_archives`."""
    from postwarden.lab import archives

    return archives.write_archives(folder, **accounts)


def available() -> tuple[Server, ...]:
    """The servers that can run here, the one that `auto` takes first."""
    servers: list[Server] = []
    if dovecot.program() is not None:
        servers.append("dovecot")
    if pymap.installed():
        servers.append("pymap")
    return tuple(servers)


def start(
    folder: Path,
    *,
    server: Literal["auto", "dovecot", "pymap"] = "auto",
    acl_user: bool = True,
    auth_delay: bool = False,
    oauth: bool = False,
    plaintext: bool = False,
) -> Lab:
    """Start a mail server with the organisation on it, and return when it answers.

    `folder` must exist and be empty, and may be readable by its owner only; root's Dovecot makes it enterable for
    others. The options are Dovecot's (`dovecot_config.Options`). LabError says what is missing or went wrong.
    """
    options = Options(acl_user=acl_user, auth_delay=auth_delay, oauth=oauth, plaintext=plaintext)
    if server == "auto":
        servers = available()
        if not servers:
            raise LabError(
                "no mail server for the lab is installed", f"{dovecot.INSTALL}, or {pymap.INSTALL}"
            )
        server = servers[0]
    if server == "pymap" and options != Options():
        raise LabError("the lab on pymap has no options", "use the lab on dovecot")
    try:
        return dovecot.start(folder, options) if server == "dovecot" else pymap.start(folder)
    except OSError as exc:
        raise LabError(
            f"the lab's files were not written: {exc}", "give it an empty folder of your own"
        ) from exc
