"""Logs that the administrator describes."""

from typing import Any

import pytest

from postwarden.errors import ConfigError
from postwarden.formats.server_logs import About, Decoded, open_log
from postwarden.model.event import Access, Transfer
from tests.generic_descriptions import GATEWAY, RELAY, WEBMAIL
from tests.log_samples import accesses, decode, sample, transfers


def _read(name: str, options: dict[str, Any], zone: str = "UTC") -> Decoded:
    return decode("generic", sample(f"generic/{name}.log"), About(options=options, zone=zone))


def test_lines_are_taken_apart_by_a_pattern() -> None:
    """Named groups are the fields of the event, and a table gives the stage."""
    decoded = _read("webmail", WEBMAIL)
    assert accesses(decoded) == [
        Access(
            at=0,
            time=1795392000000,
            stage="whole",
            protocol="webmail",
            name="alice",
            address="203.0.113.7",
            port=50123,
            client="Mozilla/5.0 (X11)",
        ),
        Access(
            at=sample("generic/webmail.log").index(b"2026-11-23T09:00:05"),
            time=1795392005000,
            stage="refused",
            protocol="webmail",
            name="bob",
            address="2001:db8::5",
            client="curl/8.5.0",
        ),
    ]


def test_lines_of_no_interest_are_told_from_those_that_are_not_understood() -> None:
    """Ignored lines, passed values and accesses without a name are passed over; other words and addresses are unread."""
    decoded = _read("webmail", WEBMAIL)
    assert decoded.passed == 3
    assert [line[:40] for _, line in decoded.unread] == [
        b"2026-11-23T09:00:09+09:00 login maybe us",
        b"2026-11-23T09:00:10+09:00 login ok user=",
        b"something else",
    ]


def test_rows_are_read_by_their_columns() -> None:
    """Columns by name, a delimiter, times of a zone, and bytes."""
    decoded = _read("gateway", GATEWAY, "Europe/Berlin")
    found = accesses(decoded)
    assert [(one.name, one.stage, one.bytes_in, one.bytes_out) for one in found] == [
        ("alice", "whole", 10, 2000),
        ("alice", "whole", 10, 2000),
        ("alice", "whole", 10, 2000),
        ("alice", "refused", None, None),
        ("bob; the builder", "whole", 1, 2),
    ]
    assert found[4].client == 'Think "Mail"'
    assert [line for _, line in decoded.unread] == [b"25.10.2026;torn"]
    assert decoded.passed == 1


def test_hours_that_come_twice_or_never_are_doubtful() -> None:
    """Where clocks are put back, the order of lines decides; each such time is told."""
    decoded = _read("gateway", GATEWAY, "Europe/Berlin")
    assert [one.time for one in accesses(decoded)] == [
        1774745999000,
        1774747800000,
        1792887000000,
        1792889400000,
        1792890300000,
    ]
    assert [words.partition(":")[0] for _, words in decoded.doubtful] == [
        "clocks were put forward",
        "clocks were put back",
        "clocks were put back",
        "clocks were put back",
    ]


def test_a_restart_keeps_the_columns_and_the_latest_time() -> None:
    """Behind a restart, the hour that comes twice is still judged by the lines before it; a second header is passed over."""
    about = About(options=GATEWAY, zone="Europe/Berlin")
    first = open_log("generic", about)
    lines = sample("generic/gateway.log").splitlines(keepends=True)
    first.decode(b"".join(lines[:5]), 0)
    found = open_log("generic", about, first.state()).decode(lines[0] + lines[5], 500)
    assert [one.time for one in accesses(found)] == [1792890300000]
    assert found.passed == 1


def test_a_restart_keeps_the_latest_time_of_lines() -> None:
    """Lines without columns remember the time too."""
    options: dict[str, object] = {
        "kind": "lines",
        "event": "access",
        "pattern": "^(?P<time>.{19}) (?P<name>.+)$",
        "protocol": "imap",
        "stage": "whole",
    }
    about = About(options=options, zone="Europe/Berlin")
    first = open_log("generic", about)
    assert first.decode(b"2026-10-25T02:10:00 a\n2026-10-25T02:50:00 a\n", 0).unread == []
    found = open_log("generic", about, first.state()).decode(b"2026-10-25T02:05:00 a\n", 500)
    assert [one.time for one in accesses(found)] == [1792890300000]


def test_a_header_of_too_many_columns_is_unread() -> None:
    """What is remembered of a file is bounded."""
    head = ";".join(["When", "User", "From", "Client", "Result", "In", "Out", *map(str, range(300))])
    decoded = decode("generic", head.encode() + b"\n", About(options=GATEWAY))
    assert len(decoded.unread) == 1


def test_objects_are_read_by_paths() -> None:
    """Dots go into objects and lists; a list of recipients is several."""
    decoded = _read("relay", RELAY)
    content = sample("generic/relay.log")
    assert transfers(decoded) == [
        Transfer(
            at=0,
            time=1795392000250,
            sender="alice@example.org",
            recipients=("bob@example.net", "carol@example.net"),
            message_id="<1@example.org>",
            size=4096,
            direction="out",
            outcome="delivered",
            address="198.51.100.9",
        ),
        Transfer(
            at=content.index(b'{"ts": 1795392001'),
            time=1795392001000,
            sender="",
            recipients=("dave@example.org",),
            size=12,
            direction="out",
            outcome="failed",
        ),
    ]
    assert (decoded.passed, len(decoded.unread)) == (1, 2)


