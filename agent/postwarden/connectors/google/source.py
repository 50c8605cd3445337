"""The source kind `google`: what a Google Workspace domain says about each account and about itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from postwarden.connectors.google import reading, requests, sign_ins
from postwarden.connectors.google.domain import Domain
from postwarden.connectors.google.login import Login, ScopeMissing, fetcher, look, token_list
from postwarden.connectors.google.refusals import judge
from postwarden.connectors.google.requests import INCIDENT, NEEDS, SECURITY, TOKEN_NEEDS, Identity
from postwarden.connectors.https import Within
from postwarden.connectors.recall import RECALL, SignInRecall
from postwarden.connectors.rest import checks
from postwarden.connectors.rest.allowed import Allowed
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.patience import Patience, Pause
from postwarden.connectors.rest.session import Bare, Session
from postwarden.connectors.rest.sign_ins import SIGN_INS, Told, recalled, unfailing
from postwarden.connectors.rest.tokens import Token, Tokens
from postwarden.connectors.wire import context
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.formats.google_json.activities import AUTHORIZE, DOMAIN_AUTHORIZE, DOMAIN_REMOVE, REVOKE
from postwarden.formats.google_json.people import Person
from postwarden.model.account import Account
from postwarden.model.application import Application
from postwarden.model.evidence import Change, Grant
from postwarden.model.reading import (
    SAME_GRADE,
    Excess,
    Grade,
    Item,
    Observed,
)
from postwarden.model.scope import Scope, account_scope, source_scope

TRANSPORT, RIGHTS, TOKEN_AUDITS, DOMAIN_WIDE = "transport", "rights", "token_audits", "domain_wide"

#: Events of the token log that are told one by one.
_TOLD = timedelta(days=30)


class Urls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where tokens are from (a whole URL), and the origins of the administrators' interfaces and of Gmail's."""

    token: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - a place, no token
    admin: str = "https://admin.googleapis.com"
    gmail: str = "https://gmail.googleapis.com"

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not getattr(self, name).startswith("https://"):
                raise ValueError(f"{name} must begin with https://")


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which domain, and as which service account.

    `customer` is Google's id of the organisation, `my_customer` for the administrator's own. `list_tokens` asks for
    all tokens and app passwords too, with a scope that could delete them. With `sign_ins`, log-ins go into the
    history. `connections` are the accounts read at
    once, `timeout` is in seconds for each wait. `identity` is `watch`, or `incident` for one case until `until`.
    """

    login: Login
    customer: str = "my_customer"
    list_tokens: bool = False
    sign_ins: bool = False
    urls: Urls = Urls()
    connections: Annotated[int, Meta(ge=1, le=16)] = 4
    identity: Identity = "watch"
    until: date | None = None
    timeout: Annotated[int, Meta(ge=1, le=600)] = 60
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if (self.identity == "incident") != (self.until is not None):
            raise ValueError(
                'identity "incident" is for one case: it needs until, a date, which "watch" has not'
            )


class GoogleSource:
    """One domain. Its methods may be called by several threads."""

    checks: tuple[str, ...] = (
        reading.GRANTS,
        reading.FORWARDING,
        reading.FILTERS,
        reading.SEND_AS,
        reading.DELEGATES,
        reading.PROTOCOLS,
        reading.APP_PASSWORDS,
    )
    source_checks: tuple[str, ...] = (TRANSPORT, RIGHTS, TOKEN_AUDITS, DOMAIN_WIDE)
    grade: Grade = "checked against the published schema"
    grades: Mapping[str, Grade] = SAME_GRADE
    remembers = True
    sign_ins_kept, sign_in_lateness = sign_ins.KEPT, sign_ins.LATENESS

    def __init__(
        self,
        name: str,
        options: Options,
        *,
        folder: Path,
        clock: Callable[[], datetime],
        memory: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.connections = options.connections
        self._options, self._folder, self._clock = options, folder, clock
        self._tls = partial(context, str(folder / options.ca_file) if options.ca_file else None)
        self._tls()
        self._within = Within()
        self.pause = Pause()
        needs = (*NEEDS, *(TOKEN_NEEDS if options.list_tokens else ()))
        self._needs = needs
        self._token_list = token_list(options.urls.token, frozenset(need.scope for need in needs))
        self._admin = self._lists(requests.admin_list(options.urls.admin))
        self._gmail = self._lists(requests.gmail_list(options.urls.gmail))
        self._domain = Once(self._connect)
        self._security = Once(lambda: self._as(self._admin, SECURITY))
        self._reports = Once(lambda: self._as(self._admin, requests.REPORTS))
        self._missing: ScopeMissing | None = None
        self._recall: SignInRecall | None = memory.get(RECALL) if memory is not None else None
        if options.sign_ins:
            self.source_checks = (*self.source_checks, SIGN_INS)

    def prepare(self, accounts: Sequence[Account]) -> None:  # noqa: ARG002 - one identity for all
        look(self._options.login, self._folder)

    def accounts(self) -> Iterator[Account]:
        """The people of the domain who have a mailbox, in the order of their ids; raises ConnectorError."""
        people = self._domain.get().people.get()
        for identifier in sorted(people.by_id):
            if people.by_id[identifier].has_mail:
                yield people.by_id[identifier].account

    def read_source(self) -> Iterator[Item]:
        """How the domain is reached, as whom, and what is for everybody in it; an error is a gap of its check."""
        scope = source_scope(self.name)
        asked = self._asked(scope, TRANSPORT)
        yield asked.setting("transport_encryption", "tls")
        yield asked.setting("google_identity", self._options.identity)
        yield asked.done()
        for check, read in (
            (RIGHTS, self._rights),
            (TOKEN_AUDITS, self._token_audits),
            (DOMAIN_WIDE, self._domain_wide),
        ):
            yield from checks.one(self._asked(scope, check), read)
        if self._options.sign_ins:
            yield from recalled(self._recall, self._asked(scope, SIGN_INS))

    def read_sign_ins(self, since: datetime, until: datetime) -> Iterator[Told]:
        """See `rest.sign_ins.SignInSource`."""
        asked = self._asked(source_scope(self.name), SIGN_INS)
        return unfailing(asked, lambda: sign_ins.read_sign_ins(self._reports.get(), asked, since, until))

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the domain says about an account; an error leaves a gap for each check that was not ended."""
        scope = account_scope(account.key)
        opened = self._clock()
        self._within.take_address()
        yield from checks.every(self.checks, partial(self._read, account, scope), partial(self._asked, scope))
        yield from checks.own_session(
            self._within,
            account,
            opened,
            source=self.name,
            protocol="google",
            identity=self._options.login.admin,
            server=urlsplit(self._options.urls.gmail).netloc,
        )

    def _read(self, account: Account, scope: Scope) -> Iterator[Item]:
        domain = self._domain.get()
        person = domain.people.get().find(account, self.name)
        security = self._security.get() if self._options.list_tokens else None
        yield from checks.one(
            self._asked(scope, reading.GRANTS), lambda asked: self._grants(domain, security, person, asked)
        )
        if security is not None:
            yield from checks.one(
                self._asked(scope, reading.APP_PASSWORDS),
                lambda asked: reading.app_passwords(security, person, asked),
            )
        else:
            yield self._asked(scope, reading.APP_PASSWORDS).gap(
                "unsupported",
                "app passwords are shown only to those who could also delete them",
                hint="set list_tokens = true, or accept this gap",
            )
        if self._missing is not None:
            # The same for every mailbox: it is not asked for again.
            raise self._missing
        mailbox = self._as(self._gmail, requests.SETTINGS, person.address)
        for check in reading.SETTINGS:
            yield from checks.one(self._asked(scope, check), partial(self._settings, mailbox, person))

    def _settings(self, mailbox: Session, person: Person, asked: Asked) -> Iterator[Item]:
        try:
            yield from reading.settings(mailbox, person, asked)
        except ScopeMissing as error:
            self._missing = error
            raise

    def _grants(
        self, domain: Domain, security: Session | None, person: Person, asked: Asked
    ) -> Iterator[Item]:
        yield from reading.grants(domain, security, person, asked)
        try:
            domain.uses.get()
        except ConnectorError as error:
            yield asked.failed(error, part="when applications were last at work")

    def _rights(self, asked: Asked) -> Iterator[Item]:
        """Which scopes we lack, by asking for each; which we have beyond need, by what the log says was authorised."""
        admin = self._options.login.admin
        for need in self._needs:
            try:
                Patience(self.pause).ask(self._fetcher(need.scope, admin), lambda: None)
            except ScopeMissing as error:
                yield asked.gap(
                    "forbidden",
                    f"{need.scope} is missing, which {' and '.join(need.checks)} need",
                    part=need.scope,
                    hint=error.hint,
                )
                continue
            if need.could_write:
                yield Excess(
                    scope=asked.scope,
                    source=asked.source,
                    message=f"{need.scope}: it could write, and Google has no smaller one for {' and '.join(need.checks)}",
                    hint="it is held back by the list of requests, which has nothing but GET",
                )
        own = look(self._options.login, self._folder)
        mine = self._domain.get().domain_wide.get().get(own)
        needed = {need.scope for need in self._needs} | (
            INCIDENT if self._options.identity == "incident" else frozenset()
        )
        for scope in mine.scopes if mine is not None else ():
            if scope not in needed:
                yield Excess(
                    scope=asked.scope,
                    source=asked.source,
                    message=f"{scope}: no check needs it",
                    hint=f"remove it from client {own} in the admin console, under domain-wide delegation",
                )

    def _token_audits(self, asked: Asked) -> Iterator[Item]:
        """A Change for each time that somebody let an application in, or put it out."""
        since = self._clock() - _TOLD
        for event, raw in self._domain.get().log.get().events:
            if event.happened >= since:
                change = Change(
                    scope=asked.scope,
                    source=asked.source,
                    check=asked.check,
                    observed=asked.observed,
                    happened=event.happened,
                    operation=event.name,
                    author=event.author or None,
                    about=event.client,
                    detail=f"{event.client_name}: {' '.join(event.scopes)}"[:600],
                )
                yield Observed(evidence=change, raw=raw)
        yield from self._domain.get().unread(asked, AUTHORIZE, REVOKE)

    def _domain_wide(self, asked: Asked) -> Iterator[Item]:
        """The clients that may act for everybody, as far as the log goes back."""
        domain = self._domain.get()
        found, ourselves = domain.domain_wide.get(), look(self._options.login, self._folder)
        population = domain.people.get().population
        for client in sorted(found):
            consent = found[client]
            grant = Grant(
                scope=asked.scope,
                source=asked.source,
                check=asked.check,
                observed=asked.observed,
                provider="google",
                grant_type="domain_wide",
                application=Application(
                    id=client, name=consent.name, own=True if client == ourselves else None
                ),
                resource=reading.RESOURCE,
                scopes=consent.scopes,
                reaches="everybody",
                consent="administrator",
                granted=consent.granted,
                granted_by=consent.granted_by or None,
                holders=population,
                population=population,
            )
            yield Observed(evidence=grant, raw=consent.raw)
        yield from domain.unread(asked, DOMAIN_AUTHORIZE, DOMAIN_REMOVE)
        yield asked.gap(
            "unsupported",
            "the log goes back 180 days: a client that was authorised before is not seen",
            part="older delegations",
            hint="look at the list in the admin console once, under domain-wide delegation, and accept this gap",
        )

    def _connect(self) -> Domain:
        return Domain(
            self._as(self._admin, requests.USERS),
            self._as(self._admin, requests.REPORTS),
            customer=self._options.customer,
            clock=self._clock,
        )

    def _lists(self, allowed: Allowed) -> tuple[Allowed, Bare]:
        options = self._options
        bare = Bare(
            allowed,
            tls=self._tls(),
            within=self._within,
            timeout=options.timeout,
            connections=options.connections,
        )
        return allowed, bare

    def _as(self, service: tuple[Allowed, Bare], scope: str, subject: str | None = None) -> Session:
        """One interface with one scope, as the administrator or as `subject`."""
        fetch = self._fetcher(scope, subject or self._options.login.admin)
        tokens = Tokens(fetch, lambda: self._clock().timestamp())
        allowed, bare = service
        return Session(allowed, bare, tokens, judge(self._clock), pause=self.pause, clock=self._clock)

    def _fetcher(self, scope: str, subject: str) -> Callable[[], Token]:
        options = self._options

        def http() -> Bare:
            return Bare(self._token_list, tls=self._tls(), within=Within(), timeout=options.timeout)

        fetch = fetcher(options.login, self._folder, options.urls.token, scope, subject, http, self._clock)

        def while_it_lasts() -> Token:
            self._ensure_open()
            return fetch()

        return while_it_lasts

    def _ensure_open(self) -> None:
        """Raises ConnectorError where the case is over that the identity was for."""
        until = self._options.until
        if until is not None and self._clock().date() > until:
            raise ConnectorError(
                f"the identity for an incident was for a case until {until}",
                "remove this source, and its client from domain-wide delegation",
                reason="forbidden",
            )

    def _asked(self, scope: Scope, check: str) -> Asked:
        return Asked(scope=scope, source=self.name, check=check, observed=self._clock())
