"""Gmail's settings in the lab, as its discovery document has them: only for a token that acts as that very user."""

from collections.abc import Callable
from typing import Any

from postwarden.lab.cloud.google_state import Gmail, GoogleState, User
from postwarden.lab.cloud.routing import Answer, Call, Operation, Refused

_SCOPE = "https://www.googleapis.com/auth/"
#: Each of these lets one read settings; the first is the least that a program without mail can have.
_PERMISSIONS = frozenset(
    {
        f"{_SCOPE}gmail.settings.basic",
        f"{_SCOPE}gmail.readonly",
        f"{_SCOPE}gmail.modify",
        "https://mail.google.com/",
    }
)


class GmailSettingsHost:
    """Answers from the state; `operations` is all that can be asked."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

        def setting(name: str, kind: str, shown: Callable[[User, Gmail], dict[str, Any]]) -> Operation:
            return Operation(
                kind,
                "GET",
                f"/gmail/v1/users/{{user}}/settings/{name}",
                lambda call: Answer(200, shown(*self._mailbox(call))),
                frozenset(),
                _PERMISSIONS,
            )

        self.operations = (
            setting("autoForwarding", "auto_forwarding", _auto_forwarding),
            setting("forwardingAddresses", "forwarding_addresses", _forwarding_addresses),
            setting(
                "filters", "filters", lambda _, gmail: {"filter": gmail.filters} if gmail.filters else {}
            ),
            setting("sendAs", "send_as", _send_as),
            setting("delegates", "delegates", _delegates),
            setting("imap", "imap", _imap),
            setting(
                "pop", "pop", lambda _, gmail: {"accessWindow": gmail.pop, "disposition": "leaveInInbox"}
            ),
        )

    def _mailbox(self, call: Call) -> tuple[User, Gmail]:
        assert call.bearer is not None
        acting = self._state.user(call.bearer.subject) if call.bearer.subject else None
        if acting is None:
            # A service account that acts as itself has no mailbox.
            raise Refused(400, "failedPrecondition", "Precondition check failed.")
        name = call.params["user"]
        asked = acting if name == "me" else self._state.user(name)
        if asked is None or asked.id != acting.id:
            raise Refused(
                403, "forbidden", f"Delegation denied for {acting.email}", problem=f"{name} as another"
            )
        return asked, self._state.gmail(asked)


def _auto_forwarding(_: User, gmail: Gmail) -> dict[str, Any]:
    if not gmail.forward_to:
        return {"enabled": False}
    return {"enabled": True, "emailAddress": gmail.forward_to, "disposition": gmail.disposition}


def _forwarding_addresses(_: User, gmail: Gmail) -> dict[str, Any]:
    if not gmail.forwarding_addresses:
        return {}
    return {
        "forwardingAddresses": [
            {"forwardingEmail": address, "verificationStatus": "accepted"}
            for address in gmail.forwarding_addresses
        ]
    }


def _send_as(user: User, gmail: Gmail) -> dict[str, Any]:
    own = {
        "sendAsEmail": user.email,
        "displayName": user.name,
        "replyToAddress": "",
        "signature": "",
        "isPrimary": True,
        "isDefault": True,
    }
    others = [
        {
            "sendAsEmail": address,
            "displayName": user.name,
            "replyToAddress": "",
            "signature": "",
            "isPrimary": False,
            "isDefault": False,
            "treatAsAlias": True,
            "verificationStatus": "accepted",
        }
        for address in gmail.send_as
    ]
    return {"sendAs": [own, *others]}


def _delegates(_: User, gmail: Gmail) -> dict[str, Any]:
    if not gmail.delegates:
        return {}
    return {
        "delegates": [
            {"delegateEmail": address, "verificationStatus": "accepted"} for address in gmail.delegates
        ]
    }


def _imap(_: User, gmail: Gmail) -> dict[str, Any]:
    return {"enabled": gmail.imap, "autoExpunge": True, "expungeBehavior": "archive", "maxFolderSize": 0}
