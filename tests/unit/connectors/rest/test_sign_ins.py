"""Reading sign-ins in spans of time: marks, numbers, and what cannot be read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from postwarden.connectors.rest.sign_ins import ReadTo, SignIn, told
from postwarden.errors import ConnectorError
from postwarden.formats.asked import Asked
from postwarden.formats.json_text import JsonError
from postwarden.model.event import Access
from postwarden.model.reading import Gap
from postwarden.model.scope import source_scope

BEGIN = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED = Asked(scope=source_scope("cloud"), source="cloud", check="sign_ins", observed=BEGIN)


def decode(found: object, at: int) -> Access | str | None:
    assert isinstance(found, dict)
    if "why" in found:
        return str(found["why"])
    return (
        None
        if "other" in found
        else Access(at=at, time=1, stage="whole", protocol="sign_in", name=found["name"])
    )


def read(*days: list[dict[str, str]], until: datetime | None = None) -> list[SignIn | ReadTo | Gap]:
    """A reading of so many days, each with these records; one that has no `id` has none."""
    given = iter(days)

    def records(_begin: datetime, _end: datetime) -> Iterator[tuple[str | JsonError, bytes]]:
        for one in next(given, []):
            yield one.get("id", JsonError("no id")), json.dumps(one).encode()

    end = until or BEGIN + DAY * len(days)
    return list(told(ASKED, BEGIN, end, span=DAY, records=records, decode=decode))


def test_records_are_numbered_over_the_whole_reading() -> None:
    """The number of an event is that of its record in the reading, also where others before it told nothing."""
    found = read([{"id": "a", "name": "x"}, {"id": "b", "other": ""}], [{"id": "c", "name": "y"}])
    assert [(one.id, one.access.at) for one in found if isinstance(one, SignIn)] == [("a", 0), ("c", 2)]


def test_what_cannot_be_read_is_counted_before_the_mark() -> None:
    """Records without an id and those of another form are one gap of their day, with the first reason."""
    found = read([{"id": "a", "why": "no time"}, {"name": "x"}, {"id": "b", "name": "y"}], [])
    assert [type(one) for one in found] == [SignIn, Gap, ReadTo, ReadTo]
    (gap,) = [one for one in found if isinstance(one, Gap)]
    assert gap.message == "2 sign-ins of 2026-11-20 09:30 to 2026-11-21 09:30 UTC cannot be read: no time"
    assert gap.part == "sign-ins"


def test_a_record_without_an_id_is_never_told() -> None:
    """What cannot be known again is counted, however well it can be read."""
    found = read([{"name": "x"}])
    assert [type(one) for one in found] == [Gap, ReadTo]


def test_a_record_that_is_no_text_hides_no_other() -> None:
    """A name or a program with half a character in it costs its own record, which is counted."""
    found = read([{"id": "a", "name": "\udc80"}, {"id": "b", "name": "y"}])
    assert [type(one) for one in found] == [SignIn, Gap, ReadTo]


@pytest.mark.parametrize(("hours", "marks"), [(0, 0), (1, 1), (24, 1), (25, 2), (72, 3)])
def test_the_last_mark_is_the_end(hours: int, marks: int) -> None:
    """However long the time is, its spans end with it."""
    found = read(until=BEGIN + timedelta(hours=hours, microseconds=7))
    times = [one.time for one in found if isinstance(one, ReadTo)]
    assert len(times) == marks
    assert times[-1:] == ([BEGIN + timedelta(hours=hours)] if marks else [])


def test_a_span_that_breaks_off_has_no_mark() -> None:
    """What came of it is told, and then the error."""

    def records(_begin: datetime, _end: datetime) -> Iterator[tuple[str, bytes]]:
        yield "a", b'{"name": "x"}'
        raise ConnectorError("gone", "wait", reason="unreachable")

    reading = told(ASKED, BEGIN, BEGIN + DAY, span=DAY, records=records, decode=decode)
    assert isinstance(next(reading), SignIn)
    with pytest.raises(ConnectorError, match="gone"):
        next(reading)
