"""A service's sign-ins into the history: each once, by a clock that the test sets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from postwarden.connectors.rest.sign_ins import ReadTo, SignIn, Told
from postwarden.errors import HistoryError
from postwarden.formats.asked import Asked
from postwarden.history.history import History, open_history
from postwarden.history.reading import Wanted
from postwarden.history.storing import Storing
from postwarden.model.arrival import Batch, Cursor
from postwarden.model.event import Access
from postwarden.model.reading import CheckDone, Gap
from postwarden.model.scope import source_scope
from postwarden.pipeline import ingest_sign_ins
from postwarden.pipeline.ingest import Progress
from postwarden.pipeline.ingest_sign_ins import EVERY, SignInIngester
from postwarden.pipeline.recall_sign_ins import HistoryOfSignIns

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Service:
    """A service that lists its records by days, the newest first, as both services do."""

    name = "cloud"
    sign_ins_kept, sign_in_lateness = 30 * DAY, 2 * HOUR

    def __init__(self) -> None:
        self.now, self.steady = NOW, 0.0
        self.records: dict[str, tuple[datetime, str]] = {}
        self.asked: list[tuple[datetime, datetime]] = []
        #: Spans after which it fails, and seconds that each takes.
        self.breaks_after: int | None = None
        self.takes = 0.0
        self.strays: list[SignIn] = []

    def sign_in(self, identifier: str, time: datetime, name: str = "alice@example.org") -> None:
        self.records[identifier] = time, name

    def pass_by(self, time: timedelta) -> None:
        self.now += time
        self.steady += time.total_seconds()

    def gap(self, message: str, part: str | None = None) -> Gap:
        asked = Asked(scope=source_scope(self.name), source=self.name, check="sign_ins", observed=self.now)
        return asked.gap("unreachable", message, part=part, hint="wait")

    def read_sign_ins(self, since: datetime, until: datetime) -> Iterator[Told]:
        self.asked.append((since, until))
        yield from self.strays
        begin = since
        spans = 0
        while begin < until:
            end = min(begin + DAY, until)
            self.steady += self.takes
            listed = sorted(self.records.items(), key=lambda one: one[1], reverse=True)
            for identifier, (time, name) in listed:
                if begin <= time <= end and time <= self.now:
                    yield SignIn(id=identifier, access=access(time, name))
            if spans == self.breaks_after:
                yield self.gap("it went away")
                return
            yield ReadTo(time=end)
            begin = end
            spans += 1


def access(time: datetime, name: str = "alice@example.org") -> Access:
    return Access(
        at=0, time=int(time.timestamp() * 1000), stage="whole", protocol="sign_in", name=name, address="192.0.2.7"
    )  # fmt: skip


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path, create=True) as opened:
        yield opened


def ingester(service: Service, at_once: float | None = None) -> SignInIngester:
    return SignInIngester(service, lambda: service.now, lambda: service.steady, at_once)


def turn(one: SignInIngester, history: History) -> list[Progress]:
    with history.writing() as storing:
        return list(one.turn(history, storing))


def times(history: History) -> list[datetime]:
    """When the sessions in the history began, the oldest first."""
    found = [one.begun for one in history.read.sessions(Wanted()) if one.begun is not None]
    return [datetime.fromtimestamp(one / 1000, UTC) for one in sorted(found)]


def stored(service: Service) -> list[datetime]:
    return sorted(time for time, _ in service.records.values())


def check(service: Service, folder: Path) -> list[str]:
    """The messages of the gaps that an audit would tell; it is over with them."""
    asked = Asked(scope=source_scope("cloud"), source="cloud", check="sign_ins", observed=service.now)
    items = list(HistoryOfSignIns(folder, lambda: service.now).of_sign_ins(asked))
    assert isinstance(items[-1], CheckDone)
    return [item.message for item in items if isinstance(item, Gap)]


def fill(service: Service, days: int = 29, a_day: int = 5) -> None:
    for day in range(days):
        for n in range(a_day):
            service.sign_in(f"{day}-{n}", NOW - day * DAY - n * HOUR - timedelta(seconds=1))


def test_the_first_turn_takes_all_that_the_service_keeps(service: Service, history: History) -> None:
    """It asks for thirty days, and each sign-in is a session."""
    fill(service)
    service.sign_in("too old", NOW - 31 * DAY)
    turn(ingester(service), history)
    assert service.asked == [(NOW - 30 * DAY, NOW)]
    del service.records["too old"]
    assert times(history) == stored(service)


def test_the_service_is_asked_every_five_minutes_at_most(service: Service, history: History) -> None:
    """A turn before that asks for nothing and stores nothing."""
    one = ingester(service)
    turn(one, history)
    service.pass_by(timedelta(seconds=EVERY - 1))
    assert turn(one, history) == []
    assert len(service.asked) == 1
    service.pass_by(timedelta(seconds=1))
    turn(one, history)
    assert len(service.asked) == 2


def test_later_turns_ask_for_what_may_still_come(service: Service, history: History) -> None:
    """What is new, what came late and nothing twice: the time of the service's lateness is asked for again."""
    fill(service)
    one = ingester(service)
    turn(one, history)
    service.pass_by(10 * HOUR)
    turn(one, history)
    service.pass_by(HOUR)
    service.sign_in("new", service.now - timedelta(minutes=1))
    service.sign_in("late", service.now - 2 * HOUR)
    turn(one, history)
    assert service.asked[1] == (NOW - 2 * HOUR, NOW + 10 * HOUR)
    assert service.asked[2] == (NOW + 8 * HOUR, NOW + 11 * HOUR)
    assert times(history) == stored(service)


