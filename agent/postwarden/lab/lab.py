"""A running mail server with the organisation on it, and what its users do while it runs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from postwarden.lab.organisation import Account, Master, Organisation
from postwarden.lab.ports import HOST, Endpoints
from postwarden.lab.process import ServerProcess
from postwarden.lab.wire import folder_argument, imap_done, imap_session, sieve_session

#: The servers that the lab can be made of.
Server = Literal["dovecot", "pymap"]


@dataclass(frozen=True)
class Command:
    """A command that a server carried out or refused after log-in.

    `user` is the owner of the mailbox, `auth_user` who proved an identity (the master, or the same), `arguments` what
    followed the name, without a script's or message's content, cut by Dovecot after 1,000 bytes. `session` is Dovecot's id of the connection.
    """

    protocol: Literal["imap", "managesieve"]
    user: str
    auth_user: str
    name: str
    arguments: str
    session: str


@dataclass(frozen=True)
class Credentials:
    """How an audit opens one account: SASL PLAIN (RFC 4616) as `authcid` for `authzid`, which may be empty.

    Dovecot takes the same as a log-in name: `<authzid>*<authcid>`.
    """

    authcid: str
    password: str = field(repr=False)
    authzid: str = ""


class Lab(ABC):
    """A running server; a context manager that stops it.

    The functions that change something act as the account's owner would, over IMAP and ManageSieve, and raise LabError
    when the server refuses.
    """

    server: Server
    host = HOST

    def __init__(
        self,
        organisation: Organisation,
        ports: Endpoints,
        ca_file: Path,
        log_file: Path,
        process: ServerProcess,
    ) -> None:
        self.organisation = organisation
        self.accounts = organisation.accounts
        self.imap_port = ports.imap
        self.imaps_port = ports.imaps
        self.sieve_port = ports.sieve
        self.ca_file = ca_file
        self.passwords = {account.login: account.password for account in organisation.accounts}
        self._log_file = log_file
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server and wait until its ports are free."""
        self._process.stop()

    @property
    @abstractmethod
    def master(self) -> Master | None:
        """The log-in that opens every account, or None where the server has no such thing."""

    def account(self, login: str) -> Account:
        return self.organisation.account(login)

    def credentials(self, login: str) -> Credentials:
        """How an audit logs in to this account: as the master where there is one, else as the owner."""
        if self.master is None:
            return Credentials(login, self.passwords[login])
        return Credentials(self.master.login, self.master.password, login)

    @property
    def log_file(self) -> Path:
        """The file that the server writes its log to."""
        return self._log_file

    def log_lines(self) -> list[str]:
        """What the server has written so far."""
        return self._log_file.read_text(encoding="utf-8", errors="backslashreplace").splitlines()

    @abstractmethod
    def commands(self) -> list[Command]:
        """Every IMAP and ManageSieve command that reached the server after a log-in, the lab's own included."""

    @abstractmethod
    def set_password(self, login: str, password: str) -> None:
        """Change the password of an account or of the master; returns when the server accepts it."""

    @abstractmethod
    def set_acl(self, login: str, folder: str, identifier: str, rights: str | None) -> None:
        """Give `identifier` these rights (RFC 4314) to the folder, or take its entry away with None."""

    @abstractmethod
    def token(self, login: str, *, expired: bool = False) -> str:
        """A bearer token for OAUTHBEARER and XOAUTH2, accepted where the lab was started with `oauth`."""

    def put_script(self, login: str, name: str, text: str, *, active: bool) -> None:
        """Upload a Sieve script, and make it the active one where asked."""
        with sieve_session(self.sieve_port, self.ca_file, login, self.passwords[login]) as session:
            session.put(name, text)
            if active:
                session.activate(name)

    def activate(self, login: str, name: str) -> None:
        """Make this Sieve script the active one; with an empty name none is."""
        with sieve_session(self.sieve_port, self.ca_file, login, self.passwords[login]) as session:
            session.activate(name)

    def remove_script(self, login: str, name: str) -> None:
        """Delete a Sieve script, also the active one."""
        with sieve_session(self.sieve_port, self.ca_file, login, self.passwords[login]) as session:
            if session.scripts().get(name):
                session.activate("")
            session.delete(name)

    def create_folder(self, login: str, folder: str, *, subscribed: bool = True) -> None:
        with imap_session(self.imaps_port, self.ca_file, login, self.passwords[login]) as session:
            imap_done(session.create(folder_argument(folder)), f"create {folder}")
        if subscribed:
            self.subscribe(login, folder)

    def subscribe(self, login: str, folder: str, *, subscribed: bool = True) -> None:
        """Subscribe to the folder, or no longer."""
        with imap_session(self.imaps_port, self.ca_file, login, self.passwords[login]) as session:
            change = session.subscribe if subscribed else session.unsubscribe
            imap_done(change(folder_argument(folder)), f"subscribe to {folder}")

    def deliver(self, login: str, message: bytes, folder: str = "INBOX") -> None:
        """Put a message into a folder; no Sieve script is run."""
        with imap_session(self.imaps_port, self.ca_file, login, self.passwords[login]) as session:
            imap_done(session.append(folder_argument(folder), "", "", message), f"append to {folder}")
