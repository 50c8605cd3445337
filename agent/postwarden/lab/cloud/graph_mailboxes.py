"""Microsoft Graph's view of a mailbox without its mail: inbox rules and settings."""

from typing import Any

from postwarden.lab.cloud import graph_shapes as shapes
from postwarden.lab.cloud.graph_lists import Listing, Pages
from postwarden.lab.cloud.microsoft_rows import Mailbox, User
from postwarden.lab.cloud.microsoft_state import MicrosoftState
from postwarden.lab.cloud.moments import graph_time
from postwarden.lab.cloud.odata import selected
from postwarden.lab.cloud.routing import Answer, Call, Refused
from postwarden.lab.cloud.table import Table

_SETTINGS = (
    "archiveFolder", "automaticRepliesSetting", "dateFormat", "delegateMeetingMessageDeliveryOptions", "language",
    "timeFormat", "timeZone", "userPurpose", "workingHours",
)  # fmt: skip


class Mailboxes:
    """Answers from the state."""

    def __init__(self, state: MicrosoftState, pages: Pages) -> None:
        self._state = state
        self._pages = pages

    def rules(self, call: Call) -> Answer:
        """The rules that Outlook lists, in the order in which they run."""
        rows = sorted(self._mailbox(call).rules, key=lambda rule: int(rule["sequence"]))
        context = "users('{id}')/mailFolders('inbox')/messageRules"
        listing: Listing[dict[str, Any]] = Listing(
            Table(lambda row: str(row["id"])), shapes.RULE, shapes.RULE_DEFAULT, {}, context
        )
        return self._pages.sequence(call, rows, listing, largest=999, usual=100)

    def settings(self, call: Call) -> Answer:
        """Settings, which say nothing of forwarding."""
        settings = _mailbox_settings(self._mailbox(call), call)
        select = call.query.get("$select")
        names = _SETTINGS if select is None else selected(select, frozenset(_SETTINGS))
        context = self._pages.context(call, f"users('{call.params['id']}')/mailboxSettings")
        return Answer(200, {**context, **{name: settings[name] for name in names}})

    def _mailbox(self, call: Call) -> Mailbox:
        user = known_user(self._state, call.params["id"])
        if not user.has_mailbox:
            raise Refused(
                404,
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        return self._state.mailbox(user)


def known_user(state: MicrosoftState, name: str) -> User:
    """The user with this id or user principal name; Refused where there is none."""
    user = state.user(name)
    if user is None:
        raise missing(name)
    return user


def missing(name: str) -> Refused:
    """The directory has no such object."""
    return Refused(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )


def _mailbox_settings(mailbox: Mailbox, call: Call) -> dict[str, Any]:
    at = {"dateTime": f"{graph_time(call.now).removesuffix('Z')}.0000000", "timeZone": "UTC"}
    return {
        "archiveFolder": "AAMkAGarchive=",
        "automaticRepliesSetting": {
            "status": mailbox.automatic_reply,
            "externalAudience": "all" if mailbox.automatic_reply != "disabled" else "none",
            "internalReplyMessage": "",
            "externalReplyMessage": "",
            "scheduledStartDateTime": at,
            "scheduledEndDateTime": at,
        },
        "dateFormat": "yyyy-MM-dd",
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "language": {"locale": "en-GB", "displayName": "English (United Kingdom)"},
        "timeFormat": "HH:mm",
        "timeZone": "Tokyo Standard Time",
        "userPurpose": mailbox.purpose,
        "workingHours": {
            "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000",
            "endTime": "17:00:00.0000000",
            "timeZone": {"name": "Tokyo Standard Time"},
        },
    }
