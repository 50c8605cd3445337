"""The ways to a tenant: Graph, and where it is switched on Exchange's cmdlets, each with tokens of its own."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from postwarden.connectors.graph import requests
from postwarden.connectors.graph.cmdlets import Cmdlets
from postwarden.connectors.graph.cmdlets import allowed as allowed_cmdlets
from postwarden.connectors.graph.login import fetcher, token_list
from postwarden.connectors.graph.options import Options
from postwarden.connectors.graph.refusals import judge
from postwarden.connectors.graph.rights import claims
from postwarden.connectors.https import Within
from postwarden.connectors.rest.allowed import Allowed
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.patience import Patience, Pause
from postwarden.connectors.rest.session import Bare, Session, Slots
from postwarden.connectors.rest.tokens import Token, Tokens
from postwarden.connectors.wire import context
from postwarden.errors import ConnectorError
from postwarden.secrets import Secret


class Service:
    """What may be asked, and how much at once; nothing is connected to before it is asked. For several threads."""

    def __init__(self, options: Options, folder: Path, clock: Callable[[], datetime]) -> None:
        self._options, self._folder, self._clock = options, folder, clock
        self._tls = partial(context, str(folder / options.ca_file) if options.ca_file else None)
        self._tls()
        self.within, self.slots, self.pause = Within(), Slots(options.connections), Pause()
        self._tokens = self._tokens_for(options.places.graph)
        self.graph = Once(self._to_graph)
        self.cmdlets = Once(self._to_exchange)

    def home(self) -> str | None:
        """The tenant's id: as configured, or, where that is a domain, as the token says."""
        tenant = self._options.tenant
        if len(tenant) == 36 and tenant.count("-") == 4:
            return tenant
        found = claims(self.token())
        return found.tid or None if found is not None else None

    def token(self) -> Secret:
        """The token for Graph, waited for where the log-in is busy; raises ConnectorError or SecretError."""
        return Patience(self.pause).ask(self._tokens.current, lambda: None)

    def _to_graph(self) -> Session:
        version = self._options.version
        listed = requests.allowed(self._options.places.graph, version)
        return self._connect(listed, self._tokens, f"/{version}")

    def _to_exchange(self) -> Cmdlets:
        origin, tenant = self._options.places.exchange, self._options.tenant
        listed = allowed_cmdlets(origin, tenant)
        return Cmdlets(self._connect(listed, self._tokens_for(origin), name="Exchange"), tenant)

    def _connect(self, listed: Allowed, tokens: Tokens, prefix: str = "", *, name: str = "Graph") -> Session:
        options = self._options
        bare = Bare(
            listed,
            tls=self._tls(),
            within=self.within,
            timeout=options.timeout,
            connections=options.connections,
        )
        return Session(
            listed,
            bare,
            tokens,
            judge(self._clock, name),
            pause=self.pause,
            clock=self._clock,
            prefix=prefix,
            # A background audit gives way to everybody else.
            headers={"x-ms-throttle-priority": "Low"},
        )

    def _tokens_for(self, resource: str) -> Tokens:
        options = self._options
        origin = options.places.login

        def http() -> Bare:
            listed = token_list(origin, options.tenant)
            return Bare(listed, tls=self._tls(), within=Within(), timeout=options.timeout)

        authority = f"{origin}/{options.tenant}"
        fetch = fetcher(options.login, self._folder, authority, resource, http, self._clock)

        def while_it_lasts() -> Token:
            self._ensure_open()
            return fetch()

        return Tokens(while_it_lasts, lambda: self._clock().timestamp())

    def _ensure_open(self) -> None:
        """Raises ConnectorError where the case is over that the identity was for."""
        until = self._options.until
        if until is not None and self._clock().date() > until:
            raise ConnectorError(
                f"the identity for an incident was for a case until {until}",
                "remove this source, and the application's rights in Entra",
                reason="forbidden",
            )
