"""pymap with the lab's organisation in its memory: `python -m postwarden.lab.pymap_server folder imap imaps sieve`.

A program of its own, since pymap as it comes knows one user and listens on all addresses. It runs until it is ended.
"""

import asyncio
import json
import os
import ssl
import sys
from argparse import Namespace
from pathlib import Path

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxSet
from pymap.imap import IMAPServer
from pymap.sieve.manage import ManageSieveServer
from pymap.user import UserMetadata
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from postwarden.lab.organisation import Account, load
from postwarden.lab.ports import HOST, Endpoints
from postwarden.lab.pymap import PASSWORDS


class _FileLogin(Login):
    """Knows the users of a JSON file of passwords, as it is at each log-in."""

    def __init__(self, config: Config, passwords: Path) -> None:
        super().__init__(config)
        self._file = passwords

    async def authenticate(self, credentials: ServerCredentials) -> Identity:
        for login, password in json.loads(self._file.read_text(encoding="utf-8")).items():
            self.users_dict[login] = UserMetadata(self.config, login, password=password)
        return await super().authenticate(credentials)


async def serve(folder: Path, ports: Endpoints) -> None:
    """Listen on the three ports and answer for ever."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    starttls, tls = _config(context, tls_enabled=True), _config(context, tls_enabled=False)
    login = _FileLogin(starttls, folder / PASSWORDS)
    for account in load().accounts:
        starttls.set_cache[account.login] = await _filled(account)
    starttls.apply_context()
    wrapped = ProxyProtocolReader(starttls.proxy_protocol).get_callback
    servers = (
        await asyncio.start_server(wrapped(IMAPServer(login, starttls)), HOST, ports.imap),
        await asyncio.start_server(wrapped(IMAPServer(login, tls)), HOST, ports.imaps, ssl=context),
        await asyncio.start_server(wrapped(ManageSieveServer(login, starttls)), HOST, ports.sieve),
    )
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _config(context: ssl.SSLContext, *, tls_enabled: bool) -> Config:
    arguments = Namespace(passlib_cfg=None, proxy_protocol=None)
    return Config(
        arguments,
        host=HOST,
        port=0,
        demo_data=False,
        demo_user="",
        demo_password="",
        tls_enabled=tls_enabled,
        ssl_context=context,
        hash_context=Cleartext(),
    )


async def _filled(account: Account) -> tuple[MailboxSet, FilterSet]:
    folders, scripts = MailboxSet(), FilterSet()
    await folders.set_subscribed("INBOX", subscribed=True)
    for folder in account.folders:
        await folders.add_mailbox(folder.name)
        await folders.set_subscribed(folder.name, folder.subscribed)
    for script in account.scripts:
        await scripts.put(script.name, script.text.encode())
        if script.active:
            await scripts.set_active(script.name)
    return folders, scripts


if __name__ == "__main__":
    os.environ["FQDN"] = "localhost"  # otherwise each greeting asks DNS for this host's name
    asyncio.run(serve(Path(sys.argv[1]), Endpoints(*map(int, sys.argv[2:]))))
