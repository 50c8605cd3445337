"""Transfers as Exchange's tracking describes them, by the names of its columns.

They are the same in message tracking logs and in the extended reports of message traces, but for hyphens or underscores;
the events are those of Microsoft's page "Message tracking" (event types). What a server does to a message inside itself
(copies for safety, agents, routing) is no transfer.
"""

from collections.abc import Mapping
from typing import Literal

from postwarden.formats.server_logs.endpoints import address_of
from postwarden.formats.server_logs.exchange_probes import is_health_mailbox
from postwarden.formats.server_logs.iso_times import utc_time
from postwarden.formats.server_logs.line_walk import Told
from postwarden.model.event import Transfer

Outcome = Literal["delivered", "deferred", "failed", "expanded", "received"]
Direction = Literal["in", "out", "local"]

_OUTCOMES: dict[str, Outcome] = {
    "RECEIVE": "received",
    "DELIVER": "delivered",
    "SEND": "delivered",
    "SENDEXTERNAL": "delivered",
    "EXPAND": "expanded",
    "DEFER": "deferred",
    "FAIL": "failed",
}
#: The connector between servers of one organisation.
_INSIDE = "intra-organization smtp send connector"


def transfer_of(at: int, row: Mapping[str, str]) -> Transfer | Told:
    """The transfer that a row tells; its columns are named in lower case with hyphens."""
    time = utc_time(row.get("date-time", ""))
    event = row.get("event-id", "").upper()
    if time is None or not event:
        return Told.UNREAD
    outcome = _OUTCOMES.get(event)
    if outcome is None:
        return Told.PASSED
    sender = envelope_sender(row.get("return-path") or row.get("sender-address", ""))
    recipients = tuple(one for part in row.get("recipient-address", "").split(";") if (one := part.strip()))
    if recipients and all(map(is_health_mailbox, recipients)):
        return Told.PASSED
    return Transfer(
        at=at,
        time=time,
        sender=sender,
        recipients=recipients,
        message_id=row.get("message-id") or None,
        size=size_of(row.get("total-bytes", "")),
        direction=_direction(event, row),
        outcome=outcome,
        address=_address(event, row),
        queue=row.get("network-message-id") or row.get("internal-message-id") or None,
    )


def envelope_sender(text: str) -> str:
    """The sender without brackets; the null sender is empty."""
    return text.strip().removeprefix("<").removesuffix(">")


def size_of(text: str) -> int | None:
    """A whole number of bytes; None where none is told."""
    return int(text) if len(text) < 16 and text.isascii() and text.isdecimal() else None


def _direction(event: str, row: Mapping[str, str]) -> Direction | None:
    """Which way the message went, where its origin and this event together tell."""
    origin = row.get("directionality", "").lower()
    if origin in {"incoming", "1"}:
        return "in"
    if origin not in {"originating", "2"} or event not in {"SEND", "SENDEXTERNAL", "DELIVER"}:
        return None
    inside = event == "DELIVER" or row.get("connector-id", "").lower() == _INSIDE
    return "local" if inside else "out"


def _address(event: str, row: Mapping[str, str]) -> str | None:
    """The host that the message came from or went to."""
    names = (
        ("original-client-ip", "client-ip")
        if event == "RECEIVE"
        else ("server-ip",)
        if event.startswith("SEND")
        else ()
    )
    return next((found for name in names if (found := address_of(row.get(name, "")))), None)
