"""Delegates in answers to GetDelegate into delegations."""

from collections.abc import Iterator
from datetime import datetime

from postwarden.errors import ConnectorError
from postwarden.formats.ews_xml.answer import Asked, Refusal, messages, operation, sub_message
from postwarden.formats.ews_xml.grantees import grantee
from postwarden.formats.ews_xml.levels import of_level
from postwarden.formats.ews_xml.tree import (
    MESSAGES,
    TYPES,
    Element,
    child,
    children,
    is_true,
    name,
    text,
    written,
)
from postwarden.model.account import Account
from postwarden.model.evidence import Delegation, FolderUse, Right, Setting
from postwarden.model.reading import Item, Observed
from postwarden.model.scope import Scope

_USES: dict[str, FolderUse] = {
    "CalendarFolderPermissionLevel": "calendar",
    "TasksFolderPermissionLevel": "tasks",
    "InboxFolderPermissionLevel": "inbox",
    "ContactsFolderPermissionLevel": "contacts",
    "NotesFolderPermissionLevel": "notes",
    "JournalFolderPermissionLevel": "journal",
}


def decode_delegates(
    raw: bytes, account: Account, *, scope: Scope, source: str, check: str, observed: datetime
) -> Iterator[Item]:
    """For each delegate a Delegation to the mailbox, one to each folder with a level above none, and gaps.

    Each delegate is an answer of its own: one that the directory no longer knows is a gap, and the others
    stay. `observed` is in UTC. No bytes raise: an answer that is an error is a gap.
    """
    asked = Asked(scope=scope, source=source, check=check, observed=observed)
    try:
        answer = operation(raw, "GetDelegate")
        if isinstance(answer, Refusal):
            yield asked.refused(answer)
            return
        # The operation is a response message itself, with those of the delegates inside it.
        for message in messages(answer):
            if message.refusal is not None:
                yield asked.refused(message.refusal)
        listed = list(
            children(answer, MESSAGES + "ResponseMessages", MESSAGES + "DelegateUserResponseMessageType")
        )
        for number, one in enumerate(listed, 1):
            single = sub_message(one)
            if single.refusal is not None:
                yield asked.refused(single.refusal, part=f"delegate {number} of {len(listed)}")
            if single.has_content:
                for user in children(one, MESSAGES + "DelegateUser"):
                    yield from _delegate(user, asked, account)
        yield from _meetings(answer, asked)
    except ConnectorError as error:
        yield asked.gap(error.reason, error.message, hint=error.hint)


def _delegate(user: Element, asked: Asked, account: Account) -> Iterator[Item]:
    who, kind = grantee(child(user, TYPES + "UserId"), account.addresses)
    raw = written(user)

    def entry(rights: tuple[Right, ...], use: FolderUse | None, level: str | None) -> Observed:
        found = Delegation(
            scope=asked.scope,
            source=asked.source,
            check=asked.check,
            observed=asked.observed,
            via="ews_delegate",
            folder="INBOX" if use == "inbox" else use or "",
            grantee=who,
            grantee_kind=kind,
            rights=rights,
            use=use,
            level=level,
        )
        return Observed(evidence=found, raw=raw)

    whole: list[Right] = ["send_on_behalf"]
    if is_true(user, TYPES + "ReceiveCopiesOfMeetingMessages"):
        whole.append("meeting_copies")
    if is_true(user, TYPES + "ViewPrivateItems"):
        whole.append("private_items")
    yield entry(tuple(whole), None, None)
    for permission in children(user, TYPES + "DelegatePermissions", "*"):
        use, level = _USES.get(name(permission)), text(permission)
        rights = of_level(level)
        if use is None or rights is None or level == "Custom":
            yield asked.gap(
                "unsupported",
                f"the rights behind {name(permission)} {level} are not told here",
                part=f"delegate {who}",
                hint="the folder's permission set has them",
            )
        if use is not None and level != "None":
            yield entry(rights or (), use, level)


def _meetings(answer: Element, asked: Asked) -> Iterator[Item]:
    told = child(answer, MESSAGES + "DeliverMeetingRequests")
    if told is None:
        return
    setting = Setting(
        scope=asked.scope,
        source=asked.source,
        check=asked.check,
        observed=asked.observed,
        name="meeting_requests_go_to",
        value=text(told),
    )
    yield Observed(evidence=setting, raw=written(told))
