"""What a status of Graph, or of Exchange's cmdlets, means for the check that asked."""

from collections.abc import Callable
from datetime import datetime

from postwarden.connectors.rest.allowed import Row
from postwarden.connectors.rest.patience import Busy, TokenEnded, retry_after
from postwarden.connectors.rest.session import Answer, Judge
from postwarden.errors import ConnectorError
from postwarden.formats.graph_json.answer import error_code

#: Where the mailbox is not one that Graph serves; Microsoft's page on errors of Outlook's interface.
_NO_MAILBOX = frozenset(
    {"MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorNonExistentMailbox"}
)
#: Sign-ins are for tenants with Entra ID P1 or P2; Microsoft's page on prerequisites of the reporting interface.
_UNLICENSED = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
#: The link to what changed is too old: all is listed anew.
_RESYNC = frozenset({"syncStateNotFound", "syncStateInvalid", "resyncRequired", "Directory_ResyncRequired"})


class Resync(ConnectorError):
    """What changed since is not known any more."""

    def __init__(self, name: str, code: str) -> None:
        super().__init__(
            f"{name} does not know any more what changed ({code})",
            "nothing: all is listed anew",
            reason="malformed",
        )


def judge(now: Callable[[], datetime], name: str = "Graph") -> Judge:
    """What is wrong with an answer of the service of this name, or with one inside a batch; None where it is sound."""

    def error(answer: Answer, row: Row) -> ConnectorError | None:
        status = answer.status
        if status == 200:
            return None
        code = error_code(answer.body) or f"status {status}"
        if status == 429 or (status >= 500 and status != 501):
            return Busy(
                f"{name} has no time for it ({code})", retry_after(answer.headers.get("retry-after"), now())
            )
        if status == 401:
            return TokenEnded(f"{name} did not take our token ({code})", "check client_id, tenant and cloud")
        if code in _RESYNC or status == 410:
            return Resync(name, code)
        if code in _NO_MAILBOX:
            return ConnectorError(
                f"the mailbox is not one that {name} serves ({code})",
                "it may be on a server of your own, or without a licence: read it there, or accept this gap",
                reason="unsupported",
            )
        if code == _UNLICENSED:
            return ConnectorError(
                f"{name} gives no sign-ins to a tenant without Entra ID P1 ({code})",
                "get the licence, or export sign-ins in Entra's admin centre and read them as a log, or accept this gap",
                reason="unsupported",
            )
        if status == 403:
            hint = (
                f"consent to the application permission {row.needs} in Entra, and grant nothing beyond it"
                if row.needs
                else "look at the check rights, which names the permissions that are missing"
            )
            return ConnectorError(
                f"{name} refuses it ({code}): {row.needs or 'a right'} is missing, or the licence does not have it",
                hint,
                reason="forbidden",
            )
        if status == 404:
            return ConnectorError(
                f"{name} does not have it ({code})",
                "check tenant and version; it may be gone",
                reason="refused",
            )
        return ConnectorError(
            f"{name} answered {code}",
            f"look at Microsoft's page on errors of {name}",
            reason="unreachable" if status >= 500 else "malformed",
        )

    return error
