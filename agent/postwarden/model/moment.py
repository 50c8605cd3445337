"""Points in time: aware, UTC, microseconds."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

#: A point in time with a zone; everything we make ourselves is UTC.
Moment = Annotated[datetime, Meta(tz=True)]


def text(moment: datetime) -> str:
    """RFC 3339 in UTC with six digits and `Z`, the only form that records use.

    Raises ValueError for a time without a zone.
    """
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc(moment: datetime) -> datetime:
    """The same point in time in UTC; raises ValueError for a time without a zone."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def parse(value: str) -> datetime:
    """A time as `text` writes it, or any RFC 3339 time with a zone; raises ValueError otherwise."""
    try:
        return utc(datetime.fromisoformat(value))
    except OverflowError as exc:
        raise ValueError(f"a time beyond the calendar: {value}") from exc


def require_utc(*moments: datetime | None) -> None:
    """Raises ValueError unless each moment that is there is aware and in UTC."""
    for moment in moments:
        if moment is not None and moment.utcoffset() != timedelta(0):
            raise ValueError(f"not a time in UTC: {moment.isoformat()}")
