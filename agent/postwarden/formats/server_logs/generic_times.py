"""Times of a log that the administrator describes: by a format, and where they name no zone, in the log's."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from postwarden.errors import ConfigError
from postwarden.formats.server_logs.iso_times import wall_time

#: What the clock on the wall shows, as if it were UTC, and how far it is ahead of UTC where the text says.
ReadTime = Callable[[str], tuple[int, int | None] | None]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = _EPOCH.replace(tzinfo=None)
_MILLISECOND = timedelta(milliseconds=1)
#: The end of the year 9998: a day before datetime's own end is left for zones.
_LAST = 253_370_764_800_000


def time_reader(time_format: str) -> ReadTime:
    """What reads times of a format that was checked."""
    if time_format == "iso":
        return wall_time
    if time_format in {"unix", "unix_ms"}:
        return _seconds if time_format == "unix" else _milliseconds

    def read(text: str) -> tuple[int, int | None] | None:
        try:
            found = datetime.strptime(text, time_format)  # noqa: DTZ007 - the zone is added where there is none
        except (ValueError, OverflowError):
            return None
        offset = found.utcoffset()
        wall = (found.replace(tzinfo=None) - _WALL_EPOCH) // _MILLISECOND
        return wall, None if offset is None else offset // _MILLISECOND

    return read


def zone_of(name: str) -> ZoneInfo:
    """The zone; raises ConfigError where there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ConfigError(
            f"{name!r} is no time zone", "give an IANA name such as Europe/Berlin", key="zone"
        ) from exc


def to_utc(found: tuple[int, int | None], zone: ZoneInfo, last: int) -> tuple[int, str | None] | None:
    """Milliseconds in UTC, and what is doubtful; None for a time that no log of ours has.

    Where clocks are put back, an hour comes twice: the first time that is not before `last`, the time of the line before.
    """
    wall, offset = found
    if not 0 <= wall <= _LAST:
        return None
    if offset is not None:
        return (wall - offset, None) if wall >= offset else None
    shown = _WALL_EPOCH + timedelta(milliseconds=wall)
    first, second = (wall - _offset(shown, zone, fold) for fold in (0, 1))
    if first == second:
        return (first, None) if first >= 0 else None
    if first > second:
        return first, "clocks were put forward: this time did not come"
    return (first if first >= last else second), "clocks were put back: this time came twice"


def _offset(shown: datetime, zone: ZoneInfo, fold: int) -> int:
    offset = shown.replace(tzinfo=zone, fold=fold).utcoffset()
    return offset // _MILLISECOND if offset is not None else 0


def _seconds(text: str) -> tuple[int, int | None] | None:
    whole, _, part = text.partition(".")
    if not _digits(whole, 12) or (part and not _digits(part, 12)):
        return None
    return int(whole) * 1000 + int(part[:3].ljust(3, "0")), 0


def _milliseconds(text: str) -> tuple[int, int | None] | None:
    return (int(text), 0) if _digits(text, 15) else None


def _digits(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isascii() and text.isdecimal()