def test_a_record_that_changed_is_not_stored_again(service: Service, history: History) -> None:
    """The service may tell of a sign-in once more with another content: it is known by its id."""
    service.sign_in("one", NOW - HOUR)
    one = ingester(service)
    turn(one, history)
    service.sign_in("one", NOW - HOUR, name="renamed@example.org")
    service.pass_by(HOUR / 2)
    turn(one, history)
    assert [session.name for session in history.read.sessions(Wanted())] == ["alice@example.org"]


def test_another_process_goes_on_where_the_history_is(service: Service, history: History) -> None:
    """An ingester that knows nothing stores nothing twice."""
    fill(service)
    turn(ingester(service), history)
    turn(ingester(service), history)
    service.pass_by(DAY)
    service.sign_in("new", service.now - HOUR)
    turn(ingester(service), history)
    assert times(history) == stored(service)
    assert len(history.read.cursors("cloud")) == 1


@pytest.mark.parametrize("dies_at", range(1, 8))
def test_a_death_between_batches_neither_loses_nor_repeats(
    dies_at: int, service: Service, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever storing is the last one, before or in the middle of a day, the next process completes it."""
    monkeypatch.setattr(ingest_sign_ins, "BATCH", 20)
    for n in range(90):
        service.sign_in(f"a{n}", NOW - 2 * DAY + timedelta(minutes=n))
        service.sign_in(f"b{n}", NOW - timedelta(minutes=n))
    number = 0
    store = Storing.store

    def dying(self: Storing, batch: Batch, now: int, **more: Any) -> Cursor:
        nonlocal number
        # Days without any sign-in store their mark alone.
        if batch.events:
            number += 1
            if number == dies_at:
                raise HistoryError("the disk is full", "make room")
        return store(self, batch, now, **more)

    monkeypatch.setattr(Storing, "store", dying)
    with pytest.raises(HistoryError):
        turn(ingester(service), history)
    assert len(times(history)) < len(service.records)
    turn(ingester(service), history)
    assert times(history) == stored(service)
    places = history.base.execute("SELECT at FROM access ORDER BY at").fetchall()
    assert places == [(n,) for n in range(180)]


def test_what_came_before_a_failure_is_kept_and_the_rest_comes_later(
    service: Service, history: History, tmp_path: Path
) -> None:
    """A service that goes away is a gap with its words; the next turn completes the day."""
    fill(service)
    service.breaks_after = 3
    one = ingester(service)
    steps = turn(one, history)
    assert [str(step.unreadable.error) for step in steps if step.unreadable] == ["it went away"]
    told = [time for time in stored(service) if time <= NOW - 26 * DAY]
    assert 0 < len(told) < len(service.records)
    assert times(history) == told
    assert "it went away" in check(service, tmp_path)
    assert any("are read up to 2026-10-" in gap for gap in check(service, tmp_path))
    service.breaks_after = None
    service.pass_by(HOUR)
    turn(one, history)
    assert times(history) == stored(service)
    assert check(service, tmp_path) == []


def test_a_long_reading_gives_way_and_goes_on(service: Service, history: History) -> None:
    """Where it has far to go it breaks off, and goes on at once in the next turn, without a sign-in lost or told twice."""
    fill(service)
    service.takes = 4.0
    one = ingester(service, at_once=10.0)
    turn(one, history)
    assert 0 < len(times(history)) < len(service.records)
    for _ in range(20):
        turn(one, history)
    assert times(history) == stored(service)
    assert len(service.asked) == 10
    assert service.asked[1][0] == NOW - 27 * DAY


def test_what_the_service_no_longer_keeps_is_lost_and_told(
    service: Service, history: History, tmp_path: Path
) -> None:
    """After forty days without a reading, ten days are a gap that stays."""
    fill(service)
    one = ingester(service)
    turn(one, history)
    service.pass_by(40 * DAY)
    for _ in range(2):
        turn(one, history)
        service.pass_by(HOUR)
    assert service.asked[1][0] == NOW + 10 * DAY
    (gap,) = check(service, tmp_path)
    assert gap.startswith("the sign-ins from 2026-11-23 12:00 UTC to 2026-12-03 12:00 UTC are lost")


@pytest.mark.parametrize("ahead", [9 * HOUR, 300 * DAY])
def test_a_clock_that_was_ahead_costs_nothing(ahead: timedelta, service: Service, history: History) -> None:
    """Sign-ins of the time that a wrong clock called past are stored when they happen, and the others not again."""
    fill(service)
    one = ingester(service)
    turn(one, history)
    service.now += ahead
    service.steady += EVERY
    listed = service.records
    turn(one, history)
    service.now -= ahead
    service.pass_by(3 * HOUR)
    listed["after"] = (service.now - HOUR, "alice@example.org")
    turn(one, history)
    assert times(history) == stored(service)


def test_sign_ins_that_were_not_asked_for_are_not_stored(
    service: Service, history: History, tmp_path: Path
) -> None:
    """A service that answers with other times than it was asked for is a gap."""
    service.strays = [
        SignIn(id="old", access=access(NOW - 90 * DAY)), SignIn(id="ahead", access=access(NOW + DAY)),
    ]  # fmt: skip
    turn(ingester(service), history)
    assert times(history) == []
    (gap,) = check(service, tmp_path)
    assert gap.startswith("2 sign-ins came that are not of the time that was asked for")


def test_ids_beyond_memory_are_given_up_and_told(
    service: Service, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more sign-ins than can be known by their ids, the oldest are not asked for again: none is stored twice."""
    monkeypatch.setattr(ingest_sign_ins, "MOST", 30)
    for n in range(60):
        service.sign_in(str(n), NOW - timedelta(minutes=2 * n))
    one = ingester(service)
    turn(one, history)
    (gap,) = check(service, tmp_path)
    assert gap.startswith(
        "there are more than 30 sign-ins that may still change: those of before 2026-11-23 "
    )
    service.pass_by(HOUR / 2)
    turn(one, history)
    assert times(history) == stored(service)


def test_delays_are_measured_once_it_is_up_to_date(service: Service, history: History) -> None:
    """What was there before is no delay; what comes between two readings is, and the bound keeps to the service's word."""
    fill(service)
    one = ingester(service)
    turn(one, history)
    assert sum(history.read.sources()["cloud"].delays) == 0
    for n in range(200):
        service.pass_by(timedelta(seconds=EVERY))
        service.sign_in(f"new {n}", service.now - timedelta(minutes=2))
        turn(one, history)
    standing = history.read.sources()["cloud"]
    assert sum(standing.delays) == 200
    assert standing.delay == 128
    assert standing.lateness == 2 * 3_600_000


def test_nobody_asking_is_a_gap(service: Service, history: History, tmp_path: Path) -> None:
    """Before the first reading, and when the last one is long ago."""
    assert check(service, tmp_path) == ["nobody has asked for the sign-ins yet"]
    turn(ingester(service), history)
    assert check(service, tmp_path) == []
    service.pass_by(3 * HOUR)
    assert check(service, tmp_path) == ["nobody has asked for the sign-ins since 2026-11-23 12:00 UTC"]
