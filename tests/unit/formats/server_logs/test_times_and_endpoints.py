"""Times and addresses as logs write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postwarden.formats.server_logs.endpoints import address_of, endpoint, forwarded_client
from postwarden.formats.server_logs.iso_times import utc_time, wall_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01 00:00:00", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T00:00:01.1239999Z", 1123),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00-0130", 5_400_000),
        ("2016-12-31T23:59:60Z", 1483228800000),
        ("1969-12-31T23:59:59Z", None),
        ("1970-01-01T00:00:00+01:00", None),
        ("2026-02-29T00:00:00Z", None),
        ("2026-01-01T24:00:00Z", None),
        ("2026-01-01T00:60:00Z", None),
        ("2026-01-01T00:00:61Z", None),
        ("2026-01-01T00:00:00+24:00", None),
        ("2026-01-01T00:00:00+00:60", None),
        ("2026-01-01", None),
        ("٢٠٢٦-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_times_are_milliseconds_in_utc(text: str, time: int | None) -> None:
    """Any form of RFC 3339 is a time; what is no time, or before 1970, is none."""
    assert utc_time(text) == time


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - the zone is added
    st.integers(-23 * 60, 23 * 60),
)
def test_times_are_those_of_the_standard_library(moment: datetime, minutes: int) -> None:
    """A time with a zone is the same point in time."""
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert utc_time(aware.isoformat()) == expected
    found = wall_time(aware.isoformat())
    assert found is not None
    assert found[1] == minutes * 60_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.2.3.4", ("1.2.3.4", None)),
        ("1.2.3.4:143", ("1.2.3.4", 143)),
        ("[2001:DB8::1]:143", ("2001:db8::1", 143)),
        ("[::1]", ("::1", None)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("fe80::1%3", ("fe80::1", None)),
        ("::ffff:1.2.3.4", ("1.2.3.4", None)),
        ("1.2.3.4:65536", None),
        ("1.2.3.4:x", None),
        ("example.org:143", None),
        ("", None),
    ],
)
def test_endpoints_are_taken_apart(text: str, found: tuple[str, int | None] | None) -> None:
    """Address and port in every form, and nothing where it is neither."""
    assert endpoint(text) == found


def test_the_client_of_proxies_is_the_last_public_address() -> None:
    """Words that are no address are left out; without a public one the last address counts."""
    assert forwarded_client(["198.51.100.1", " 203.0.113.7:99", "10.0.0.1", "unknown"]) == "203.0.113.7"
    assert forwarded_client(["10.0.0.2", "10.0.0.1"]) == "10.0.0.1"
    assert forwarded_client(["unknown"]) is None
    assert address_of("unknown") is None
