"""The times in generated logs: in order, in their zone, and honest about daylight saving."""

from datetime import UTC, datetime
from itertools import pairwise

from postwarden.lab.logs import Written
from tests.unit.lab.logs.made import between, lines, truth


def iso(line: str) -> datetime:
    return datetime.fromisoformat(line.partition(" ")[0])


def wall_clock(line: str) -> datetime:
    """The time of a line of the syslog, which says neither year nor zone."""
    return datetime.strptime(f"2025 {line[:15]} +0000", "%Y %b %d %H:%M:%S %z")


def test_lines_are_in_the_order_of_their_times(autumn: Written) -> None:
    """Dovecot's, Exchange's and Roundcube's lines never go back in time, over all files."""
    dovecot = [iso(line) for line in lines(autumn, "dovecot")]
    exchange = [line.partition(",")[0] for line in lines(autumn, "exchange_imap4")]
    roundcube = [
        datetime.strptime(between(line, "[", "]"), "%d-%b-%Y %H:%M:%S %z")
        for line in lines(autumn, "roundcube")
    ]
    assert dovecot == sorted(dovecot)
    assert exchange == sorted(exchange)
    assert roundcube == sorted(roundcube)


def test_the_hour_that_comes_twice_is_there_twice(autumn: Written) -> None:
    """When clocks go back, phones in Germany ask in both of the hours, which the log's zone tells apart."""
    hour = 3_600_000
    first = int(datetime(2025, 10, 26, tzinfo=UTC).timestamp() * 1000)
    german = [row for row in truth(autumn) if row.country == "DE"]
    in_summer = [row.name for row in german if first <= row.begun < first + hour]
    in_winter = [row.name for row in german if first + hour <= row.begun < first + 2 * hour]
    assert "scanner" in set(in_summer) & set(in_winter)
    assert len(set(in_winter)) >= 3
    assert len(in_summer) / 2 < len(in_winter) < len(in_summer) * 2
    found = [line[19:24] for line in lines(autumn, "dovecot") if line.startswith("2025-10-26T02:")]
    assert found == sorted(found, reverse=True)
    assert set(found) == {"+0200", "+0100"}


def test_a_log_without_years_goes_back_only_with_the_clock(autumn: Written) -> None:
    """The syslog has no years and no zones; its times go back in one place, by an hour."""
    found = [wall_clock(line) for line in lines(autumn, "dovecot_syslog")]
    back = [(one, following) for one, following in pairwise(found) if following < one]
    assert len(back) == 1
    before, after = back[0]
    assert (before.month, before.day, before.hour) == (10, 26, 2)
    assert 3000 < (before - after).total_seconds() <= 3600
    assert any(line[:6] == "Nov  3" for line in lines(autumn, "dovecot_syslog"))


def test_both_ways_to_write_a_log_have_the_same_times(autumn: Written) -> None:
    """The syslog's lines are at the seconds of the log with zones, one for one."""
    own = [
        iso(line).astimezone(UTC) for line in lines(autumn, "dovecot") if not line.startswith("2025-10-26")
    ]
    through = [wall_clock(line) for line in lines(autumn, "dovecot_syslog") if not line.startswith("Oct 26")]
    ahead = {round((there - here).total_seconds()) for here, there in zip(own, through, strict=True)}
    assert ahead == {3600, 7200}
