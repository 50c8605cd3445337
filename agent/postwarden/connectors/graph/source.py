"""The source kind `graph`: what a Microsoft 365 tenant says about each account and about itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from postwarden.connectors.graph import everybody, reading, requests
from postwarden.connectors.graph.clouds import CLOUDS, Cloud, Urls
from postwarden.connectors.graph.cmdlets import Cmdlets
from postwarden.connectors.graph.cmdlets import allowed as allowed_cmdlets
from postwarden.connectors.graph.login import Login, fetcher, look, token_list
from postwarden.connectors.graph.refusals import judge
from postwarden.connectors.graph.rights import CMDLET_NEEDS, INCIDENT_NEEDS, NEEDS, Identity, claims
from postwarden.connectors.graph.tenant import Tenant
from postwarden.connectors.https import Within
from postwarden.connectors.rest import checks, quiet
from postwarden.connectors.rest.allowed import Allowed
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.patience import Pause
from postwarden.connectors.rest.session import Bare, Session, Slots
from postwarden.connectors.rest.tokens import Tokens
from postwarden.connectors.wire import context
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Gap, Grade, Item, Observed
from postwarden.model.scope import Scope, account_scope, source_scope

TRANSPORT = "transport"
APP_PASSWORDS = "app_passwords"
HIDDEN_RULES = "hidden_rules"
MAILBOX_FORWARDING = "mailbox_forwarding"
MAILBOX_PERMISSIONS = "mailbox_permissions"
EXCHANGE_ROLES = "exchange_roles"

#: What Graph shows to nobody, and what to do about it.
_UNSHOWN = {
    APP_PASSWORDS: (
        "Microsoft lists nobody's app passwords",
        "forbid them for the whole tenant, in the service settings of per-user multifactor authentication",
    ),
    HIDDEN_RULES: ("Graph lists no hidden rules", "set exchange_cmdlets = true, or accept this gap"),
    MAILBOX_FORWARDING: (
        "Graph does not show the forwarding that is set on the mailbox itself",
        "set exchange_cmdlets = true, or accept this gap",
    ),
    MAILBOX_PERMISSIONS: (
        "Graph does not show who else may open the mailbox or send as it",
        "set exchange_cmdlets = true, or accept this gap",
    ),
    EXCHANGE_ROLES: (
        "Graph does not show the roles that Exchange itself gives to applications",
        "set exchange_cmdlets = true, or accept this gap",
    ),
}


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tenant, and as which application.

    `cloud` names Microsoft's cloud, `urls` other places instead. `version` is Graph's. `connections` are the
    requests at once to mailboxes (Outlook lets an application have four), `timeout` is in seconds for each wait.
    `identity` is `watch`, or `incident` for one case until the day `until`.
    """

    tenant: str
    login: Login
    cloud: Cloud = "global"
    urls: Urls | None = None
    version: Literal["v1.0", "beta"] = "v1.0"
    connections: Annotated[int, Meta(ge=1, le=4)] = 4
    exchange_cmdlets: bool = False
    identity: Identity = "watch"
    until: date | None = None
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if not self.tenant or not all(char.isalnum() or char in "-." for char in self.tenant):
            raise ValueError("tenant must be the tenant's id or one of its domains")
        if (self.identity == "incident") != (self.until is not None):
            raise ValueError(
                'identity "incident" is for one case: it needs until, a date, which "watch" has not'
            )

    @property
    def places(self) -> Urls:
        return self.urls or CLOUDS[self.cloud]


