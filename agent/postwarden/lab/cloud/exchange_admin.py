"""Exchange Online's cmdlets over HTTP: InvokeCommand, as public programs use it, for it is not documented.

The request names a cmdlet and its parameters, the next page is had by sending the same body to the page's link. Only
cmdlets that read, and that an audit has a use for, are there.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from postwarden.lab.cloud import exchange_rows as rows
from postwarden.lab.cloud.cursors import BadCursor, Cursors
from postwarden.lab.cloud.graph_dialect import GraphDialect
from postwarden.lab.cloud.microsoft_rows import User
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.routing import Answer, Call, Operation, Refused, bad

_LARGEST = 1000
_SELF = "NT AUTHORITY\\SELF"
#: Role, who has it, what kind of assignee that is, and where it holds.
_ASSIGNMENTS = (
    ("Application MailboxSettings.Read", "postwarden (watch)", "ServicePrincipal", "All mailboxes"),
    ("View-Only Recipients", "View-Only Organization Management", "RoleGroup", None),
)
_PREFERENCE = "odata.maxpagesize="


class ExchangeDialect(GraphDialect):
    """Exchange's endpoint speaks OData like Graph; what is missing is a role."""

    content_type = "application/json; odata.metadata=minimal; charset=utf-8"

    def forbidden(self, _: Operation | None, /) -> Refused:
        return Refused(
            403,
            "Forbidden",
            "The role assigned to application isn't supported in this scenario.",
        )

    def rendered(self, refused: Refused, _: datetime, /) -> Answer:
        error = {
            "code": refused.code,
            "message": refused.message,
            "innererror": {"message": refused.message, "internalexception": {"message": refused.message}},
        }
        return Answer(refused.status, {"error": error}, refused.headers)


