"""The source kind `keycloak`: what an OpenID provider says about each account's clients."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from postwarden.connectors.https import Within
from postwarden.connectors.keycloak import requests
from postwarden.connectors.keycloak.login import Login, fetcher, look, token_list
from postwarden.connectors.keycloak.provider import Provider
from postwarden.connectors.keycloak.realm import Realm, judge
from postwarden.connectors.rest import checks
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.patience import Pause
from postwarden.connectors.rest.session import Bare, Session
from postwarden.connectors.rest.tokens import Tokens
from postwarden.connectors.wire import context
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.formats.keycloak_json import Client, OfflineSession, Person
from postwarden.model.account import Account, login_key
from postwarden.model.application import Application
from postwarden.model.evidence import Grant
from postwarden.model.reading import (
    SAME_GRADE,
    Excess,
    Grade,
    Item,
    Observed,
)
from postwarden.model.scope import Scope, account_scope, source_scope

TRANSPORT, RIGHTS, CLIENTS = "transport", "rights", "clients"
GRANTS, OFFLINE_SESSIONS = "grants", "offline_sessions"

#: What everything is a permission for: the provider's tokens, which the mail server takes.
RESOURCE = "OpenID"


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where Keycloak is (`url` without the realm, with a path where it has one), and which realm."""

    url: str
    realm: str
    login: Login
    connections: Annotated[int, Meta(ge=1, le=16)] = 4
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60
    ca_file: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None or parts.query:
            raise ValueError("url must be https://HOST, or https://HOST/PATH")
        if not self.realm or "/" in self.realm or self.realm in {".", ".."}:
            raise ValueError("realm must be the realm's name")


class _Known(Struct, frozen=True, kw_only=True):
    """Clients by their client ids, and offline sessions by the id of the person whose they are."""

    clients: dict[str, Client]
    sessions: Mapping[str, list[tuple[Client, OfflineSession]]]
    holders: Mapping[str, int]


