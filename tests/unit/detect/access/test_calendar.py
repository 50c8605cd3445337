"""Hours of the week where an account lives."""

import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from postwarden.detect.access.calendar import HOURS, Calendar

NONE: frozenset[date] = frozenset()
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(0, HOURS, 24)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "time", "hour"),
    [
        ("UTC", "2026-11-23T00:00:00", MONDAY),
        ("UTC", "2026-11-22T23:59:59.999", SUNDAY + 23),
        ("Asia/Tokyo", "2026-11-22T15:00:00", MONDAY),
        ("America/New_York", "2026-11-23T04:59:00", SUNDAY + 23),
        # Half and three quarter hours.
        ("Asia/Kolkata", "2026-11-22T18:29:59", SUNDAY + 23),
        ("Asia/Kolkata", "2026-11-22T18:30:00", MONDAY),
        ("Asia/Kathmandu", "2026-11-22T18:14:59", SUNDAY + 23),
        ("Asia/Kathmandu", "2026-11-22T18:15:00", MONDAY),
        ("Australia/Lord_Howe", "2026-07-05T13:30:00", MONDAY),
    ],
)
def test_the_hour_is_that_of_the_zone(zone: str, time: str, hour: int) -> None:
    """Monday begins at midnight there, also where zones are no whole hours from UTC."""
    calendar = Calendar(zone, None, NONE)
    assert calendar.zone_known
    assert calendar.hour_of_week(ms(time)) == hour
    # Once more, as it is remembered.
    assert calendar.hour_of_week(ms(time)) == hour


def test_nine_in_the_morning_stays_so_when_the_clocks_change() -> None:
    """Office hours in Berlin are the same hours of the week in summer and in winter."""
    calendar = Calendar("Europe/Berlin", None, NONE)
    winter, summer = ms("2026-03-26T08:00:00"), ms("2026-04-02T07:00:00")
    assert calendar.hour_of_week(winter) == calendar.hour_of_week(summer) == THURSDAY + 9
    # The hour that does not exist, and the one that is there twice.
    assert [calendar.hour_of_week(ms(f"2026-03-29T0{hour}:30:00")) - SUNDAY for hour in (0, 1)] == [1, 3]
    assert [calendar.hour_of_week(ms(f"2026-10-25T0{hour}:30:00")) - SUNDAY for hour in (0, 1, 2)] == [
        2,
        2,
        3,
    ]


def test_holidays_and_own_dates_count_as_days_of_rest() -> None:
    """On a national holiday and on the organisation's own free day it is as on Sunday, where the account lives."""
    own = frozenset({date(2026, 11, 24)})
    japan = Calendar("Asia/Tokyo", "JP", own)
    assert japan.country_known
    assert japan.hour_of_week(ms("2026-11-23T01:00:00")) == SUNDAY + 10
    assert japan.hour_of_week(ms("2026-11-24T01:00:00")) == SUNDAY + 10
    assert japan.hour_of_week(ms("2026-11-24T15:00:00")) == WEDNESDAY
    assert Calendar("Asia/Tokyo", "DE", NONE).hour_of_week(ms("2026-11-23T01:00:00")) == MONDAY + 10


def test_a_day_of_rest_is_the_countrys_own() -> None:
    """Where people rest on Friday and Saturday, a holiday is as a Saturday."""
    kuwait = Calendar("Asia/Kuwait", "KW", frozenset({date(2026, 11, 23)}))
    assert kuwait.hour_of_week(ms("2026-11-23T09:00:00")) == SATURDAY + 12
    assert kuwait.hour_of_week(ms("2026-11-22T09:00:00")) == SUNDAY + 12


@pytest.mark.parametrize("country", ["XX", "Germany", "", "../x", "de"])
def test_a_country_that_is_not_known_has_no_holidays(country: str) -> None:
    """It says so, and own dates still count."""
    calendar = Calendar("UTC", country, frozenset({date(2026, 12, 24)}))
    assert not calendar.country_known
    assert not calendar.is_free(date(2026, 12, 25))
    assert calendar.is_free(date(2026, 12, 24))


@pytest.mark.parametrize(
    "zone", ["Europe/Nowhere", "", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 300]
)
def test_a_zone_that_is_not_known_counts_as_utc(zone: str) -> None:
    """It says so."""
    calendar = Calendar(zone, None, NONE)
    assert not calendar.zone_known
    assert calendar.hour_of_week(ms("2026-11-23T05:00:00")) == MONDAY + 5


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More time than fits is forgotten, and comes out the same."""
    monkeypatch.setattr("postwarden.detect.access.calendar._REMEMBERED", 10)
    calendar = Calendar("Europe/Berlin", "DE", NONE)
    hours = [calendar.hour_of_week(ms("2026-11-23T00:00:00") + hour * 3_600_000) for hour in range(HOURS)]
    assert hours == [(hour + 1) % HOURS for hour in range(HOURS)]
    assert max(len(calendar._hours), len(calendar._free)) <= 10


def test_no_holidays_are_loaded_where_no_country_asks_for_them() -> None:
    """Importing the module, and a calendar without a country, leave the package alone."""
    code = (
        "import sys; from postwarden.detect.access.calendar import Calendar; "
        "Calendar('UTC', None, frozenset()).hour_of_week(0); print('holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
