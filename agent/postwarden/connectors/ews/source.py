"""The source kind `ews`: what an Exchange server says about each mailbox and about itself."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from ssl import SSLContext
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from requests import Session

from postwarden.connectors import quiet
from postwarden.connectors.ews import autodiscover, reading, requests
from postwarden.connectors.ews.adapter import Adapter
from postwarden.connectors.ews.login import Login, Tokens, authentication, look
from postwarden.connectors.ews.mailbox import Connections, Mailbox, sender
from postwarden.connectors.ews.patience import Patience, Pause
from postwarden.connectors.ews.recipients import RECIPIENTS, Directory, read_recipients
from postwarden.connectors.https import LIFETIMES, Within, bare
from postwarden.connectors.wire import context
from postwarden.errors import ConnectorError, SecretError
from postwarden.formats import ews_xml
from postwarden.formats.ews_xml import ServerVersion
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow, Setting
from postwarden.model.reading import (
    SAME_GRADE,
    CheckDone,
    Gap,
    Grade,
    Item,
    NotSupported,
    Observed,
    OwnSession,
)
from postwarden.model.scope import Scope, account_scope, source_scope

TRANSPORT = "transport"
SERVER = "server"


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where EWS is and how to log in.

    One of `url` and `autodiscover` (an address that the server is looked up for). `access` says as whom a
    mailbox is read: by `impersonation`, or as `delegate` with rights of our own on it. `connections` are the
    requests at once, `timeout` is in seconds for each wait.
    """

    login: Login
    access: Literal["impersonation", "delegate"]
    url: str | None = None
    autodiscover: str | None = None
    ca_file: str | None = None
    connections: Annotated[int, Meta(ge=1, le=27)] = 8
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60

    def __post_init__(self) -> None:
        if (self.url is None) == (self.autodiscover is None):
            raise ValueError("name exactly one of url, autodiscover")
        if self.url is not None and not _is_https(self.url):
            raise ValueError("url must be https://HOST/EWS/Exchange.asmx")
        if self.login.mechanism == "oauth" and self.access != "impersonation":
            raise ValueError(
                'an application has no mailbox of its own: with oauth, access is "impersonation"'
            )
        if self.autodiscover is not None and self.autodiscover.count("@") != 1:
            raise ValueError("autodiscover must be a mail address on the server")