class KeycloakSource:
    """One realm. Its methods may be called by several threads."""

    checks: tuple[str, ...] = (GRANTS, OFFLINE_SESSIONS)
    source_checks: tuple[str, ...] = (TRANSPORT, RIGHTS, CLIENTS)
    grade: Grade = "from documentation only"
    grades: Mapping[str, Grade] = SAME_GRADE

    def __init__(self, name: str, options: Options, *, folder: Path, clock: Callable[[], datetime]) -> None:
        self.name = name
        self.connections = options.connections
        self._options, self._folder, self._clock = options, folder, clock
        self._tls = partial(context, str(folder / options.ca_file) if options.ca_file else None)
        self._tls()
        self._within = Within()
        self.pause = Pause()
        self._provider: Once[Provider] = Once(self._connect)
        self._people = Once(self._read_people)
        self._clients = Once(self._read_clients)
        self._sessions = Once(self._read_sessions)

    def prepare(self, accounts: Sequence[Account]) -> None:  # noqa: ARG002 - one identity for all
        look(self._options.login, self._folder)

    def accounts(self) -> Iterator[Account]:
        """The people of the realm who have an address, in the order of their logins; raises ConnectorError."""
        people = {person.login: person for person in self._people.get().values() if person.address}
        for login in sorted(people):
            person = people[login]
            yield Account(
                key=login_key(login), login=login, addresses=(person.address,), display_name=person.name
            )

    def read_source(self) -> Iterator[Item]:
        """How the provider is reached, as whom, and which clients ask nobody; an error is a gap of its check."""
        scope = source_scope(self.name)
        asked = self._asked(scope, TRANSPORT)
        yield asked.setting("transport_encryption", "tls")
        yield asked.done()
        yield from checks.one(self._asked(scope, RIGHTS), self._rights)
        yield from checks.one(self._asked(scope, CLIENTS), self._without_consent)

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the provider says about an account; an error leaves a gap for each check that was not ended."""
        scope = account_scope(account.key)
        opened = self._clock()
        self._within.take_address()
        yield from checks.every(self.checks, partial(self._read, account, scope), partial(self._asked, scope))
        yield from checks.own_session(
            self._within,
            account,
            opened,
            source=self.name,
            protocol="keycloak",
            identity=self._options.login.client_id,
            server=urlsplit(self._options.url).netloc,
        )

    def _read(self, account: Account, scope: Scope) -> Iterator[Item]:
        person = self._find(account)
        yield from checks.one(self._asked(scope, GRANTS), partial(self._consents, person))
        yield from checks.one(self._asked(scope, OFFLINE_SESSIONS), partial(self._offline, person))

    def _rights(self, asked: Asked) -> Iterator[Item]:
        held = self._provider.get().roles()
        client = self._options.login.client_id
        if held is None:
            yield asked.gap("unsupported", "our token does not say which roles it has")
            return
        for role, needed_by in requests.NEEDS.items():
            if role not in held:
                yield asked.gap(
                    "forbidden",
                    f"{role} is missing, which {' and '.join(needed_by)} need",
                    part=role,
                    hint=f"give the service account of {client} the role {role} of realm-management",
                )
        for role in sorted(held - set(requests.NEEDS) - requests.COMPOSED):
            yield Excess(
                scope=asked.scope,
                source=asked.source,
                message=f"{role}: no check needs it",
                hint=f"take the role {role} of realm-management from the service account of {client}",
            )

    def _without_consent(self, asked: Asked) -> Iterator[Item]:
        """Clients that are given tokens without anybody being asked."""
        for client in sorted(self._clients.get().values(), key=lambda one: one.application.id):
            if client.can_ask and not client.consent_required:
                grant = Grant(
                    scope=asked.scope,
                    source=asked.source,
                    check=asked.check,
                    observed=asked.observed,
                    provider="keycloak",
                    grant_type="client",
                    application=client.application,
                    resource=RESOURCE,
                    scopes=client.scopes,
                    reaches="everybody",
                    consent="none",
                )
                yield Observed(evidence=grant, raw=client.raw)

    def _consents(self, person: Person, asked: Asked) -> Iterator[Item]:
        clients = self._clients.get()
        for consent in self._provider.get().consents(person):
            if not consent.scopes and consent.granted is None:
                # The provider lists clients here too that only have offline sessions, which have a check of their own.
                continue
            client = clients.get(consent.client)
            grant = Grant(
                scope=asked.scope,
                source=asked.source,
                check=asked.check,
                observed=asked.observed,
                provider="keycloak",
                grant_type="delegated",
                application=client.application if client else Application(id=consent.client),
                resource=RESOURCE,
                scopes=consent.scopes,
                consent="user",
                granted=consent.granted,
                population=len(self._people.get()),
                account_enabled=person.enabled,
            )
            yield Observed(evidence=grant, raw=consent.raw)

    def _offline(self, person: Person, asked: Asked) -> Iterator[Item]:
        """One grant for each client that has tokens for the person that outlive the log-in."""
        known = self._sessions.get()
        mine: dict[str, list[tuple[Client, OfflineSession]]] = defaultdict(list)
        for client, session in known.sessions.get(person.id, ()):
            mine[client.application.id].append((client, session))
        for identifier in sorted(mine):
            found = sorted(mine[identifier], key=lambda one: one[1].id)
            client = found[0][0]
            began = [session.began for _, session in found if session.began is not None]
            used = [session.used for _, session in found if session.used is not None]
            grant = Grant(
                scope=asked.scope,
                source=asked.source,
                check=asked.check,
                observed=asked.observed,
                provider="keycloak",
                grant_type="offline_session",
                application=client.application,
                resource=RESOURCE,
                scopes=client.scopes,
                consent="user" if client.consent_required else "none",
                granted=max(began, key=lambda one: one.time, default=None),
                last_used=max(used, key=lambda one: one.time, default=None),
                holders=known.holders.get(identifier),
                population=len(self._people.get()),
                account_enabled=person.enabled,
            )
            yield Observed(evidence=grant, raw=b"\n".join(session.raw for _, session in found))

    def _find(self, account: Account) -> Person:
        """The person that an account is; raises ConnectorError where there is none, or more than one."""
        names = (
            [account.names[self.name]] if self.name in account.names else [account.login, *account.addresses]
        )
        wanted = {name.casefold() for name in names}
        people = self._people.get()
        # Logins are the realm's own names; an address may be anybody's until it is verified.
        by_login = [one for name in wanted if (one := people.get(name)) is not None]
        found = by_login or [one for one in people.values() if one.address and one.address in wanted]
        if len({one.id for one in found}) != 1:
            many = "several users by the names of" if found else "no user"
            raise ConnectorError(
                f"the realm has {many} {account.login}",
                "give the account its login in [accounts], or leave it out of this source",
                reason="refused",
            )
        return found[0]

    def _read_people(self) -> dict[str, Person]:
        return {person.login.casefold(): person for person in self._provider.get().people()}

    def _read_clients(self) -> dict[str, Client]:
        return {client.application.id: client for client in self._provider.get().clients()}

    def _read_sessions(self) -> _Known:
        clients, people = self._clients.get(), self._people.get()
        sessions: dict[str, list[tuple[Client, OfflineSession]]] = defaultdict(list)
        holders: dict[str, int] = {}
        for identifier, client in clients.items():
            found = list(self._provider.get().offline_sessions(client))
            whose = [one.person or _id_of(one.login, people) for one in found]
            holders[identifier] = len(set(whose))
            for person, session in zip(whose, found, strict=True):
                sessions[person].append((client, session))
        return _Known(clients=clients, sessions=dict(sessions), holders=holders)

    def _connect(self) -> Provider:
        options = self._options
        parts = urlsplit(options.url)
        origin, base = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        token_path = f"{base}/realms/{options.realm}/protocol/openid-connect/token"
        endpoint = token_list(origin, token_path)

        def http() -> Bare:
            return Bare(endpoint, tls=self._tls(), within=Within(), timeout=options.timeout)

        fetch = fetcher(options.login, self._folder, origin + token_path, http, self._clock)
        tokens = Tokens(fetch, lambda: self._clock().timestamp())
        listed = requests.allowed(origin, base, options.realm)
        bare = Bare(
            listed,
            tls=self._tls(),
            within=self._within,
            timeout=options.timeout,
            connections=options.connections,
        )
        session = Session(
            listed,
            bare,
            tokens,
            judge(self._clock),
            pause=self.pause,
            clock=self._clock,
            prefix=f"{base}/admin/realms/{options.realm}",
        )
        return Realm(session, tokens)

    def _asked(self, scope: Scope, check: str) -> Asked:
        return Asked(scope=scope, source=self.name, check=check, observed=self._clock())


def _id_of(login: str, people: Mapping[str, Person]) -> str:
    """The id of the person with a login; of one that the realm does not list, something that is nobody's id."""
    return people[login].id if login in people else f"login {login}"
