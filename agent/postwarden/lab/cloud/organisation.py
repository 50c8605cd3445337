"""The words for the part of the made-up company that is at cloud providers.

Times are whole days before the lab starts, so that no clock is needed; the providers' states make dates of them.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Provider = Literal["microsoft", "google", "keycloak"]
GrantType = Literal["delegated", "application", "domain_wide", "offline_session"]

PROVIDERS: tuple[Provider, ...] = ("microsoft", "google", "keycloak")
#: The tenants that Microsoft's own applications are registered in (its page "Verify first-party Microsoft
#: applications in sign-in reports").
MICROSOFT_TENANTS = {
    "microsoft": "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    "microsoft_services": "cdc5aeea-15c5-4db6-b079-fcadd2505dc2",
}


@dataclass(frozen=True)
class Case:
    """The publication that describes something bad of this shape."""

    title: str
    publisher: str
    year: int


@dataclass(frozen=True)
class Person:
    """Somebody with an account; the first of `addresses` is the primary one."""

    provider: Provider
    login: str
    name: str
    addresses: tuple[str, ...]
    enabled: bool = True
    story: str = ""


@dataclass(frozen=True)
class Credential:
    """A key of an application: added so many days ago, at an end in so many days (negative: it has ended)."""

    type: Literal["secret", "certificate"]
    name: str
    added: int
    ends: int
    by: str


@dataclass(frozen=True)
class Owner:
    """Who may change an application, by login, since so many days, and by whom."""

    login: str
    added: int
    by: str


@dataclass(frozen=True)
class Application:
    """An application as its provider knows it; `key` is its name in the lab, `id` its client id.

    `home` says whose tenant it is registered in: `own`, a key of MICROSOFT_TENANTS, or a word for somebody else's. The
    fields from `native` on matter at Google or Keycloak only. One with a `case` is bad, one that is `harmless`
    looks odd.
    """

    provider: Provider
    key: str
    id: str
    name: str
    created: int
    publisher: str = ""
    verified: bool = False
    home: str = "own"
    enabled: bool = True
    reply_urls: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    owners: tuple[Owner, ...] = ()
    native: bool = False
    consent_required: bool = True
    public: bool = False
    standard_flow: bool = True
    device_flow: bool = False
    service_account: bool = False
    scopes: str = ""
    optional_scopes: str = ""
    case: Case | None = None
    harmless: str = ""
    story: str = ""


@dataclass(frozen=True)
class Grant:
    """What an application may do; `person` is a login, or None for everybody. `by` granted it, `made` days ago.

    `resource` is `graph` or `exchange` at Microsoft; `used` is days since it was last at work, None where never seen.
    """

    provider: Provider
    type: GrantType
    application: str
    scopes: str
    made: int
    person: str | None = None
    resource: str = "graph"
    by: str | None = None
    used: int | None = None


@dataclass(frozen=True)
class AppPassword:
    """A password of Google's for one program of one person."""

    provider: Provider
    key: str
    person: str
    name: str
    made: int
    used: int | None = None
    case: Case | None = None
    harmless: str = ""
    story: str = ""


@dataclass(frozen=True)
class MailRule:
    """A rule of an inbox at Microsoft, in the words of Graph's messageRule; recipients are plain addresses here."""

    person: str
    name: str
    sequence: int
    enabled: bool = True
    read_only: bool = False
    has_error: bool = False
    conditions: Mapping[str, Any] = field(default_factory=dict)
    exceptions: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, Any] = field(default_factory=dict)
    case: Case | None = None
    story: str = ""


@dataclass(frozen=True)
class ExchangeSettings:
    """What of a mailbox only Exchange's own cmdlets show, beside what it is for; `full_access` and `send_as` are logins."""

    person: str
    purpose: str = "user"
    hidden_rules: tuple[Mapping[str, Any], ...] = ()
    forwarding_smtp: str = ""
    deliver_and_forward: bool = False
    full_access: tuple[str, ...] = ()
    send_as: tuple[str, ...] = ()
    case: Case | None = None
    story: str = ""


@dataclass(frozen=True)
class GmailSettings:
    """A mailbox's settings at Google, in the words of Gmail's settings."""

    person: str
    forwarding_addresses: tuple[str, ...] = ()
    auto_forwarding: Mapping[str, str] = field(default_factory=dict)
    filters: tuple[Mapping[str, Any], ...] = ()
    delegates: tuple[str, ...] = ()
    send_as: tuple[str, ...] = ()
    imap: bool = False
    pop: str = "disabled"
    case: Case | None = None
    story: str = ""


@dataclass(frozen=True)
class Expected:
    """Keys of the applications and app passwords that are bad, and of those that only look odd."""

    bad: tuple[str, ...]
    harmless: tuple[str, ...]


@dataclass(frozen=True)
class CloudOrganisation:
    """The organisation; `sizes` are the totals by provider that ordinary people, applications and grants make up to.

    `domains` has the mail domain by provider; the realm's people have those of the mail server.
    """

    name: str
    internal_domains: tuple[str, ...]
    partners: tuple[str, ...]
    tenant_id: str
    customer_id: str
    realm: str
    domains: Mapping[Provider, str]
    sizes: Mapping[Provider, Mapping[str, int]]
    people: tuple[Person, ...]
    applications: tuple[Application, ...]
    grants: tuple[Grant, ...]
    app_passwords: tuple[AppPassword, ...]
    mail_rules: tuple[MailRule, ...]
    exchange: tuple[ExchangeSettings, ...]
    gmail: tuple[GmailSettings, ...]
    expected: Expected

    def of(self, provider: Provider) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.provider == provider)

    def application(self, key: str) -> Application:
        """The application with this key; KeyError where there is none."""
        for application in self.applications:
            if application.key == key:
                return application
        raise KeyError(key)

    def app_password(self, key: str) -> AppPassword:
        """The app password with this key; KeyError where there is none."""
        for password in self.app_passwords:
            if password.key == key:
                return password
        raise KeyError(key)


def guid(*names: str) -> str:
    """A GUID that follows from names, so that the lab has the same ones each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("kitano-cloud", *names))))


def number(digits: int, *names: str) -> str:
    """Digits that follow from names, without a zero at the head."""
    whole = uuid.uuid5(uuid.NAMESPACE_URL, "/".join(("kitano-number", *names))).int
    return str(10 ** (digits - 1) + whole % (9 * 10 ** (digits - 1)))


def client_id(provider: Provider, key: str, given: str = "", client_number: str = "") -> str:
    """The client id in its provider's form: a GUID, a number at googleusercontent.com or alone, or a word."""
    if given:
        return given
    if provider == "microsoft":
        return guid("application", key)
    if provider == "keycloak":
        return key
    return client_number or f"{number(12, key)}-{guid(key).replace('-', '')}.apps.googleusercontent.com"
