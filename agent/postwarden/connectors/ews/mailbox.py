"""Connections to one endpoint, and one mailbox behind them: exchangelib carries what is asked."""

from collections.abc import Callable

from exchangelib import DELEGATE, IMPERSONATION, UTC, Account, Build, Configuration, FailFast, Version
from exchangelib.protocol import Protocol
from exchangelib.services.common import EWSAccountService, EWSService
from exchangelib.transport import NOAUTH
from requests import Session
from requests.auth import AuthBase

from postwarden import __version__
from postwarden.connectors.ews.adapter import Adapter
from postwarden.connectors.ews.patience import Patience
from postwarden.connectors.https import bare
from postwarden.formats.ews_xml.tree import Element

#: What requests are written in: every server from Exchange 2013 SP1 on understands it.
SCHEMA = Version(build=Build(15, 0, 847, 32), api_version="Exchange2013_SP1")


class Connections:
    """The connections to one endpoint: exchangelib's pool of sessions, with our adapter and identity in each."""

    def __init__(
        self,
        endpoint: str,
        *,
        adapter: Callable[..., Adapter],
        authentication: Callable[[], AuthBase | None],
        most: int,
        timeout: int,
    ) -> None:
        class OurProtocol(Protocol):  # type: ignore[misc]  # the library has no types
            """One endpoint's; the pool's cache is its own, for the class is."""

            _protocol_cache: dict[object, object] = {}  # noqa: RUF012 - the library's name, its own for each class
            HTTP_ADAPTER_CLS = staticmethod(adapter)
            USERAGENT = f"postwarden/{__version__}"
            TIMEOUT = timeout

            def create_session(self) -> Session:
                session: Session = bare(self.raw_session(self.service_endpoint))
                session.auth = authentication()
                session.session_id, session.usage_count = 0, 0  # type: ignore[attr-defined]  # the library's own marks
                return session

        # FailFast: exchangelib's own retries take a wrong password for a busy server and lock the account.
        self.configuration = Configuration(
            service_endpoint=endpoint,
            auth_type=NOAUTH,
            version=SCHEMA,
            retry_policy=FailFast(),
            max_connections=most,
        )
        self.protocol = OurProtocol(config=self.configuration)

    def close(self) -> None:
        self.protocol.close()


class _OfMailbox(EWSAccountService):  # type: ignore[misc]  # the library has no types
    SERVICE_NAME = "request"

    def send(self, request: Element) -> bytes:
        raw: bytes = self._get_response(payload=request, api_version=SCHEMA.api_version).content
        return raw


class _OfServer(EWSService):  # type: ignore[misc]  # the library has no types
    SERVICE_NAME = "request"

    def send(self, request: Element) -> bytes:
        raw: bytes = self._get_response(payload=request, api_version=SCHEMA.api_version).content
        return raw


class _Subject(Account):  # type: ignore[misc]  # the library has no types
    """exchangelib's account on connections that are already there."""

    def __init__(self, address: str, connections: Connections, *, impersonate: bool) -> None:
        self._shared = connections.protocol
        super().__init__(
            primary_smtp_address=address,
            config=connections.configuration,
            access_type=IMPERSONATION if impersonate else DELEGATE,
            autodiscover=False,
            default_timezone=UTC,
            locale="en_US",
        )

    @property
    def protocol(self) -> Protocol:
        return self._shared

    @protocol.setter
    def protocol(self, _: Protocol) -> None:
        """The one that exchangelib would make is not used."""


class Mailbox:
    """One mailbox that is asked, with its own patience. Each thread has its own."""

    def __init__(
        self, address: str, connections: Connections, patience: Patience, *, impersonate: bool
    ) -> None:
        self.address = address
        self.is_impersonated = impersonate
        self._patience = patience
        self._send = _OfMailbox(account=_Subject(address, connections, impersonate=impersonate)).send

    def ask(self, request: Element) -> bytes:
        """The raw answer; raises ConnectorError where there is none. A refusal that is an answer is returned."""
        return self._patience.ask(self._send, request)


def sender(connections: Connections) -> Callable[[Element], bytes]:
    """Sends a request that is about no mailbox."""
    send: Callable[[Element], bytes] = _OfServer(protocol=connections.protocol).send
    return send
