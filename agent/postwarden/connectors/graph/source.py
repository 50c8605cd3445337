"""The source kind `graph`: what a Microsoft 365 tenant says about each account and about itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from postwarden.connectors.graph import everybody, reading, sign_ins
from postwarden.connectors.graph.login import look
from postwarden.connectors.graph.options import Options
from postwarden.connectors.graph.service import Service
from postwarden.connectors.graph.tenant import Tenant
from postwarden.connectors.recall import RECALL, SignInRecall
from postwarden.connectors.rest import checks
from postwarden.connectors.rest.once import Once
from postwarden.connectors.rest.sign_ins import SIGN_INS, Told, recalled, unfailing
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.model.account import Account
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Gap, Grade, Item, Observed
from postwarden.model.scope import Scope, account_scope, source_scope

__all__ = ["GraphSource", "Options"]

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
        self.grade: Grade = (
            "checked against the published schema" if options.version == "v1.0" else "from documentation only"
        )
        # Of registrations and owners no published description was at hand.
        self.grades: Mapping[str, Grade] = MappingProxyType(
            dict.fromkeys((everybody.APPLICATIONS, EXCHANGE_ROLES, *_OF_CMDLETS), "from documentation only")
        )
        self._options, self._folder, self._clock = options, folder, clock
        self._service = Service(options, folder, clock)
        self.pause = self._service.pause
        kept = memory if memory is not None else {}
        self._recall: SignInRecall | None = kept.get(RECALL)
        if options.sign_ins:
            self.source_checks = (*self.source_checks, SIGN_INS)
        self._tenant = Once(lambda: Tenant(self._service.graph.get(), memory=kept, clock=clock))

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
                    self._tenant.get(), self._service.cmdlets.get(), about, self._service.home()
                ),
            )
        else:
            yield self._unshown(self._asked(scope, EXCHANGE_ROLES))
        if options.sign_ins:
            yield from recalled(self._recall, self._asked(scope, SIGN_INS))

    def read_sign_ins(self, since: datetime, until: datetime) -> Iterator[Told]:
        """See `rest.sign_ins.SignInSource`."""
        asked = self._asked(source_scope(self.name), SIGN_INS)
        return unfailing(
            asked, lambda: sign_ins.read_sign_ins(self._service.graph.get(), asked, since, until)
        )

    def read_account(self, account: Account) -> Iterator[Item]:
        """What the tenant says about an account; an error leaves a gap for each check that was not ended."""
        scope = account_scope(account.key)
        opened = self._clock()
        self._service.within.take_address()
        yield from checks.every(self.checks, partial(self._read, account, scope), partial(self._asked, scope))
        yield from checks.own_session(
            self._service.within,
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
            lambda about: self._with_missing(
                reading.grants(tenant, person, about, self._service.home()), about
            ),
        )
        listed: list[MailFlow] | None = []
        for item in reading.mailbox(
            self._service.graph.get(), self._service.slots, person, partial(self._asked, scope)
        ):
            match item:
                case Observed(evidence=MailFlow() as flow) if listed is not None:
                    listed.append(flow)
                case Gap(check=reading.INBOX_RULES, part=None):
                    listed = None
                case _:
                    pass
            yield item
        if self._options.exchange_cmdlets:
            cmdlets = self._service.cmdlets.get()
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
            yield from self._with_missing(read(self._tenant.get(), asked, self._service.home()), asked)

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
        token = self._service.token()
        return everybody.own_rights(
            self._tenant.get(), token, self._options.login.client_id, self._options.needs, asked
        )

    def _asked(self, scope: Scope, check: str) -> Asked:
        return Asked(scope=scope, source=self.name, check=check, observed=self._clock())

    def _unshown(self, asked: Asked) -> Gap:
        message, hint = _UNSHOWN[asked.check]
        return asked.gap("unsupported", message, hint=hint)


#: What only Exchange's cmdlets show of an account.
_OF_CMDLETS = (HIDDEN_RULES, MAILBOX_FORWARDING, MAILBOX_PERMISSIONS)
