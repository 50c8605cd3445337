"""Points in time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from postwarden.model import moment

NAIVE = datetime(2026, 11, 23, 9, 30)  # noqa: DTZ001 - a time without a zone is what is refused here
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "2026-11-23T09:30:00.000000Z"),
        (datetime(2026, 11, 23, 9, 30, 1, 2, tzinfo=UTC), "2026-11-23T09:30:01.000002Z"),
        (datetime(2026, 1, 1, 8, 59, tzinfo=TOKYO), "2025-12-31T23:59:00.000000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_six_digits(time: datetime, text: str) -> None:
    """Whatever its zone, a time is written in UTC, with microseconds and `Z`."""
    assert moment.text(time) == text
    assert moment.parse(text) == time


@pytest.mark.parametrize("use", [moment.text, moment.utc], ids=["text", "utc"])
def test_a_time_without_a_zone_is_refused(use: object) -> None:
    """Nothing guesses which zone a naive time is in."""
    assert callable(use)
    with pytest.raises(ValueError, match="without a zone"):
        use(NAIVE)


@pytest.mark.parametrize("text", ["2026-11-23T09:30:00", "2026-11-23", "yesterday", ""])
def test_a_text_without_a_zone_is_no_time(text: str) -> None:
    """Only a text that names its zone is parsed."""
    with pytest.raises(ValueError, match=r".+"):
        moment.parse(text)


def test_another_zone_in_a_text_becomes_utc() -> None:
    """A time that is written in another zone is the same point in UTC."""
    parsed = moment.parse("2026-11-23T09:30:00+09:00")
    assert parsed == datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert parsed.utcoffset() == timedelta(0)


def test_a_time_beyond_the_calendar_is_a_value_error() -> None:
    """A time that leaves the calendar on its way to UTC is refused like any other text that is no time."""
    with pytest.raises(ValueError, match=r".+"):
        moment.parse("9999-12-31T23:59:59-01:00")


def test_utc_is_required_of_each_moment_that_is_there() -> None:
    """None passes, UTC passes, everything else is refused."""
    moment.require_utc(None, datetime(2026, 11, 23, tzinfo=UTC))
    for wrong in (NAIVE, datetime(2026, 11, 23, tzinfo=TOKYO)):
        with pytest.raises(ValueError, match="not a time in UTC"):
            moment.require_utc(None, wrong)
