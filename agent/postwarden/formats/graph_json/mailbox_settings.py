"""Mailbox settings: of all that Graph tells, whether the mailbox answers by itself and whom."""

from collections.abc import Iterator

import msgspec
from msgspec import Raw, Struct

from postwarden.formats import json_text
from postwarden.formats.asked import Asked
from postwarden.formats.json_text import JsonError
from postwarden.model.reading import Item

_AUDIENCES = {"none": "none", "contactsOnly": "known", "all": "all"}
_TIMES = frozenset({"scheduledStartDateTime", "scheduledEndDateTime"})
_STATES = {"disabled": "disabled", "alwaysEnabled": "enabled", "scheduled": "scheduled"}


class _Replies(Struct, frozen=True, kw_only=True, rename="camel"):
    status: str | None = None
    external_audience: str | None = None


class _Settings(Struct, frozen=True, kw_only=True, rename="camel"):
    automatic_replies_setting: _Replies | None = None
    user_purpose: str | None = None


class _Told(Struct, frozen=True, kw_only=True, rename="camel"):
    automatic_replies_setting: dict[str, Raw] | None = None


def decode_mailbox_settings(raw: bytes, asked: Asked) -> Iterator[Item]:
    """Settings `automatic_reply` and `automatic_reply_audience` as Exchange's own interface tells them, and the purpose.

    Values that are not known stand as they are. No bytes raise.
    """
    try:
        settings = json_text.parse(raw, _Settings)
        told = _without_times(json_text.item(raw, _Told).automatic_replies_setting or {})
    except JsonError as error:
        yield asked.failed(error)
        return
    replies = settings.automatic_replies_setting
    if replies is None or replies.status is None:
        yield asked.gap("malformed", "the answer does not say whether an automatic reply is on")
        return
    yield asked.setting("automatic_reply", _STATES.get(replies.status, replies.status), told)
    if replies.external_audience:
        audience = _AUDIENCES.get(replies.external_audience, replies.external_audience)
        yield asked.setting("automatic_reply_audience", audience, told)
    if settings.user_purpose:
        yield asked.setting("mailbox_purpose", settings.user_purpose)


def _without_times(told: dict[str, Raw]) -> bytes:
    """What is told of automatic replies; without the times of a schedule that is not on, which move by themselves."""
    on = bytes(told.get("status", b"")) == b'"scheduled"'
    return msgspec.json.encode({name: value for name, value in told.items() if on or name not in _TIMES})
