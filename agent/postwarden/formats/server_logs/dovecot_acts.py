"""What Dovecot's `mail_log` plugin and its JSON event exporter say about messages, folders and scripts.

`mail_log` writes its fields in one order, whatever the setting's: box, uid, msgid, size, …, subject, flags. Who sends a
message chooses its id and subject, so fields are taken from the left, and none behind something that a sender wrote unless it
follows at once. Events: Dovecot's manual, "List of Events"; field names as 2.3.19 writes them.
"""

import re
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from postwarden.model.event import Act, Deed, Protocol

_BEGIN = re.compile(
    r"(save|copy from .*?|expunge|autoexpunge|delete|undelete|flag_change): box=(.*)", re.DOTALL
)
_FIELDS = re.compile(
    r"(.*?)(?:, uid=(\d{1,10}))(?:, msgid=(<[^<>\s]*>))?(?:, size=(\d{1,18}))?(?:, (.*))?", re.DOTALL
)
_FOLDER = re.compile(r"Mailbox (created|deleted|renamed|subscribed|unsubscribed): (.*)", re.DOTALL)
_DEEDS: Final[dict[str, Deed]] = {
    "save": "saved",
    "copy": "copied",
    "expunge": "expunged",
    "autoexpunge": "expunged",
    "delete": "deleted",
    "undelete": "flagged",
    "flag_change": "flagged",
}
#: Longer details are cut: a subject has no end.
MAX_DETAIL: Final = 512

_COMMANDS: Final[dict[str, Deed]] = {
    "FETCH": "fetched",
    "UID FETCH": "fetched",
    "SEARCH": "searched",
    "UID SEARCH": "searched",
    "SORT": "searched",
    "UID SORT": "searched",
    "THREAD": "searched",
    "UID THREAD": "searched",
}
_SCRIPTS: Final = frozenset({"PUTSCRIPT", "GETSCRIPT", "SETACTIVE", "DELETESCRIPT", "RENAMESCRIPT"})
#: Commands that say nothing about messages, folders, rights or scripts.
_IDLE: Final = frozenset({"CAPABILITY", "NOOP", "LOGOUT", "IDLE", "CHECK", "ENABLE", "COMPRESS"})


class _Fields(Struct, gc=False):
    user: str = ""
    session: str | None = None
    remote_ip: str | None = None
    mailbox: str | None = None
    uid: int | None = None
    cmd_name: str = ""
    cmd_args: str = ""
    tagged_reply_state: str | None = None
    reason_code: list[str] | str = ""
    script_name: str | None = None
    error: str | UnsetType = UNSET


class _Event(Struct, gc=False):
    event: str
    fields: _Fields
    categories: list[str] = []


_EVENT = msgspec.json.Decoder(_Event)
_SERVICES: Final[dict[str, Protocol]] = {
    "service:imap": "imap",
    "service:pop3": "pop3",
    "service:managesieve": "managesieve",
    "service:submission": "submission",
    "service:lmtp": "lmtp",
}


def act_of_mail(
    message: str, *, at: int, time: int, protocol: Protocol, name: str, session: str | None
) -> Act | None:
    """What a line of `mail_log` tells, or None where the message is none."""
    if folder := _FOLDER.fullmatch(message):
        verb, which = folder.groups()
        return Act(
            at=at,
            time=time,
            deed="folder",
            protocol=protocol,
            name=name,
            session=session,
            folder=which,
            detail=verb,
        )
    begin = _BEGIN.fullmatch(message)
    if begin is None:
        return None
    verb, rest = begin.groups()
    found = _FIELDS.fullmatch(rest)
    without = rest.partition(", msgid=")[0], None, None, None, None
    box, uid, message_id, size, more = found.groups() if found else without
    detail = f"{verb}: {more}" if more else verb
    return Act(
        at=at,
        time=time,
        deed=_DEEDS[verb.partition(" ")[0]],
        protocol=protocol,
        name=name,
        session=session,
        folder=box,
        uid=None if uid is None else int(uid),
        message_id=message_id,
        size=None if size is None else int(size),
        detail=detail[:MAX_DETAIL],
    )


def act_of_event(text: str, *, at: int, time: int) -> Act | bool:
    """What a JSON event tells: True where that is nothing more than other lines do, False where it cannot be read."""
    try:
        row = _EVENT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    fields = row.fields
    if not fields.user:
        return True
    deed: Deed
    match row.event:
        case "mail_opened":
            if fields.uid == 0:
                # The server looks at what it is just storing.
                return True
            deed = "opened"
            codes = fields.reason_code
            detail = codes if isinstance(codes, str) else " ".join(codes)
        case "mail_expunged":
            deed, detail = "expunged", "mail_expunged"
        case "imap_command_finished":
            if fields.cmd_name in _IDLE or not fields.cmd_name:
                return True
            done = fields.tagged_reply_state in {None, "OK"}
            deed = _COMMANDS.get(fields.cmd_name, "command") if done else "command"
            detail = f"{'' if done else f'{fields.tagged_reply_state}: '}{fields.cmd_name} {fields.cmd_args}".strip()
        case "managesieve_command_finished":
            if fields.cmd_name in _IDLE or not fields.cmd_name:
                return True
            done = fields.error is UNSET
            deed = "script" if fields.cmd_name in _SCRIPTS and done else "command"
            detail = f"{'' if done else 'NO: '}{fields.cmd_name} {fields.cmd_args}".strip()
        case _:
            return True
    return Act(
        at=at,
        time=time,
        deed=deed,
        protocol=_protocol(row.categories),
        name=fields.user,
        session=fields.session,
        address=fields.remote_ip,
        folder=fields.mailbox,
        uid=fields.uid,
        detail=detail[:MAX_DETAIL] or None,
    )


def _protocol(categories: list[str]) -> Protocol:
    return next((_SERVICES[category] for category in categories if category in _SERVICES), "other")
