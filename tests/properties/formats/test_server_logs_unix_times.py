"""Times of log lines, in any order."""

import os
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from postwarden.formats.server_logs.times import Clock

EXAMPLES = 5000 if os.environ.get("POSTWARDEN_LONG") else 300
FORMS = st.sampled_from(
    [
        "%b %d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S+01:00",
        "%Y-%m-%dT%H:%M:%S.%f+02:00",
        "%Y-%m-%d %H:%M:%SZ",
    ]
)
#: Around the day on which clocks go back in Berlin, and around a new year.
MOMENTS = st.builds(
    lambda start, seconds: start + timedelta(seconds=seconds),
    st.sampled_from(
        [
            datetime(2026, 10, 24, 22, 0, 0, 250_000, tzinfo=UTC),
            datetime(2026, 12, 31, 21, tzinfo=UTC),
            datetime(2024, 2, 29, tzinfo=UTC),
        ]
    ),
    st.integers(0, 12 * 3600) | st.integers(0, 400 * 86_400),
)
STAMPS = st.builds(lambda moment, form: moment.strftime(form), MOMENTS, FORMS)
MODIFIED = int(datetime(2027, 1, 2, tzinfo=UTC).timestamp() * 1000)


@settings(max_examples=EXAMPLES)
@given(stamps=st.lists(STAMPS, max_size=12))
def test_what_is_remembered_changes_no_time(stamps: list[str]) -> None:
    """A clock that looks into what it remembers reads the same times as one that is made anew for each line."""
    kept = Clock("Europe/Berlin", MODIFIED)
    noted = None
    for stamp in stamps:
        fresh = Clock("Europe/Berlin", MODIFIED, noted)
        expected = fresh.read(stamp)
        noted = fresh.noted()
        time = kept.known.get(stamp) or kept.sure(stamp)
        assert time == (expected.time if expected is not None and expected.doubt is None else None)
        assert kept.read(stamp) == expected or (expected is not None and expected.doubt is None)
        assert kept.newest == fresh.newest


@settings(max_examples=EXAMPLES)
@given(moments=st.lists(MOMENTS, max_size=12))
def test_a_log_in_order_keeps_its_order(moments: list[datetime]) -> None:
    """Times in full and in order are read as they are written, with or without a year beside them."""
    reader = Clock("UTC", None)
    before = 0
    for moment in sorted(moments):
        reading = reader.read(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        assert reading is not None
        assert before <= reading.time == int(moment.timestamp() * 1000)
        again = reader.read(moment.strftime("%b %d %H:%M:%S"))
        assert again is not None
        assert again.time == reading.time // 1000 * 1000
        before = reading.time
