"""The lab's Exchange as it runs: started on a free port of the loopback interface, changed and asked by tests."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509

from postwarden.lab import certificates
from postwarden.lab.assertions import Clock
from postwarden.lab.entra import make_application
from postwarden.lab.exchange import organisation
from postwarden.lab.exchange.authentication import Authenticator, NtlmSettings
from postwarden.lab.exchange.autodiscover import Redirect
from postwarden.lab.exchange.faults import Faults
from postwarden.lab.exchange.front import (
    AUTODISCOVER_PATH,
    EWS_PATH,
    ExchangeFront,
    Observer,
    Online,
    Options,
)
from postwarden.lab.exchange.journal import Journal, Logon, RequestRecord, Scheme
from postwarden.lab.exchange.model import State
from postwarden.lab.exchange.ntlm import ChannelBinding, end_point_binding
from postwarden.lab.exchange.organisation import ExchangeAccount, ExchangeOrganisation
from postwarden.lab.exchange.tokens import TokenEndpoint
from postwarden.lab.https import HttpsServer

#: The organisation's id at the identity platform.
_TENANT = "7d1c3a52-5a0b-4c8e-9f43-0c6b1d2e8a10"


@dataclass(frozen=True)
class ServiceLogin:
    """How an audit logs on: `login` is `DOMAIN\\user`; the application's certificate and key are PEM files."""

    login: str
    upn: str
    password: str = field(repr=False)
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    certificate_file: Path
    key_file: Path


class ExchangeLab:
    """A running Exchange of the lab; a context manager that stops it.

    `organisation` is what it was filled with, `service` says how to log on, `state` is what it answers from, `faults` what goes wrong, `tokens` the identity
    platform, `observers` see every request with its answer, `redirects` are what Autodiscover says for an address.
    """

    host = "localhost"

    def __init__(
        self,
        front: ExchangeFront,
        server: HttpsServer,
        *,
        organisation: ExchangeOrganisation,
        state: State,
        service: ServiceLogin,
        tokens: TokenEndpoint,
        authenticator: Authenticator,
        journal: Journal,
        ca_file: Path,
        token_url: str,
    ) -> None:
        self.organisation = organisation
        self.state = state
        self.service = service
        self.tokens = tokens
        self.ca_file = ca_file
        self.token_url = token_url
        self.port = server.port
        self.url = front.origin + EWS_PATH
        self.autodiscover_url = front.origin + AUTODISCOVER_PATH
        self._front = front
        self._server = server
        self._authenticator = authenticator
        self._journal = journal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def faults(self) -> Faults:
        return self._front.faults

    @property
    def observers(self) -> list[Observer]:
        return self._front.observers

    @property
    def redirects(self) -> dict[str, Redirect]:
        return self._front.redirects

    @property
    def requests(self) -> tuple[RequestRecord, ...]:
        """The EWS requests of those who had logged on, in the order in which they were answered."""
        return self._journal.requests

    @property
    def logons(self) -> tuple[Logon, ...]:
        """Attempts to log on: one a request with Basic and tokens, one a connection with NTLM."""
        return self._journal.logons

    @property
    def peak(self) -> int:
        """The most EWS requests that were there at once, those that were told to wait included."""
        return self._journal.peak

    @property
    def is_locked(self) -> bool:
        """Whether too many wrong passwords have locked the service's account."""
        return self._authenticator.is_locked()

    def unlock(self) -> None:
        """Let the service log on again."""
        self._authenticator.unlock()

    def forget(self) -> None:
        """Empty the journal: requests, log-ons and peak."""
        self._journal.clear()

    def stop(self) -> None:
        """Close every connection and end every thread, within a second; harmless when repeated."""
        self._server.stop()


