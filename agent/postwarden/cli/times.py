"""Times as the command line takes and shows them."""

from datetime import UTC, datetime, timedelta

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
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise UsageError(
            f"{option}: {text!r} is no time", "for example 2026-06-01 or 2026-06-01T08:00"
        ) from exc
    return (time.replace(tzinfo=time.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)