class EwsSource:
    """One Exchange server, or one tenant of Exchange Online. Its methods may be called by several threads."""

    checks: tuple[str, ...] = (
        reading.FOLDERS,
        reading.FOLDER_PERMISSIONS,
        reading.INBOX_RULES,
        reading.RULE_ITEMS,
        reading.DELEGATES,
        reading.AUTOMATIC_REPLIES,
        reading.ADD_INS,
        RECIPIENTS,
    )
    source_checks: tuple[str, ...] = (TRANSPORT, SERVER)
    grade: Grade = "checked against the published schema"
    grades: Mapping[str, Grade] = SAME_GRADE

    def __init__(self, name: str, options: Options, *, folder: Path, clock: Callable[[], datetime]) -> None:
        quiet.silence()
        self.name = name
        self.connections = options.connections
        self._options, self._folder, self._clock = options, folder, clock
        self._tls = partial(context, str(folder / options.ca_file) if options.ca_file else None)
        self._tls()
        self._within = Within()
        self._pause = Pause()
        self._directory = Directory()
        self._lock = threading.Lock()
        self._open: tuple[Connections, ServerVersion | None] | None = None
        self._failed: ConnectorError | None = None
        self._first: Account | None = None
        self._inboxes: dict[str, str] = {}
        self._tokens = self._make_tokens()

    def prepare(self, accounts: Sequence[Account]) -> None:
        look(self._options.login, self._folder)
        self._first = accounts[0] if accounts else None

    def read_source(self) -> Iterator[Item]:
        """How the source is reached, and which server answers."""
        scope = source_scope(self.name)
        yield self._setting(scope, TRANSPORT, "transport_encryption", "tls")
        yield CheckDone(scope=scope, source=self.name, check=TRANSPORT)
        try:
            _, version = self._connected(self._first)
        except (ConnectorError, SecretError) as exc:
            yield self._gap(scope, SERVER, exc)
            return
        if version is None:
            yield NotSupported(
                scope=scope,
                source=self.name,
                check=SERVER,
                message="its answers do not say which version it is",
            )
            return
        yield self._setting(scope, SERVER, "exchange_version", str(version))
        yield self._setting(scope, SERVER, "exchange_online", "yes" if version.is_online else "no")
        yield CheckDone(scope=scope, source=self.name, check=SERVER)

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the server says about a mailbox; an error leaves a gap for each check that was not ended."""
        scope = account_scope(account.key)
        missing = dict.fromkeys(self.checks)
        opened = self._clock()
        self._within.take_address()
        try:
            for item in self._read(account, scope):
                match item:
                    case CheckDone(check=check) | NotSupported(check=check) | Gap(check=check, part=None):
                        missing.pop(check, None)
                    case _:
                        pass
                yield item
        except (ConnectorError, SecretError) as exc:
            for check in missing:
                yield self._gap(scope, check, exc)
        local = self._within.take_address()
        if local is not None:
            yield self._session(account, opened, local)

    def _read(self, account: Account, scope: Scope) -> Iterator[Item]:
        connections, _ = self._connected(account)
        about = reading.Reading(
            mailbox=self._mailbox(account, connections),
            account=account,
            scope=scope,
            source=self.name,
            clock=self._clock,
        )
        flows: list[MailFlow] = []
        for item in reading.read_mailbox(about, self._ensure_own):
            if isinstance(item, Observed) and isinstance(item.evidence, MailFlow):
                flows.append(item.evidence)
            yield item
        yield from read_recipients(about, flows, self._directory)

    def _ensure_own(self, account: Account, inbox: str) -> None:
        """Refuses one mailbox as the answer for two accounts: at least one of them would be wrong."""
        with self._lock:
            other = self._inboxes.setdefault(inbox, account.key)
        if other != account.key:
            raise ConnectorError(
                f"the server answered with the same mailbox for {account.key} and {other}",
                "look at the server or the proxy before it; if both are one mailbox, list it once with both addresses",
                reason="malformed",
            )

    def _connected(self, account: Account | None) -> tuple[Connections, ServerVersion | None]:
        """The open connections, and the server's version.

        The first use proves the log-in, with one request and alone: so a wrong password is tried once, and a
        server that is down is waited for once.
        """
        with self._lock:
            if self._failed is not None:
                raise ConnectorError(
                    f"not tried again: {self._failed.message}", self._failed.hint, reason=self._failed.reason
                )
            if self._open is None:
                try:
                    self._open = self._connect(account)
                except ConnectorError as exc:
                    if exc.reason != "forbidden":
                        self._failed = exc
                    raise
            return self._open

    def _connect(self, account: Account | None) -> tuple[Connections, ServerVersion | None]:
        options = self._options
        url = options.url
        if url is None:
            assert options.autodiscover is not None
            url = autodiscover.endpoint(options.autodiscover, self._connections_to, self._patience())
        connections = self._connections_to(url)
        request = requests.get_server_version()
        try:
            if (
                options.login.mechanism == "oauth"
                and options.access == "impersonation"
                and account is not None
            ):
                # An application is nobody by itself: Exchange wants to know for whom it asks.
                raw = self._mailbox(account, connections).ask(request)
            else:
                raw = self._patience().ask(sender(connections), request)
        except ConnectorError:
            connections.close()
            raise
        return connections, ews_xml.read_version(raw)

    def _connections_to(self, url: str) -> Connections:
        """Connections to an endpoint of the server, or of its autodiscover, and to nothing else."""
        adapter = partial(self._adapter, url, self._tls(), is_soap=True)
        login = partial(authentication, self._options.login, self._folder, self._tokens)
        return Connections(
            url,
            adapter=adapter,
            authentication=login,
            most=self._options.connections,
            timeout=self._options.timeout,
        )

    def _adapter(self, url: str, tls: SSLContext, *, is_soap: bool, **options: Any) -> Adapter:
        return Adapter(
            endpoint=url,
            is_soap=is_soap,
            tls=tls,
            within=self._within,
            lifetime=self._options.timeout * LIFETIMES,
            **options,
        )

    def _make_tokens(self) -> Tokens | None:
        login = self._options.login
        url = login.token_endpoint
        if url is None:
            return None
        ca_file = str(self._folder / login.token_ca_file) if login.token_ca_file else None
        tls = context(ca_file)

        def session() -> Session:
            made = bare(Session())
            made.mount(url, self._adapter(url, tls, is_soap=False))
            return made

        return Tokens(login, self._folder, session, lambda: self._clock().timestamp())

    def _mailbox(self, account: Account, connections: Connections) -> Mailbox:
        address = account.login_at(self.name) if self.name in account.names else account.address
        if address.count("@") != 1:
            raise ConnectorError(
                f"the account {account.login} has no mail address, by which EWS names mailboxes",
                "give it addresses in [accounts], or set [accounts] domain",
                reason="unsupported",
            )
        impersonate = self._options.access == "impersonation"
        return Mailbox(address, connections, self._patience(), impersonate=impersonate)

    def _patience(self) -> Patience:
        forget = self._tokens.forget if self._tokens is not None else None
        return Patience(self._options.login.name, self._pause, forget)

    def _setting(self, scope: Scope, check: str, name: str, value: str) -> Observed:
        setting = Setting(
            scope=scope, source=self.name, check=check, observed=self._clock(), name=name, value=value
        )
        return Observed(evidence=setting, raw=f"{name} = {value}\n".encode())

    def _gap(self, scope: Scope, check: str, error: ConnectorError | SecretError) -> Gap:
        return Gap(
            scope=scope,
            source=self.name,
            check=check,
            reason=error.reason if isinstance(error, ConnectorError) else "refused",
            message=error.message,
            hint=error.hint,
        )

    def _session(self, account: Account, opened: datetime, local: tuple[str, int]) -> OwnSession:
        return OwnSession(
            source=self.name,
            protocol="ews",
            identity=self._options.login.name,
            account=account.key,
            server=urlsplit(self._options.url or "").netloc or f"autodiscover {self._options.autodiscover}",
            local_address=local[0],
            local_port=local[1],
            opened=opened,
        )


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme == "https" and bool(parts.hostname) and parts.username is None and bool(parts.path)
        )
    except ValueError:
        return False
