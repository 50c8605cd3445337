"""The Google domain of the lab: what its servers answer from, and what tests change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from postwarden.lab.cloud.table import Table

#: How long the reports keep token and admin activities (Google's page "Data retention and lag times": six months).
ACTIVITY_DAYS = 180


@dataclass(frozen=True, slots=True)
class User:
    """Somebody of the domain; `admin` is a super administrator."""

    id: str
    login: str
    name: str
    addresses: tuple[str, ...]
    suspended: bool = False
    admin: bool = False

    @property
    def email(self) -> str:
        return self.addresses[0]


@dataclass(frozen=True, slots=True)
class Client:
    """An application that somebody let in, or a service account."""

    id: str
    name: str
    native: bool


@dataclass(frozen=True, slots=True)
class Token:
    """What one user let one application do."""

    user: str
    client: Client
    scopes: tuple[str, ...]

    @property
    def id(self) -> str:
        return f"{self.user}/{self.client.id}"


@dataclass(frozen=True, slots=True)
class AppPassword:
    """A password for one program; `used` is None where it never was."""

    code: int
    user: str
    name: str
    created: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """An event of a report: `application` is `token`, `admin` or `login`, a parameter's value a text, or several."""

    time: datetime
    application: str
    actor: User
    name: str
    parameters: Mapping[str, str | tuple[str, ...]]
    address: str = "203.0.113.7"


@dataclass
class Gmail:
    """A mailbox's settings, in the words of Gmail's interface."""

    forwarding_addresses: list[str] = field(default_factory=list)
    forward_to: str = ""
    disposition: str = "leaveInInbox"
    filters: list[dict[str, Any]] = field(default_factory=list)
    delegates: list[str] = field(default_factory=list)
    send_as: list[str] = field(default_factory=list)
    imap: bool = False
    pop: str = "disabled"


class GoogleState:
    """Users, tokens, app passwords, delegations to whole domains, activities and settings.

    The methods that change something also write the activity that Google would report, at the time that they are
    given.
    """

    def __init__(self, customer_id: str, domain: str) -> None:
        self.customer_id = customer_id
        self.domain = domain
        self.users: Table[User] = Table(lambda row: row.id, email=lambda row: row.email)
        self.clients: dict[str, Client] = {}
        self.tokens: Table[Token] = Table(lambda row: row.id, user=lambda row: row.user)
        self.app_passwords: list[AppPassword] = []
        #: Scopes by the client number of a service account that may act as everybody.
        self.delegations: dict[str, frozenset[str]] = {}
        self.activities: list[Activity] = []
        self.settings: dict[str, Gmail] = {}

    def user(self, name: str) -> User | None:
        """The user with this id, or one of these addresses."""
        found = self.users.get(name)
        if found is not None:
            return found
        wanted = name.casefold()
        return next((row for row in self.users if wanted in row.addresses), None)

    def gmail(self, user: User) -> Gmail:
        """The user's settings as they are changed."""
        return self.settings.setdefault(user.id, Gmail())

    def authorize(self, user: User, client: Client, scopes: tuple[str, ...], time: datetime) -> None:
        """Let an application in; one that is in already gets these scopes."""
        self.clients[client.id] = client
        self.tokens.put(Token(user.id, client, scopes))
        self.report(Activity(time, "token", user, "authorize", token_parameters(client, scopes)))

    def revoke(self, user: User, client: Client, time: datetime) -> None:
        """Let an application in no longer."""
        token = self.tokens.get(f"{user.id}/{client.id}")
        if token is not None:
            self.tokens.remove(token.id)
            self.report(Activity(time, "token", user, "revoke", token_parameters(client, token.scopes)))

    def add_app_password(self, user: User, name: str, time: datetime) -> AppPassword:
        """Make a password for one program."""
        made = AppPassword(len(self.app_passwords) + 1, user.id, name, time)
        self.app_passwords.append(made)
        return made

    def use_app_password(self, code: int, time: datetime) -> None:
        """Log in with such a password."""
        self.app_passwords = [
            replace(one, used=time) if one.code == code else one for one in self.app_passwords
        ]

    def delegate(self, client_number: str, scopes: frozenset[str], by: User, time: datetime) -> None:
        """Let a service account act as everybody of the domain."""
        self.delegations[client_number] = scopes
        self.report(
            Activity(
                time,
                "admin",
                by,
                "AUTHORIZE_API_CLIENT_ACCESS",
                self.delegation_parameters(client_number, scopes),
            )
        )

    def undelegate(self, client_number: str, by: User, time: datetime) -> None:
        """Let it act as nobody any longer."""
        self.delegations.pop(client_number, None)
        parameters = {"API_CLIENT_NAME": client_number, "DOMAIN_NAME": self.domain}
        self.report(Activity(time, "admin", by, "REMOVE_API_CLIENT_ACCESS", parameters))

    def report(self, activity: Activity) -> None:
        """Write an activity; those of a report are in the order of their times, the newest first."""
        self.activities.append(activity)
        self.activities.sort(key=lambda one: one.time, reverse=True)

    def sign_in(self, user: User, time: datetime, address: str, *, let_in: bool = True) -> None:
        """Somebody signs in, or tries to."""
        self.report(sign_in_of(user, time, address, let_in=let_in))

    def delegation_parameters(self, client_number: str, scopes: frozenset[str]) -> Mapping[str, str]:
        return {
            "API_CLIENT_NAME": client_number,
            "API_SCOPES": ",".join(sorted(scopes)),
            "DOMAIN_NAME": self.domain,
        }


def sign_in_of(user: User, time: datetime, address: str, *, let_in: bool) -> Activity:
    """What the login report says of a sign-in with a password ("Login Audit Activity Events")."""
    parameters: dict[str, str | tuple[str, ...]] = {
        "login_type": "google_password",
        "login_challenge_method": ("password",),
    }
    if let_in:
        return Activity(
            time, "login", user, "login_success", {**parameters, "is_suspicious": "false"}, address
        )
    parameters["login_failure_type"] = "login_failure_invalid_password"
    return Activity(time, "login", user, "login_failure", parameters, address)


def token_parameters(client: Client, scopes: tuple[str, ...]) -> Mapping[str, str | tuple[str, ...]]:
    """What the token report says of an application that was let in or out."""
    return {
        "client_id": client.id,
        "app_name": client.name,
        "client_type": "NATIVE_APPLICATION" if client.native else "WEB",
        "scope_data": scopes,
        "scope": scopes,
    }


def activity_days(state: GoogleState, now: datetime) -> list[Activity]:
    """The activities that the reports still have."""
    oldest = now - timedelta(days=ACTIVITY_DAYS)
    return [one for one in state.activities if one.time >= oldest]
