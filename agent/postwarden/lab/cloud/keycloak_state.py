"""The Keycloak realm of the lab: what its server answers from, and what tests change."""

from dataclasses import dataclass, replace
from datetime import datetime

from postwarden.lab.cloud.moments import ago
from postwarden.lab.cloud.organisation import Application, CloudOrganisation, Grant, guid
from postwarden.lab.cloud.table import Table


@dataclass(frozen=True, slots=True)
class User:
    """Somebody of the realm."""

    id: str
    username: str
    name: str
    email: str
    created: datetime
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the realm; `id` is its UUID there, `client_id` its name."""

    id: str
    client_id: str
    name: str
    enabled: bool = True
    consent_required: bool = False
    public: bool = False
    standard_flow: bool = True
    device_flow: bool = False
    service_account: bool = False
    redirect_uris: tuple[str, ...] = ()
    default_scopes: tuple[str, ...] = ()
    optional_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user agreed to for a client."""

    user: str
    client: str
    scopes: tuple[str, ...]
    created: datetime
    updated: datetime

    @property
    def id(self) -> str:
        return f"{self.user}/{self.client}"


@dataclass(frozen=True, slots=True)
class OfflineSession:
    """A session that outlives the log-in, of a user with a client."""

    id: str
    user: str
    client: str
    address: str
    started: datetime
    used: datetime


class KeycloakState:
    """Users, clients, consents and offline sessions."""

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self.users: Table[User] = Table(lambda row: row.id, username=lambda row: row.username)
        self.clients: Table[Client] = Table(lambda row: row.id, client_id=lambda row: row.client_id)
        self.consents: Table[Consent] = Table(lambda row: row.id, user=lambda row: row.user)
        self.sessions: Table[OfflineSession] = Table(
            lambda row: row.id, user=lambda row: row.user, client=lambda row: row.client
        )
        #: The roles of realm-management that postwarden's client has.
        self.roles: set[str] = {"view-users", "view-clients"}

    def user(self, username: str) -> User:
        """The user of this name; KeyError where there is none."""
        rows, _ = self.users.page(0, 1, index="username", value=username)
        if not rows:
            raise KeyError(username)
        return rows[0]

    def client(self, client_id: str) -> Client:
        """The client of this name; KeyError where there is none."""
        rows, _ = self.clients.page(0, 1, index="client_id", value=client_id)
        if not rows:
            raise KeyError(client_id)
        return rows[0]

    def consent(self, username: str, client_id: str, scopes: tuple[str, ...], time: datetime) -> None:
        """Let a user agree to scopes for a client; a consent that is there grows by them."""
        user, client = self.user(username), self.client(client_id)
        there = self.consents.get(f"{user.id}/{client.id}")
        if there is None:
            self.consents.put(Consent(user.id, client.id, scopes, time, time))
        else:
            grown = tuple(dict.fromkeys((*there.scopes, *scopes)))
            self.consents.put(replace(there, scopes=grown, updated=time))

    def withdraw(self, username: str, client_id: str) -> None:
        """Take the consent away, and the offline sessions with it, as Keycloak does."""
        user, client = self.user(username), self.client(client_id)
        self.consents.remove(f"{user.id}/{client.id}")
        for row in self.sessions:
            if (row.user, row.client) == (user.id, client.id):
                self.sessions.remove(row.id)

    def open_session(
        self, username: str, client_id: str, time: datetime, *, address: str = "203.0.113.7"
    ) -> OfflineSession:
        """Begin an offline session."""
        user, client = self.user(username), self.client(client_id)
        identity = guid("session", user.id, client.id, time.isoformat())
        made = OfflineSession(identity, user.id, client.id, address, time, time)
        self.sessions.put(made)
        return made

    def end_session(self, identity: str) -> None:
        self.sessions.remove(identity)


def filled(whole: CloudOrganisation, start: datetime) -> KeycloakState:
    """The realm as the organisation states it, at the lab's start."""
    state = KeycloakState(whole.realm)
    for person in whole.of("keycloak"):
        state.users.fill(
            User(
                guid("realm", person.login),
                person.login,
                person.name,
                person.addresses[0],
                ago(start, 2000, person.login),
                person.enabled,
            )
        )
    applications = {one.key: one for one in whole.applications if one.provider == "keycloak"}
    for application in applications.values():
        state.clients.fill(_client(application))
    for grant in whole.grants:
        if grant.provider == "keycloak":
            _fill_grant(state, grant, applications[grant.application], start)
    return state


def _client(application: Application) -> Client:
    return Client(
        guid("client", application.key),
        application.id,
        application.name,
        application.enabled,
        application.consent_required,
        application.public,
        application.standard_flow,
        application.device_flow,
        application.service_account,
        application.reply_urls,
        tuple(application.scopes.split()),
        tuple(application.optional_scopes.split()),
    )


def _fill_grant(state: KeycloakState, grant: Grant, application: Application, start: datetime) -> None:
    assert grant.person is not None
    user, client = state.user(grant.person), state.client(application.id)
    made = ago(start, grant.made, application.key, grant.person)
    if grant.type == "delegated":
        state.consents.fill(Consent(user.id, client.id, tuple(grant.scopes.split()), made, made))
        return
    used = made if grant.used is None else ago(start, grant.used, application.key, grant.person, "used")
    identity = guid("session", user.id, client.id, made.isoformat())
    state.sessions.fill(OfflineSession(identity, user.id, client.id, "203.0.113.7", made, max(made, used)))
