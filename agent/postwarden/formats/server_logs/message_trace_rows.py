"""One row of an exported message trace, in any of its forms."""

import re
from collections.abc import Mapping

from postwarden.formats.server_logs.endpoints import address_of
from postwarden.formats.server_logs.exchange_transfers import (
    Direction,
    Outcome,
    envelope_sender,
    size_of,
    transfer_of,
)
from postwarden.formats.server_logs.iso_times import day_start, utc_time
from postwarden.formats.server_logs.line_walk import Told
from postwarden.model.event import Transfer

#: Columns of traces, without case, hyphens and the like.
_TIMES = ("received", "receivedtime", "date", "dateutc", "origintimestamp", "origintimestamputc")
_KNOWN = frozenset(
    {
        *_TIMES,
        "messageid",
        "senderaddress",
        "recipientaddress",
        "recipientstatus",
        "status",
        "eventid",
        "datetime",
    }
)
#: Words of a status, of which the last known one is the latest.
_OUTCOMES: dict[str, Outcome] = {
    "delivered": "delivered",
    "deliver": "delivered",
    "send": "delivered",
    "sent": "delivered",
    "resolved": "delivered",
    "filteredasspam": "delivered",
    "expanded": "expanded",
    "expand": "expanded",
    "failed": "failed",
    "fail": "failed",
    "quarantined": "failed",
    "pending": "deferred",
    "defer": "deferred",
    "gettingstatus": "received",
    "receive": "received",
    "none": "received",
}
#: Where recipients of one row fared differently, those of the first of these are told.
_ORDER: tuple[Outcome, ...] = ("delivered", "expanded", "deferred", "received", "failed")
_DIRECTIONS: dict[str, Direction] = {
    "1": "in",
    "inbound": "in",
    "incoming": "in",
    "2": "out",
    "outbound": "out",
}
#: Columns of message tracking, as extended reports name them.
_TRACKING = (
    "date-time",
    "event-id",
    "return-path",
    "sender-address",
    "recipient-address",
    "message-id",
    "total-bytes",
    "directionality",
    "connector-id",
    "original-client-ip",
    "client-ip",
    "server-ip",
    "network-message-id",
    "internal-message-id",
)
#: `11/23/2026 2:16:51 PM`, as PowerShell writes times by the computer's language.
_LOCAL = re.compile(
    r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}),? (\d{1,2}):(\d\d):(\d\d)(?: ([AaPp])[Mm])?", re.ASCII
)


def squeezed(name: str) -> str:
    """A column's name without case, hyphens, underscores, spaces."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_header(names: tuple[str, ...], *, first: bool) -> bool:
    """Whether a line names columns.

    Behind the first such line more is asked, where files were put together: a sender chooses subject, message id and
    address, and must not be able to write a row that changes the columns.
    """
    return len(_KNOWN.intersection(names)) >= (2 if first else 4)


def trace_row(at: int, row: Mapping[str, str], day_first: bool | None) -> tuple[Transfer | Told, str | None]:
    """What a row tells, and what is doubtful about its time; columns are named as `squeezed` does."""
    if "eventid" in row:
        return transfer_of(at, _as_tracking(row)), None
    time, doubt = _time(next((row[name] for name in _TIMES if row.get(name)), ""), day_first)
    outcome, recipients = _recipients(row)
    if time is None or outcome is None:
        return Told.UNREAD, None
    transfer = Transfer(
        at=at,
        time=time,
        sender=envelope_sender(row.get("returnpath") or row.get("senderaddress") or row.get("sender", "")),
        recipients=recipients,
        message_id=row.get("messageid") or None,
        size=size_of(row.get("size") or row.get("totalbytes", "")),
        direction=_DIRECTIONS.get(row.get("directionality", "").lower()),
        outcome=outcome,
        address=address_of(row.get("fromip") or row.get("originalclientip", "")),
        queue=row.get("messagetraceid") or row.get("networkmessageid") or None,
    )
    return transfer, doubt


def _as_tracking(row: Mapping[str, str]) -> dict[str, str]:
    told = {name: row.get(name.replace("-", ""), "") for name in _TRACKING}
    told["date-time"] = told["date-time"] or row.get("datetimeutc", "")
    return told


def _recipients(row: Mapping[str, str]) -> tuple[Outcome | None, tuple[str, ...]]:
    """How the message fared and for whom: `a@example.org##Receive, Deliver;…`, or a column for each."""
    if "recipientstatus" not in row:
        recipients = row.get("recipientaddress") or row.get("recipient", "")
        named = tuple(one for part in recipients.split(";") if (one := part.strip()))
        return _outcome(row.get("status") or row.get("deliverystatus", "")), named
    found: dict[Outcome, list[str]] = {}
    for part in row["recipientstatus"].split(";"):
        address, mark, status = part.strip().partition("##")
        outcome = _outcome(status) if mark else None
        if outcome is not None:
            found.setdefault(outcome, []).append(address)
    best = next((outcome for outcome in _ORDER if outcome in found), None)
    return best, tuple(found[best]) if best else ()


def _outcome(status: str) -> Outcome | None:
    known = [_OUTCOMES[word] for part in status.split(",") if (word := squeezed(part)) in _OUTCOMES]
    return known[-1] if known else None


def _time(text: str, day_first: bool | None) -> tuple[int | None, str | None]:
    """Milliseconds, and what is doubtful: only times by a computer's language are."""
    match = _LOCAL.fullmatch(text.strip())
    if match is None:
        return utc_time(text.strip()), None
    one, two, year, hour, minute, second, half = match.groups()
    month, day = (two, one) if day_first else (one, two)
    midnight = day_start(f"{year}-{int(month):02}-{int(day):02}")
    hours = int(hour) if half is None else int(hour) % 12 + (12 if half in "Pp" else 0)
    if midnight is None or hours > 23 or (half and not 1 <= int(hour) <= 12):
        return None, None
    time = utc_time(f"1970-01-01T{hours:02}:{minute}:{second}")
    if time is None or midnight < 0:
        return None, None
    ambiguous = day_first is None and int(one) <= 12 and int(two) <= 12 and one != two
    return midnight + time, "day and month can be exchanged; set day_first" if ambiguous else None
