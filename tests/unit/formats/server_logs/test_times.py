"""Times of log lines: years and zones that are not written, and clocks that change."""

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs.times import Clock
from tests.unit.formats.server_logs.told import milliseconds


def clock(modified: str = "2026-11-23T12:00:00+00:00", zone: str = "UTC") -> Clock:
    return Clock(zone, milliseconds(modified))


def read(reader: Clock, *stamps: str) -> list[tuple[int, bool]]:
    """Each stamp's time, and whether it is in doubt."""
    found = []
    for stamp in stamps:
        reading = reader.read(stamp)
        assert reading is not None
        sure = reader.sure(stamp)
        assert sure == (None if reading.doubt else reading.time)
        found.append((reading.time, reading.doubt is not None))
    return found


@pytest.mark.parametrize(
    ("stamp", "meant"),
    [
        ("2026-11-23T12:00:00+0100", "2026-11-23T12:00:00+01:00"),
        ("2026-11-23T12:00:00.123456+01:00", "2026-11-23T12:00:00.123+01:00"),
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23 12:00:00.5", "2026-11-23T12:00:00.500+09:00"),
        ("2026-11-23 12:00:00 -0330", "2026-11-23T12:00:00-03:30"),
        ("Nov  3 12:00:00", "2026-11-03T12:00:00+09:00"),
    ],
)
def test_forms_of_times(stamp: str, meant: str) -> None:
    """With a zone a time means itself, without one it is of the log's zone."""
    assert read(clock(zone="Asia/Tokyo"), stamp, stamp) == [(milliseconds(meant), False)] * 2


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "Feb 30 12:00:00",
        "Foo  1 12:00:00",
        "2026-13-01T00:00:00Z",
        "Nov 23 24:00:00",
        "0001-01-01T00:00:00",
    ],
)
def test_what_is_no_time(stamp: str) -> None:
    """A date or hour that no calendar has is no time."""
    assert clock().read(stamp) is None


def test_a_year_is_not_invented() -> None:
    """Without the file's own time nothing says which year a first line is of."""
    assert Clock("UTC", None).read("Nov 23 12:00:00") is None


def test_the_year_rolls_with_january() -> None:
    """A log that begins in December and was last written in January has lines of both years."""
    reader = clock("2027-01-02T00:00:00+00:00")
    assert read(reader, "Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:58", "Jan  1 00:00:01") == [
        (milliseconds("2026-12-31T23:59:59+00:00"), False),
        (milliseconds("2027-01-01T00:00:00+00:00"), False),
        (milliseconds("2026-12-31T23:59:58+00:00"), False),
        (milliseconds("2027-01-01T00:00:01+00:00"), False),
    ]


def test_a_silence_of_months_is_no_doubt() -> None:
    """A quiet log goes forward: March after November is of the next year."""
    reader = clock("2027-03-02T00:00:00+00:00")
    reader.see(milliseconds("2026-11-01T00:00:00+00:00"))
    assert read(reader, "Mar  1 00:00:00") == [(milliseconds("2027-03-01T00:00:00+00:00"), False)]


def test_a_log_that_goes_back_is_in_doubt() -> None:
    """Ten days back, or eleven months on: that is told, and the lines count as out of order."""
    reader = clock()
    reader.see(milliseconds("2026-11-20T00:00:00+00:00"))
    assert read(reader, "Nov 10 00:00:00") == [(milliseconds("2026-11-10T00:00:00+00:00"), True)]


def test_a_first_line_of_long_ago_is_in_doubt() -> None:
    """A leap day in a file that was written in 2026 is of 2024, and that is told to be a guess."""
    assert read(clock(), "Feb 29 12:00:00") == [(milliseconds("2024-02-29T12:00:00+00:00"), True)]


def test_the_repeated_hour_follows_order() -> None:
    """When clocks go back, lines near to certain ones are of the same hour, and what would go back is of the second."""
    reader = clock("2026-10-25T12:00:00+00:00", "Europe/Berlin")
    stamps = (
        "Oct 25 01:58:00",
        "Oct 25 02:01:00",
        "Oct 25 02:10:00",
        "Oct 25 02:59:30",
        "Oct 25 02:00:10",
        "Oct 25 03:00:00",
    )
    assert read(reader, *stamps) == [
        (milliseconds("2026-10-25T01:58:00+02:00"), False),
        (milliseconds("2026-10-25T02:01:00+02:00"), False),
        (milliseconds("2026-10-25T02:10:00+02:00"), False),
        (milliseconds("2026-10-25T02:59:30+02:00"), True),
        (milliseconds("2026-10-25T02:00:10+01:00"), False),
        (milliseconds("2026-10-25T03:00:00+01:00"), False),
    ]


def test_the_hour_that_is_not_there_is_in_doubt() -> None:
    """When clocks go forward, a time in the hour that was left out is told."""
    ((_, doubtful),) = read(clock(zone="Europe/Berlin"), "Mar 29 02:30:00")
    assert doubtful


def test_an_unknown_zone_is_an_error_of_the_configuration() -> None:
    """A zone that is none is named."""
    with pytest.raises(ConfigError) as caught:
        Clock("Mars/Olympus", None)
    assert caught.value.key == "zone"