class ExchangeAdmin:
    """Answers cmdlets from the state; `origin` is set once its server listens."""

    def __init__(self, state: MicrosoftState, cursors: Cursors) -> None:
        self.origin = ""
        self._state = state
        self._cursors = cursors
        self.operations = (
            Operation(
                "invoke_command",
                "POST",
                "/adminapi/beta/{tenant}/InvokeCommand",
                self._invoked,
                frozenset({"$skiptoken"}),
                frozenset({"Exchange.ManageAsApp"}),
            ),
        )
        #: Cmdlets and the parameters that they know here.
        self.cmdlets: Mapping[str, tuple[frozenset[str], Callable[[Mapping[str, Any]], list[Any]]]] = {
            "Get-InboxRule": (frozenset({"Mailbox", "IncludeHidden", "ResultSize"}), self._rules),
            "Get-Mailbox": (frozenset({"Identity", "ResultSize"}), self._mailboxes),
            "Get-MailboxPermission": (frozenset({"Identity", "ResultSize"}), self._permissions),
            "Get-RecipientPermission": (frozenset({"Identity", "ResultSize"}), self._recipient_permissions),
            "Get-ManagementRoleAssignment": (frozenset({"RoleAssigneeType", "ResultSize"}), self._roles),
        }

    def _invoked(self, call: Call) -> Answer:
        if call.params["tenant"] not in {self._state.tenant_id, self._state.domain}:
            raise bad(f"no such tenant: {call.params['tenant']}")
        if not call.headers.get("X-AnchorMailbox", "").startswith("UPN:"):
            raise bad("X-AnchorMailbox does not name a mailbox")
        name, parameters = self._cmdlet(call.body)
        known, run = self.cmdlets[name]
        if not parameters.keys() <= known:
            raise bad(f"{name} is not asked for {', '.join(sorted(parameters.keys() - known))}")
        items = run(parameters)
        start, size = self._start(call), _page_size(call)
        page = items[start : start + size]
        value: dict[str, Any] = {
            "@odata.context": f"{self.origin}/adminapi/beta/{self._state.tenant_id}/$metadata#Collection(Exchange.Cmdlet)",
            "adminapi.warnings@odata.type": "#Collection(String)",
            "@adminapi.warnings": [],
        }
        if start + size < len(items):
            cursor = self._cursors.make(_purpose(call), (start + size,), call.now)
            value["@odata.nextLink"] = f"{self.origin}{call.path}?$skiptoken={quote(cursor, safe='')}"
        return Answer(200, {**value, "value": page})

    def _cmdlet(self, body: bytes) -> tuple[str, Mapping[str, Any]]:
        try:
            whole = json.loads(body)
        except ValueError as exc:
            raise bad("the command is no JSON") from exc
        asked = whole.get("CmdletInput") if isinstance(whole, dict) else None
        if not isinstance(asked, dict) or set(whole) != {"CmdletInput"}:
            raise bad("the body is CmdletInput and nothing else")
        name, parameters = str(asked.get("CmdletName")), asked.get("Parameters", {})
        if not isinstance(parameters, dict) or not set(asked) <= {"CmdletName", "Parameters"}:
            raise bad("a command has a name and parameters")
        if name not in self.cmdlets:
            raise Refused(
                400,
                "BadRequest",
                f"The term '{name}' is not recognized as the name of a cmdlet.",
                problem=f"the cmdlet {name}",
            )
        return name, parameters

    def _start(self, call: Call) -> int:
        if "$skiptoken" not in call.query:
            return 0
        try:
            (start,) = self._cursors.read(_purpose(call), call.query["$skiptoken"])
        except BadCursor as wrong:
            raise bad("the link goes with another command, or is none of ours") from wrong
        return int(start)

    def _user(self, name: str) -> User:
        user = self._state.user(name)
        if user is None or not user.has_mailbox:
            raise Refused(
                404, "NotFound", f"The operation couldn't be performed because '{name}' couldn't be found."
            )
        return user

    def _rules(self, parameters: Mapping[str, Any]) -> list[Any]:
        if "Mailbox" not in parameters:
            raise bad("Get-InboxRule without a mailbox")
        user = self._user(parameters["Mailbox"])
        mailbox = self._state.mailbox(user)
        rules = [rows.listed_rule(user, rule) for rule in mailbox.rules]
        if parameters.get("IncludeHidden"):
            rules.append(
                rows.hidden_rule(user, {"name": "Junk E-mail Rule", "words": [], "redirect": []}, len(rules))
            )
            rules += [
                rows.hidden_rule(user, rule, len(rules) + place)
                for place, rule in enumerate(mailbox.hidden_rules)
            ]
        return rules

    def _mailboxes(self, parameters: Mapping[str, Any]) -> list[Any]:
        users = (
            [self._user(parameters["Identity"])]
            if "Identity" in parameters
            else [user for user in self._state.users if user.has_mailbox]
        )
        return [rows.mailbox(user, self._state.mailboxes.get(user.id)) for user in users]

    def _permissions(self, parameters: Mapping[str, Any]) -> list[Any]:
        user = self._user(parameters.get("Identity", ""))
        found = [rows.permission(user, _SELF, ["FullAccess", "ReadPermission"])]
        others = self._state.mailbox(user).full_access
        return found + [rows.permission(user, login, ["FullAccess"]) for login in others]

    def _recipient_permissions(self, parameters: Mapping[str, Any]) -> list[Any]:
        user = self._user(parameters.get("Identity", ""))
        return [rows.recipient_permission(user, who) for who in (_SELF, *self._state.mailbox(user).send_as)]

    def _roles(self, parameters: Mapping[str, Any]) -> list[Any]:
        wanted = parameters.get("RoleAssigneeType")
        return [rows.role_assignment(*one) for one in _ASSIGNMENTS if wanted in {None, one[2]}]


def _purpose(call: Call) -> str:
    """A page's link holds for the body that it was given for."""
    return call.path + call.body.decode("utf-8", "replace")


def _page_size(call: Call) -> int:
    for preference in call.headers.get("Prefer", "").split(","):
        text = preference.strip()
        if text.startswith(_PREFERENCE):
            number = text.removeprefix(_PREFERENCE)
            if not number.isdecimal() or not 1 <= int(number) <= _LARGEST:
                raise bad(f"Prefer: {text} is not between 1 and {_LARGEST}")
            return int(number)
    return 100
