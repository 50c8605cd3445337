"""Times as the command line takes and shows them."""

from datetime import UTC, date, datetime, time, timedelta

from postwarden.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def shown(milliseconds: int | None) -> str | None:
    """A time in milliseconds since 1970 as people and machines read it, in UTC."""
    if milliseconds is None:
        return None
    return (_EPOCH + timedelta(milliseconds=milliseconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def given(text: str | None, option: str) -> int | None:
    """What the caller wrote, in milliseconds since 1970: a day or a time of ISO 8601, in UTC where it names no zone."""
    if text is None:
        return None
    return (time_given(text, option) - _EPOCH) // timedelta(milliseconds=1)


def time_given(text: str, option: str) -> datetime:
    """What the caller wrote: a day or a time of ISO 8601, in UTC where it names no zone; raises UsageError."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise UsageError(
            f"{option}: {text!r} is no time", "for example 2026-06-01 or 2026-06-01T08:00"
        ) from exc


def span(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    """What --since and --until give; raises UsageError also where nothing can be between them."""
    begin, end = given(since, "--since"), given(until, "--until")
    if begin is not None and end is not None and begin >= end:
        raise UsageError(f"--since {since} is not before --until {until}", "exchange them")
    return begin, end


def until_time(text: str) -> datetime:
    """The start of the day `text` in UTC; raises UsageError."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as exc:
        raise UsageError(f"{text!r} is not a day", "write it as YYYY-MM-DD") from exc