def start(
    folder: Path,
    *,
    auth: tuple[Scheme, ...] = ("basic", "ntlm", "oauth"),
    latency: float = 0.0,
    limit: int = 27,
    impersonation: bool = True,
    online: Online = False,
    page_cap: int | None = None,
    channel_binding: ChannelBinding = "required",
    lockout: int | None = None,
    token_seconds: int = 3600,
    keep: bool = False,
    accounts: int | None = None,
    clock: Clock | None = None,
) -> ExchangeLab:
    """Start it in `folder`, which must exist, and where it keeps certificates and keys.

    `latency` are seconds that each request takes at least; `limit` is how many requests one user may have at once
    before ErrorServerBusy; without `impersonation` the service lacks that role; `online` is Exchange Online, which takes
    tokens only, and refuses EWS where it is "blocked"; `page_cap` is the most entries of a page, whatever is asked;
    `lockout` is how many wrong passwords lock the account; `keep` keeps the bytes of requests in the journal; with
    `accounts` there are at least so many mailboxes; `clock` tells when tokens and assertions end.
    """
    made = certificates.make(folder)
    whole = grown(organisation.load(), accounts or 0)
    service = whole.service
    state = State.from_organisation(whole)
    if not impersonation:
        state.deny_impersonation(service.login)
    if page_cap is not None:
        state.page_cap = page_cap
    application = make_application(
        folder,
        tenant_id=_TENANT,
        client_id=service.client_id,
        client_secret=service.client_secret,
        name=service.upn,
    )
    server = HttpsServer(
        certificate_file=made.certificate_file, key_file=made.key_file, software="Microsoft-IIS/10.0"
    )
    origin = f"https://{ExchangeLab.host}:{server.port}"
    token_path = f"/{_TENANT}/oauth2/v2.0/token"
    journal = Journal()
    tokens = TokenEndpoint(application, url=origin + token_path, clock=clock or _now, seconds=token_seconds)
    users = folder / "ntlm-users"
    users.touch(mode=0o600)
    names = (f"{service.domain}:{service.login}", f":{service.upn}")
    users.write_text("".join(f"{name}:{service.password}\n" for name in names), encoding="utf-8")
    binding = end_point_binding(x509.load_pem_x509_certificate(made.certificate_file.read_bytes()))
    authenticator = Authenticator(
        service,
        schemes=("oauth",) if online else auth,
        ntlm=NtlmSettings(users, binding, channel_binding),
        tokens=tokens,
        journal=journal,
        lockout=lockout,
    )
    front = ExchangeFront(
        state,
        Options(latency=latency, limit=limit, online=online, keep=keep),
        authenticator=authenticator,
        tokens=tokens,
        token_path=token_path,
        journal=journal,
        origin=origin,
        stopping=server.stopping,
    )
    server.start(front)
    return ExchangeLab(
        front,
        server,
        organisation=whole,
        state=state,
        service=ServiceLogin(
            login=f"{service.domain}\\{service.login}",
            upn=service.upn,
            password=service.password,
            tenant_id=_TENANT,
            client_id=service.client_id,
            client_secret=service.client_secret,
            certificate_file=application.certificate_file,
            key_file=application.key_file,
        ),
        tokens=tokens,
        authenticator=authenticator,
        journal=journal,
        ca_file=made.ca_file,
        token_url=origin + token_path,
    )


def grown(whole: ExchangeOrganisation, accounts: int) -> ExchangeOrganisation:
    """The organisation with at least so many accounts: copies of the ordinary ones, with names of their own."""
    ordinary = cycle([account for account in whole.accounts if account.role == "ordinary"])
    copies = [_copy(next(ordinary), number) for number in range(len(whole.accounts), accounts)]
    return replace(whole, accounts=(*whole.accounts, *copies))


def _copy(account: ExchangeAccount, number: int) -> ExchangeAccount:
    login = f"{account.login}.{number}"
    addresses = tuple(f"{number}.{address}" for address in account.addresses)
    return replace(
        account,
        login=login,
        addresses=addresses,
        sid=f"{account.sid}{number}",
        legacy_dn=f"{account.legacy_dn}-{number}",
    )


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - clients sign assertions by this computer's clock
