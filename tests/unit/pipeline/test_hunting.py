"""What a hunt says it could not look at, and the record of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from postwarden.config.settings import decode
from postwarden.history.history import History, open_history
from postwarden.history.storing import DAY
from postwarden.model.arrival import Batch, Cursor
from postwarden.model.event import Event
from postwarden.model.indicator import Indicator
from postwarden.model.record import Envelope
from postwarden.pipeline.hunting import Hunt, hunt, hunt_made
from postwarden.pipeline.record import MAX_LINE, line
from tests.unit.history.conftest import log_in

CONFIG = b"""
[history]
days = 400
[[source]]
name = "imap-log"
kind = "log_files"
files = ["*.log"]
format = "dovecot"
"""
IP = Indicator(kind="ip", value="192.0.2.1")
Gaps = Callable[..., tuple[str, ...]]


@pytest.fixture
def gaps(tmp_path: Path) -> Gaps:
    """The gaps of a hunt at `now`, after events were stored at `stored` and the log was looked at then."""

    def found(
        *events: Event, stored: int, now: int, since: int | None = None, until: int | None = None
    ) -> tuple[str, ...]:
        config = decode(CONFIG, tmp_path / "agent.toml")
        with open_history(tmp_path, create=True) as history:
            _store(history, events, stored)
            return hunt(history, [IP], [], config, now=now, since=since, until=until).gaps

    return found


def _store(history: History, events: tuple[Event, ...], stored: int) -> None:
    batch = Batch(
        source="imap-log",
        cursor=Cursor(head=b"h"),
        events=list(events),
        unread=[],
        doubtful=[],
        passed=0,
        lines=len(events),
    )
    with history.writing() as storing:
        history.store(storing, [(batch, 1, True)], stored)
        with history.transaction():
            storing.looked("imap-log", (), stored)


def test_a_log_that_nobody_has_read_since_is_a_gap(gaps: Gaps) -> None:
    """Nothing found in a month that nobody read is not nothing."""
    events = (log_in(DAY),)
    assert gaps(*events, stored=2 * DAY, now=2 * DAY + 60_000, since=DAY) == ()
    (gap,) = gaps(*events, stored=2 * DAY, now=9 * DAY, since=DAY)
    assert gap == "imap-log: nobody has read it since 1970-01-03T00:00:00.000000Z"
    assert gaps(*events, stored=2 * DAY, now=9 * DAY, since=DAY, until=2 * DAY) == ()


def test_what_was_removed_as_configured_is_a_gap(gaps: Gaps) -> None:
    """The first time of a log stays when its rows go, and does not stand for them."""
    told = gaps(log_in(DAY), log_in(430 * DAY), stored=2 * DAY, now=2 * DAY + 1, since=DAY)
    assert told == ()
    told = gaps(log_in(500 * DAY), stored=500 * DAY, now=500 * DAY, since=DAY)
    assert told == ("lines that came before 1970-04-11 were removed, as configured",)
    assert gaps(log_in(500 * DAY), stored=500 * DAY, now=500 * DAY, since=200 * DAY) == ()


def test_the_record_of_a_hunt_fits_into_a_line_whatever_was_looked_for() -> None:
    """Whoever sends us indicators does not decide whether the hunt can be recorded; what has no room is counted."""
    wide = "\N{GRINNING FACE}" * 400
    made = Hunt(
        indicators=tuple(Indicator(kind="client", value=f"{n}{wide}") for n in range(60)),
        since=None,
        until=None,
        hits=(),
        gaps=(wide,) * 60,
    )
    envelope = Envelope(time="2026-11-20T00:00:00.000000Z", run="r", actor="a", agent="x")
    record = hunt_made(made, wide * 5, envelope)
    assert len(line(record)) <= MAX_LINE
    assert len(record.indicators) + record.more_indicators == 60
    few = hunt_made(Hunt(indicators=(IP,), since=None, until=None, hits=(), gaps=()), "why", envelope)
    assert (few.indicators, few.more_indicators, few.reason) == ((("ip", "192.0.2.1"),), 0, "why")