class GraphSource:
    """One tenant. Its methods may be called by several threads."""

    checks: tuple[str, ...] = (
        reading.GRANTS,
        reading.INBOX_RULES,
        reading.MAILBOX_SETTINGS,
        APP_PASSWORDS,
        HIDDEN_RULES,
        MAILBOX_FORWARDING,
        MAILBOX_PERMISSIONS,
    )
    source_checks: tuple[str, ...] = (
        TRANSPORT,
        everybody.RIGHTS,
        everybody.APPLICATIONS,
        everybody.TENANT_GRANTS,
        everybody.DIRECTORY_AUDITS,
        EXCHANGE_ROLES,
    )
    remembers = True

    def __init__(
        self,
        name: str,
        options: Options,
        *,
        folder: Path,
        clock: Callable[[], datetime],
        memory: dict[str, Any] | None = None,
    ) -> None:
        quiet.silence()
        self.name = name
        self.connections = options.connections
        self.grade: Grade = (
            "checked against the published schema" if options.version == "v1.0" else "from documentation only"
        )
        # Of registrations and owners no published description was at hand.
        self.grades: Mapping[str, Grade] = MappingProxyType(
            dict.fromkeys((everybody.APPLICATIONS, EXCHANGE_ROLES, *_OF_CMDLETS), "from documentation only")
        )
        self._options, self._folder, self._clock = options, folder, clock
        self._memory = memory if memory is not None else {}
        self._tls = partial(context, str(folder / options.ca_file) if options.ca_file else None)
        self._tls()
        self._within, self._slots = Within(), Slots(options.connections)
        self.pause = Pause()
        graph = options.places.graph
        self._tokens = self._tokens_for(graph)
        self._session = Once(
            lambda: self._connect(
                requests.allowed(graph, options.version), self._tokens, f"/{options.version}"
            )
        )
        self._cmdlets = Once(self._connect_to_exchange)
        self._tenant = Once(lambda: Tenant(self._session.get(), memory=self._memory, clock=clock))

    def prepare(self, accounts: Sequence[Account]) -> None:  # noqa: ARG002 - one identity for all
        look(self._options.login, self._folder)

    def accounts(self) -> Iterator[Account]:
        """The people of the tenant who have an address, in the order of their ids; raises ConnectorError."""
        people = self._tenant.get().people.get()
        for identifier in sorted(people.by_id):
            person = people.by_id[identifier]
            if person.addresses and not person.guest:
                yield person.account

    def read_source(self) -> Iterator[Item]:
        """How the tenant is reached, as whom, and what is for everybody in it; an error is a gap of its check."""
        scope = source_scope(self.name)
        asked = self._asked(scope, TRANSPORT)
        yield asked.setting("transport_encryption", "tls")
        yield asked.setting("graph_version", self._options.version)
        yield asked.setting("graph_identity", self._options.identity)
        yield asked.done()
        options = self._options
        for check, read in (
            (everybody.RIGHTS, self._rights),
            (everybody.APPLICATIONS, self._of_tenant(everybody.applications)),
            (everybody.TENANT_GRANTS, self._of_tenant(everybody.tenant_grants)),
            (everybody.DIRECTORY_AUDITS, lambda about: everybody.directory_audits(self._tenant.get(), about)),
        ):
            yield from checks.one(self._asked(scope, check), read)
        if options.exchange_cmdlets:
            yield from checks.one(
                self._asked(scope, EXCHANGE_ROLES),
                lambda about: everybody.exchange_roles(
                    self._tenant.get(), self._cmdlets.get(), about, self._home()
                ),
            )
        else:
            yield self._unshown(self._asked(scope, EXCHANGE_ROLES))

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the tenant says about an account; an error leaves a gap for each check that was not ended."""
        scope = account_scope(account.key)
        opened = self._clock()
        self._within.take_address()
        yield from checks.every(self.checks, partial(self._read, account, scope), partial(self._asked, scope))
        yield from checks.own_session(
            self._within,
            account,
            opened,
            source=self.name,
            protocol="graph",
            identity=self._options.login.client_id,
            server=urlsplit(self._options.places.graph).netloc,
        )

    def _read(self, account: Account, scope: Scope) -> Iterator[Item]:
        for check in (APP_PASSWORDS, *(() if self._options.exchange_cmdlets else _OF_CMDLETS)):
            yield self._unshown(self._asked(scope, check))
        tenant = self._tenant.get()
        person = tenant.people.get().find(account, self.name)
        yield from checks.one(
            self._asked(scope, reading.GRANTS),
            lambda about: self._with_missing(reading.grants(tenant, person, about, self._home()), about),
        )
        listed: list[MailFlow] | None = []
        for item in reading.mailbox(self._session.get(), self._slots, person, partial(self._asked, scope)):
            match item:
                case Observed(evidence=MailFlow() as flow) if listed is not None:
                    listed.append(flow)
                case Gap(check=reading.INBOX_RULES, part=None):
                    listed = None
                case _:
                    pass
            yield item
        if self._options.exchange_cmdlets:
            cmdlets = self._cmdlets.get()
            for check, read in (
                (HIDDEN_RULES, partial(cmdlets.hidden_rules, person, listed)),
                (MAILBOX_FORWARDING, partial(cmdlets.forwarding, person)),
                (MAILBOX_PERMISSIONS, partial(cmdlets.permissions, person)),
            ):
                yield from checks.one(self._asked(scope, check), read)

    def _of_tenant(
        self, read: Callable[[Tenant, Asked, str | None], Iterator[Item]]
    ) -> Callable[[Asked], Iterator[Item]]:
        def found(asked: Asked) -> Iterator[Item]:
            yield from self._with_missing(read(self._tenant.get(), asked, self._home()), asked)

        return found

    def _with_missing(self, items: Iterator[Item], asked: Asked) -> Iterator[Item]:
        """The items, and a gap where owners or dates of their applications are only missing for now.

        Who may not read the audit log at all never had its dates: that is the gap of that check alone.
        """
        yield from items
        tenant = self._tenant.get()
        for part, once in (
            ("owners of applications", tenant.owners),
            ("dates from the audit log", tenant.dates),
        ):
            try:
                once.get()
            except ConnectorError as error:
                if error.reason != "forbidden":
                    yield asked.failed(error, part=part)

    def _rights(self, asked: Asked) -> Iterator[Item]:
        token = self._tokens.current()
        options = self._options
        needs = (
            *NEEDS,
            *(CMDLET_NEEDS if options.exchange_cmdlets else ()),
            *(INCIDENT_NEEDS if options.identity == "incident" else ()),
        )
        return everybody.own_rights(self._tenant.get(), token, options.login.client_id, needs, asked)

    def _home(self) -> str | None:
        """The tenant's id: as configured, or, where that is a domain, as the token says."""
        if _is_id(self._options.tenant):
            return self._options.tenant
        found = claims(self._tokens.current())
        return found.tid or None if found is not None else None

    def _connect(self, listed: Allowed, tokens: Tokens, prefix: str = "") -> Session:
        options = self._options
        if options.until is not None and self._clock().date() > options.until:
            raise ConnectorError(
                f"the identity for an incident was for a case until {options.until}",
                "remove this source, and the application's rights in Entra",
                reason="forbidden",
            )
        bare = Bare(
            listed,
            tls=self._tls(),
            within=self._within,
            timeout=options.timeout,
            connections=options.connections,
        )
        return Session(
            listed,
            bare,
            tokens,
            judge(self._clock),
            pause=self.pause,
            clock=self._clock,
            prefix=prefix,
            # A background audit gives way to everybody else.
            headers={"x-ms-throttle-priority": "Low"},
        )

    def _connect_to_exchange(self) -> Cmdlets:
        options = self._options
        origin = options.places.exchange
        session = self._connect(allowed_cmdlets(origin, options.tenant), self._tokens_for(origin))
        return Cmdlets(session, options.tenant)

    def _tokens_for(self, resource: str) -> Tokens:
        options = self._options
        origin = options.places.login

        def http() -> Bare:
            listed = token_list(origin, options.tenant)
            return Bare(listed, tls=self._tls(), within=Within(), timeout=options.timeout)

        fetch = fetcher(options.login, self._folder, f"{origin}/{options.tenant}", resource, http)
        return Tokens(fetch, lambda: self._clock().timestamp())

    def _asked(self, scope: Scope, check: str) -> Asked:
        return Asked(scope=scope, source=self.name, check=check, observed=self._clock())

    def _unshown(self, asked: Asked) -> Gap:
        message, hint = _UNSHOWN[asked.check]
        return asked.gap("unsupported", message, hint=hint)


#: What only Exchange's cmdlets show of an account.
_OF_CMDLETS = (HIDDEN_RULES, MAILBOX_FORWARDING, MAILBOX_PERMISSIONS)


def _is_id(tenant: str) -> bool:
    return len(tenant) == 36 and tenant.count("-") == 4