def test_columns_can_be_numbers() -> None:
    """Without a header, columns count from 1, and so do the fields of tables."""
    options = {
        "kind": "csv",
        "event": "access",
        "header": False,
        "columns": {"time": 1, "name": 3},
        "time_format": "unix_ms",
        "protocol": {"field": "2", "values": {"I": "imap", "P": "pop3"}},
        "stage": "whole",
    }
    decoded = decode(
        "generic", b"1795392000250,i,alice\n1795392000251,p,bob,more\n1795392000252\n", About(options=options)
    )
    assert [(one.protocol, one.name, one.time) for one in accesses(decoded)] == [
        ("imap", "alice", 1795392000250),
        ("pop3", "bob", 1795392000251),
    ]
    assert len(decoded.unread) == 1


def test_a_described_log_that_tells_ends_says_so() -> None:
    """Where a stage or a target is the end of a session, sessions end."""
    stage = {"field": "result", "values": {"ok": "begun", "failed": "ended"}}
    assert open_log("generic", About(options=WEBMAIL | {"stage": stage})).ends
    assert not open_log("generic", About(options=WEBMAIL)).ends


def test_a_header_without_the_columns_is_unread() -> None:
    """A file that is not the described one makes no events."""
    decoded = decode("generic", b"a;b\n1;2\n", About(options=GATEWAY))
    assert (decoded.events, len(decoded.unread)) == ([], 2)


@pytest.mark.parametrize(
    ("base", "change", "key"),
    [
        (WEBMAIL, {"kind": "xml"}, "kind"),
        (WEBMAIL, {"extra": 1}, "extra"),
        (WEBMAIL, {"event": "act"}, "event"),
        (WEBMAIL, {"pattern": "(?P<time>x)(?P<name>y)(?P<result>z)(?P<color>c)"}, "pattern.color"),
        (WEBMAIL, {"pattern": "(?P<time>x)(?P<result>z)"}, "pattern"),
        (WEBMAIL, {"pattern": "(?P<time>x)(?P<name>y)"}, "pattern"),
        (WEBMAIL, {"pattern": "(?<=x)y"}, "pattern"),
        (WEBMAIL, {"pattern": r"(?P<time>x)\1"}, "pattern"),
        (WEBMAIL, {"pattern": 5}, "pattern"),
        (WEBMAIL, {"ignore": "("}, "ignore"),
        (WEBMAIL, {"protocol": "smtp"}, "protocol"),
        (WEBMAIL, {"protocol": None}, "protocol"),
        (WEBMAIL, {"outcome": "delivered"}, "outcome"),
        (WEBMAIL, {"stage": {"field": "result", "values": {"ok": "fine"}}}, "stage"),
        (WEBMAIL, {"stage": {"field": "result", "values": {"ok": "whole", "OK": "refused"}}}, "stage.values"),
        (WEBMAIL, {"stage": {"field": "result", "values": {}}}, "stage.values"),
        (WEBMAIL, {"stage": {"field": "result"}}, "stage"),
        (WEBMAIL, {"stage": "pass"}, "stage"),
        (WEBMAIL, {"time_format": "%H:%M"}, "time_format"),
        (WEBMAIL, {"time_format": "%Q"}, "time_format"),
        (WEBMAIL, {"time_format": ""}, "time_format"),
        (GATEWAY, {"delimiter": ";;"}, "delimiter"),
        (GATEWAY, {"delimiter": '"'}, "delimiter"),
        (GATEWAY, {"columns": {"time": "When", "name": 2}}, "columns.name"),
        (GATEWAY, {"columns": {"time": "When", "name": ""}}, "columns.name"),
        (GATEWAY, {"columns": {"time": "When"}}, "columns"),
        (GATEWAY, {"columns": {"time": "When", "name": "User", "size": "In"}}, "columns.size"),
        (GATEWAY, {"header": False, "columns": {"time": 1, "name": 0}}, "columns.name"),
        (GATEWAY, {"header": False, "columns": {"time": 1, "name": 2}}, "stage.field"),
        (RELAY, {"fields": {"time": "ts"}}, "fields"),
        (RELAY, {"fields": {"time": "ts", "recipients": "to", "port": "p"}}, "fields.port"),
        (RELAY, {"protocol": "imap"}, "protocol"),
        (RELAY, {"outcome": None}, "outcome"),
        (RELAY, {"direction": "up"}, "direction"),
    ],
)
def test_a_wrong_description_is_refused_by_name(
    base: dict[str, Any], change: dict[str, Any], key: str
) -> None:
    """Whatever is wrong is found when the log is opened, with the option's name."""
    options = {name: value for name, value in (base | change).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        open_log("generic", About(options=options))
    assert caught.value.key == key
    assert caught.value.hint


def test_a_wrong_zone_is_refused() -> None:
    """A zone that is none is named when the log is opened."""
    for zone in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(ConfigError) as caught:
            open_log("generic", About(options=WEBMAIL, zone=zone))
        assert caught.value.key == "zone"
