"""Exchange's cmdlets, where they are switched on: those that read, with the parameters that they need, and no others.

The endpoint is not documented by Microsoft; public programs of administrators use it.
"""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from postwarden.connectors.https import held_back
from postwarden.connectors.rest.allowed import Allowed, Row
from postwarden.connectors.rest.pages import Page, pages
from postwarden.connectors.rest.patience import Patience
from postwarden.connectors.rest.session import Session
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.formats.exchange_cmdlets import mailboxes, rules
from postwarden.formats.exchange_cmdlets.answer import read_listing
from postwarden.formats.exchange_cmdlets.roles import Assignment, read_assignment
from postwarden.formats.graph_json.people import Person
from postwarden.model.evidence import MailFlow
from postwarden.model.reading import Item

#: Cmdlets and their parameters: all that may be asked.
CMDLETS: Mapping[str, frozenset[str]] = {
    "Get-InboxRule": frozenset({"Mailbox", "IncludeHidden"}),
    "Get-Mailbox": frozenset({"Identity"}),
    "Get-MailboxPermission": frozenset({"Identity"}),
    "Get-RecipientPermission": frozenset({"Identity"}),
    "Get-ManagementRoleAssignment": frozenset({"RoleAssigneeType"}),
}
#: The mailbox that requests about no mailbox are sent to; every tenant has it.
_OF_TENANT = "DiscoverySearchMailbox{{D919BA05-46A6-415f-80AD-7E09334BB852}}@{tenant}"
_NEEDS = "Exchange.ManageAsApp"


class _Input(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="pascal"):
    cmdlet_name: str
    parameters: dict[str, str | bool]


class _Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="pascal"):
    cmdlet_input: _Input


def allowed(origin: str, tenant: str) -> Allowed:
    """What may be asked at `origin`: one endpoint, with a body that is on the list."""
    path = f"/adminapi/beta/{tenant}/InvokeCommand"
    return Allowed(
        origin,
        (Row(method="POST", path=path, query=frozenset({"$skiptoken"}), needs=_NEEDS, body=_read_only),),
    )


def _read_only(body: bytes) -> None:
    try:
        asked = msgspec.json.decode(body, type=_Command).cmdlet_input
    except msgspec.DecodeError as exc:
        raise held_back(f"its command is not readable: {exc}") from exc
    if asked.cmdlet_name not in CMDLETS:
        raise held_back(f"the cmdlet {asked.cmdlet_name[:100]} is not on the list of those that only read")
    odd = sorted(set(asked.parameters) - CMDLETS[asked.cmdlet_name])
    if odd:
        raise held_back(f"{asked.cmdlet_name} with the parameter {odd[0][:100]}")


class Cmdlets:
    """The cmdlets of one tenant."""

    def __init__(self, session: Session, tenant: str) -> None:
        self._session, self._tenant = session, tenant

    def _run(self, name: str, anchor: str, patience: Patience, **parameters: str | bool) -> list[bytes]:
        """All that a cmdlet writes; raises ConnectorError."""
        command = _Command(cmdlet_input=_Input(cmdlet_name=name, parameters=parameters))
        headers = {
            "X-AnchorMailbox": f"UPN:{anchor}",
            "Prefer": "odata.maxpagesize=1000",
            "parameter-based-routing": "true",
        }
        address = self._session.url(f"/adminapi/beta/{self._tenant}/InvokeCommand")

        def read(raw: bytes) -> Page:
            found = read_listing(raw)
            return Page(items=found.value, next=found.next)

        return [
            bytes(one)
            for page in pages(
                self._session,
                address,
                read,
                patience=patience,
                method="POST",
                body=msgspec.json.encode(command),
                headers=headers,
            )
            for one in page.items
        ]

    def hidden_rules(self, person: Person, listed: list[MailFlow] | None, asked: Asked) -> Iterator[Item]:
        """The rules that Graph does not list; without its list nobody can tell which those are."""
        if listed is None:
            raise ConnectorError(
                "which rules are hidden is not known, since those that are not could not be read",
                "look at the gap of inbox_rules",
                reason="unsupported",
            )
        patience = Patience(self._session.pause)
        found = self._run("Get-InboxRule", person.login, patience, Mailbox=person.login, IncludeHidden=True)
        return rules.hidden(rules.read_rules(found, asked), listed)

    def forwarding(self, person: Person, asked: Asked) -> Iterator[Item]:
        patience = Patience(self._session.pause)
        return mailboxes.read_mailbox(
            self._run("Get-Mailbox", person.login, patience, Identity=person.login), asked
        )

    def permissions(self, person: Person, asked: Asked) -> Iterator[Item]:
        patience = Patience(self._session.pause)
        for name in ("Get-MailboxPermission", "Get-RecipientPermission"):
            found = self._run(name, person.login, patience, Identity=person.login)
            yield from mailboxes.read_permissions(found, asked)

    def roles(self) -> list[Assignment]:
        """The roles that applications have in Exchange; raises ConnectorError."""
        anchor = _OF_TENANT.format(tenant=self._tenant)
        found = self._run(
            "Get-ManagementRoleAssignment",
            anchor,
            Patience(self._session.pause),
            RoleAssigneeType="ServicePrincipal",
        )
        return [one for one in map(read_assignment, found) if one is not None]
