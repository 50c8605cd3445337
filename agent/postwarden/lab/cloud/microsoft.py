"""Microsoft's part of the lab's cloud: the identity platform, Graph, and Exchange's cmdlets, as one tenant sees them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from pathlib import Path

from postwarden.lab.assertions import Clock
from postwarden.lab.cloud import microsoft_filling
from postwarden.lab.cloud.bearers import Bearer, Bearers
from postwarden.lab.cloud.cursors import Cursors
from postwarden.lab.cloud.entra_tokens import EntraDialect, EntraTokens
from postwarden.lab.cloud.exchange_admin import ExchangeAdmin, ExchangeDialect
from postwarden.lab.cloud.graph import Graph
from postwarden.lab.cloud.graph_batch import Batches
from postwarden.lab.cloud.graph_dialect import GraphDialect
from postwarden.lab.cloud.graph_lists import Pages
from postwarden.lab.cloud.host import Host
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.occasions import Dialect
from postwarden.lab.cloud.organisation import CloudOrganisation
from postwarden.lab.cloud.routing import Refused
from postwarden.lab.cloud.surroundings import Slots, Surroundings
from postwarden.lab.entra import Application, make_application, rsa_key

#: Outlook's service behind Graph works on so many requests of an application at a time.
_OUTLOOK_AT_ONCE = 4
_SECRET = "lab-postwarden-Lighthouse"  # noqa: S105 (the lab's own)


@dataclass(frozen=True)
class MicrosoftCloud:
    """The tenant as it runs.

    `authority` is what a client logs in at, `graph_url` and `exchange_url` the origins of the two interfaces;
    `bearers` are the tokens given out, `cursors` those of Graph's lists.
    """

    state: MicrosoftState
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    certificate_file: Path
    key_file: Path
    authority: str
    token_url: str
    graph_url: str
    exchange_url: str
    bearers: Bearers
    cursors: Cursors
    outlook: Slots


class MicrosoftHosts:
    """The three hosts, before they listen; `started` is called with their origins once they do."""

    def __init__(
        self,
        folder: Path,
        whole: CloudOrganisation,
        surroundings: Surroundings,
        *,
        start: datetime,
        computer_clock: Clock,
        users: int,
        grants: int,
    ) -> None:
        """Assertions are checked by `computer_clock`, since clients make them by it."""
        self.state = microsoft_filling.filled(whole, start)
        microsoft_filling.enlarge(self.state, users, grants)
        self.application: Application = make_application(
            folder,
            tenant_id=whole.tenant_id,
            client_id=whole.application("postwarden").id,
            client_secret=_SECRET,
            name="postwarden",
        )
        self.bearers = Bearers(surroundings.clock)
        self.cursors = Cursors()
        self._pages = Pages(self.cursors)
        self._slots = Slots(_OUTLOOK_AT_ONCE)
        batches = Batches()
        self._tokens = EntraTokens(
            self.state, self.application, self.bearers, rsa_key("platform"), computer_clock
        )
        self._exchange = ExchangeAdmin(self.state, self.cursors)
        self.login = Host("login", self._tokens.operations, dialect=EntraDialect(), surroundings=surroundings)
        self.graph = Host(
            "graph",
            Graph(self.state, self._pages, batches).operations,
            dialect=GraphDialect(),
            surroundings=surroundings,
            identify=self._identify("graph", GraphDialect()),
            slots=self._slots,
        )
        batches.parts = self.graph
        self.exchange = Host(
            "exchange",
            self._exchange.operations,
            dialect=ExchangeDialect(),
            surroundings=surroundings,
            identify=self._identify("exchange", ExchangeDialect()),
        )

    @property
    def hosts(self) -> Sequence[Host]:
        return (self.login, self.graph, self.exchange)

    def started(self) -> MicrosoftCloud:
        """The tenant, once each host knows its origin."""
        self._tokens.origin = self.login.origin
        self._pages.origin = self.graph.origin
        self._exchange.origin = self.exchange.origin
        self._tokens.resources |= {self.graph.origin: "graph", self.exchange.origin: "exchange"}
        return MicrosoftCloud(
            self.state,
            self.application.tenant_id,
            self.application.client_id,
            self.application.client_secret,
            self.application.certificate_file,
            self.application.key_file,
            f"{self.login.origin}/{self.application.tenant_id}",
            self._tokens.token_url,
            self.graph.origin,
            self.exchange.origin,
            self.bearers,
            self.cursors,
            self._slots,
        )

    def _identify(self, audience: str, dialect: Dialect) -> Callable[[Message], Bearer]:
        def identified(headers: Message) -> Bearer:
            scheme, _, token = headers.get("Authorization", "").partition(" ")
            if scheme != "Bearer" or not token:
                raise Refused(401, "InvalidAuthenticationToken", "Access token is empty.", problem="no token")
            bearer = self.bearers.use(token)
            if bearer == "expired":
                raise dialect.expired()
            if bearer == "unknown" or bearer.audience != audience:
                raise Refused(
                    401,
                    "InvalidAuthenticationToken",
                    "Access token validation failure. Invalid audience.",
                    problem="a token for something else",
                )
            return bearer

        return identified
